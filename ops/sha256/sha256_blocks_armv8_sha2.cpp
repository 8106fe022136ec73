// SPDX-License-Identifier: Apache-2.0
// SHA-256 by the instructions of ARMv8's cryptography extension: four rounds are SHA256H and SHA256H2, four words of
// the message schedule SHA256SU0 and SHA256SU1.
#if !defined(__ARM_FEATURE_CRYPTO) && !defined(__ARM_FEATURE_SHA2)
#error "compile with -march=armv8-a+crypto"
#endif

#include <arm_neon.h>

#include "ops/sha256/sha256_blocks.h"

namespace fovea::ops {

void sha256_blocks_armv8_sha2(std::uint32_t* state, const unsigned char* blocks, std::size_t count) {
    uint32x4_t abcd = vld1q_u32(state);
    uint32x4_t efgh = vld1q_u32(state + 4);
    for (; count > 0; --count, blocks += 64) {
        const uint32x4_t abcd_before = abcd;
        const uint32x4_t efgh_before = efgh;
        uint32x4_t w[4];
        for (int i = 0; i < 4; ++i) w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16 * i)));
        for (int round = 0; round < 64; round += 16) {
            for (int i = 0; i < 4; ++i) {
                const uint32x4_t sums = vaddq_u32(w[i], vld1q_u32(kSha256RoundConstants + round + 4 * i));
                const uint32x4_t before = abcd;
                abcd = vsha256hq_u32(abcd, efgh, sums);
                efgh = vsha256h2q_u32(efgh, before, sums);
                w[i] = vsha256su1q_u32(vsha256su0q_u32(w[i], w[(i + 1) & 3]), w[(i + 2) & 3], w[(i + 3) & 3]);
            }
        }
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }
    vst1q_u32(state, abcd);
    vst1q_u32(state + 4, efgh);
}

}  // namespace fovea::ops
