// SPDX-License-Identifier: Apache-2.0
// CRC-32 by carry-less multiplication (V. Gopal et al., "Fast CRC computation for generic
// polynomials using PCLMULQDQ", Intel 2009). 128 bits of message followed by d bits of zeros have
// the same remainder as their low half times (x^(d+32) mod P) plus their high half times (x^(d-32)
// mod P), so a register can be folded onto the data d bits further on.
//
//   xmm  4  64 bytes of message, folded 512 bits on at each step; then onto one another
//   xmm  1  the two multipliers
// Four, since a multiplication takes 4 to 7 cycles and two are needed for each. What is left, 16
// bytes and the end of the message, goes through the scalar kernel.
#if !defined(__PCLMUL__) || !defined(__SSE4_1__)
#error "compile with -mpclmul -msse4.1"
#endif

#include <immintrin.h>

#include "ops/crc32/crc32.h"

namespace fovea::ops {
namespace {

// x^power mod P with the bits reflected, and one further left: the product of two reflected numbers
// comes out one bit too far right.
constexpr long long multiplier(int power) {
    std::uint32_t remainder = 0x80000000u;  // x^0
    for (int i = 0; i < power; ++i) {
        remainder = (remainder >> 1) ^ ((remainder & 1u) != 0 ? 0xEDB88320u : 0u);
    }
    return static_cast<long long>(remainder) << 1;
}

inline __m128i multipliers(long long low, long long high) {
    return _mm_set_epi64x(high, low);
}

inline __m128i load(const unsigned char* bytes) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

inline __m128i fold(__m128i value, __m128i by, __m128i onto) {
    const __m128i low = _mm_clmulepi64_si128(value, by, 0x00);
    const __m128i high = _mm_clmulepi64_si128(value, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), onto);
}

}  // namespace

std::uint32_t crc32_pclmul(std::uint32_t crc, const void* data, std::size_t size) {
    if (size < 128) return crc32_scalar(crc, data, size);
    const unsigned char* bytes = static_cast<const unsigned char*>(data);
    __m128i a = _mm_xor_si128(load(bytes), _mm_cvtsi32_si128(static_cast<int>(~crc)));
    __m128i b = load(bytes + 16);
    __m128i c = load(bytes + 32);
    __m128i d = load(bytes + 48);
    bytes += 64;
    size -= 64;

    constexpr long long kLow512 = multiplier(512 + 32);
    constexpr long long kHigh512 = multiplier(512 - 32);
    const __m128i by512 = multipliers(kLow512, kHigh512);
    for (; size >= 64; size -= 64, bytes += 64) {
        a = fold(a, by512, load(bytes));
        b = fold(b, by512, load(bytes + 16));
        c = fold(c, by512, load(bytes + 32));
        d = fold(d, by512, load(bytes + 48));
    }

    constexpr long long kLow128 = multiplier(128 + 32);
    constexpr long long kHigh128 = multiplier(128 - 32);
    const __m128i by128 = multipliers(kLow128, kHigh128);
    a = fold(fold(fold(a, by128, b), by128, c), by128, d);
    for (; size >= 16; size -= 16, bytes += 16) a = fold(a, by128, load(bytes));

    // Those 16 bytes with the remainder 0 before them stand for everything so far.
    unsigned char rest[16];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), a);
    return crc32_scalar(crc32_scalar(~0u, rest, sizeof rest), bytes, size);
}

}  // namespace fovea::ops
