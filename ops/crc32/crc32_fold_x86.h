// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__PCLMUL__) || !defined(__SSE4_1__)
#error "compile with -mpclmul -msse4.1"
#endif

#include <immintrin.h>

#include "ops/crc32/crc32.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with other code.
namespace {

// CRC-32 by carry-less multiplication (V. Gopal et al., "Fast CRC computation for generic
// polynomials using PCLMULQDQ", Intel 2009). 128 bits of message followed by d bits of zeros have
// the same remainder as their low half times (x^(d+32) mod P) plus their high half times (x^(d-32)
// mod P), so a register can be folded onto the data d bits further on.

// x^power mod P with the bits reflected, and one further left: the product of two reflected numbers
// comes out one bit too far right.
constexpr long long multiplier(int power) {
    std::uint32_t remainder = 0x80000000u;  // x^0
    for (int i = 0; i < power; ++i) {
        remainder = (remainder >> 1) ^ ((remainder & 1u) != 0 ? 0xEDB88320u : 0u);
    }
    return static_cast<long long>(remainder) << 1;
}

// What folds a register onto the data kBits further on.
template <int kBits>
inline __m128i fold_by() {
    constexpr long long kLow = multiplier(kBits + 32);
    constexpr long long kHigh = multiplier(kBits - 32);
    return _mm_set_epi64x(kHigh, kLow);
}

inline __m128i load(const unsigned char* bytes) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes));
}

inline __m128i fold(__m128i value, __m128i by, __m128i onto) {
    const __m128i low = _mm_clmulepi64_si128(value, by, 0x00);
    const __m128i high = _mm_clmulepi64_si128(value, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), onto);
}

// The checksum of a message that was folded down to 16 bytes and of the `size` bytes after it.
inline std::uint32_t crc_of_rest(__m128i folded, const unsigned char* bytes, std::size_t size) {
    const __m128i by128 = fold_by<128>();
    for (; size >= 16; size -= 16, bytes += 16) folded = fold(folded, by128, load(bytes));
    // Those 16 bytes with the remainder 0 before them stand for everything so far.
    unsigned char rest[16];
    _mm_storeu_si128(reinterpret_cast<__m128i*>(rest), folded);
    return crc32_scalar(crc32_scalar(~0u, rest, sizeof rest), bytes, size);
}

}  // namespace
}  // namespace fovea::ops
