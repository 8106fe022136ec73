// SPDX-License-Identifier: Apache-2.0
// affine_fp32_neon.cpp with its result narrowed, in parts that stay in the first-level cache.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/affine/affine_fp16_parts.h"

namespace fovea::ops {

void affine_fp32_to_fp16_neon(const AffineFp32ToFp16Args& args) {
    affine_in_parts(args, narrow_fp16_neon,
                    [](const float* input, float* part, const float* scale, const float* offset,
                       std::size_t pixels, int channels) {
                        affine_fp32_neon({input, part, scale, offset, pixels, channels});
                    });
}

}  // namespace fovea::ops
