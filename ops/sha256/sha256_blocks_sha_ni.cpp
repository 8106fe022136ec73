// SPDX-License-Identifier: Apache-2.0
// SHA-256 by the instructions of x86 CPUs since Goldmont (2016) and Zen (2017): four rounds are two SHA256RNDS2,
// four words of the message schedule SHA256MSG1, an addition and SHA256MSG2.
//
//   xmm  2  the state as the instructions want it: a b e f and c d g h, from the highest lane down
//   xmm  4  the last sixteen words of the schedule
#if !defined(__SHA__) || !defined(__SSE4_1__)
#error "compile with -msha -msse4.1"
#endif

#include <immintrin.h>

#include "ops/sha256/sha256_blocks.h"

namespace fovea::ops {
namespace {

__m128i load(const void* bytes) {
    return _mm_loadu_si128(static_cast<const __m128i*>(bytes));
}

}  // namespace

void sha256_blocks_sha_ni(std::uint32_t* state, const unsigned char* blocks, std::size_t count) {
    const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    const __m128i badc = _mm_shuffle_epi32(load(state), 0xB1);
    const __m128i hgfe = _mm_shuffle_epi32(load(state + 4), 0x1B);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xF0);
    for (; count > 0; --count, blocks += 64) {
        const __m128i abef_before = abef;
        const __m128i cdgh_before = cdgh;
        __m128i w[4];
        for (int i = 0; i < 4; ++i) w[i] = _mm_shuffle_epi8(load(blocks + 16 * i), big_endian);
        for (int round = 0; round < 64; round += 16) {
            for (int i = 0; i < 4; ++i) {
                const __m128i sums = _mm_add_epi32(w[i], load(kSha256RoundConstants + round + 4 * i));
                cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sums);
                abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sums, 0x0E));
                const __m128i second = w[(i + 1) & 3], third = w[(i + 2) & 3], last = w[(i + 3) & 3];
                w[i] = _mm_sha256msg2_epu32(
                    _mm_add_epi32(_mm_sha256msg1_epu32(w[i], second), _mm_alignr_epi8(last, third, 4)), last);
            }
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    const __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state), _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

}  // namespace fovea::ops
