// SPDX-License-Identifier: Apache-2.0
// CRC-32 by the carry-less multiplication of crc32_fold_x86.h, 128 bits a register.
//
//   xmm  4  64 bytes of message, folded 512 bits on at each step; then onto one another
//   xmm  1  the two multipliers
// Four, since a multiplication takes 4 to 7 cycles and two are needed for each. What is left, 16
// bytes and the end of the message, goes through the scalar kernel.
#if !defined(__PCLMUL__) || !defined(__SSE4_1__)
#error "compile with -mpclmul -msse4.1"
#endif

#include "ops/crc32/crc32_fold_x86.h"

namespace fovea::ops {

std::uint32_t crc32_pclmul(std::uint32_t crc, const void* data, std::size_t size) {
    if (size < 128) return crc32_scalar(crc, data, size);
    const unsigned char* bytes = static_cast<const unsigned char*>(data);
    __m128i a = _mm_xor_si128(load(bytes), _mm_cvtsi32_si128(static_cast<int>(~crc)));
    __m128i b = load(bytes + 16);
    __m128i c = load(bytes + 32);
    __m128i d = load(bytes + 48);
    bytes += 64;
    size -= 64;

    const __m128i by512 = fold_by<512>();
    for (; size >= 64; size -= 64, bytes += 64) {
        a = fold(a, by512, load(bytes));
        b = fold(b, by512, load(bytes + 16));
        c = fold(c, by512, load(bytes + 32));
        d = fold(d, by512, load(bytes + 48));
    }
    const __m128i by128 = fold_by<128>();
    return crc_of_rest(fold(fold(fold(a, by128, b), by128, c), by128, d), bytes, size);
}

}  // namespace fovea::ops
