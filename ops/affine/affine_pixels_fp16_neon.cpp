// SPDX-License-Identifier: Apache-2.0
// Pixels of 1, 2, 3, 4, 6 or 12 channels: affine_pixels_steps_neon.h. Any other number of channels:
// affine_pixels_fp32_neon.cpp with its result narrowed, in parts that stay in the first-level cache.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/affine/affine_fp16_parts.h"
#include "ops/affine/affine_pixels_steps_neon.h"

namespace fovea::ops {

void affine_pixels_fp16_neon(const AffinePixelsFp16Args& args) {
    if (kPeriod % static_cast<std::size_t>(args.channels) == 0) {
        map_pattern<kPeriod, kStep>(args, map_steps<Half>, [](float value) {
            return vget_lane_u16(vreinterpret_u16_f16(vcvt_f16_f32(vdupq_n_f32(value))), 0);
        });
        return;
    }
    affine_in_parts(args, narrow_fp16_neon,
                    [](const std::uint8_t* input, float* part, const float* scale,
                       const float* offset, std::size_t pixels, int channels) {
                        affine_pixels_fp32_neon({input, part, scale, offset, pixels, channels});
                    });
}

}  // namespace fovea::ops
