// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/pointwise_conv/pointwise_conv_codes_neon.h"

namespace fovea::ops {

void pointwise_conv_s16s8_neon(const PointwiseConvS16S8Args& args) {
    for (int panel = 0; panel * 8 < args.out_channels; ++panel) {
        std::size_t p = 0;
        for (; p + 2 <= args.pixels; p += 2) compute_words<2>(args, p, panel);
        for (; p < args.pixels; ++p) compute_words<1>(args, p, panel);
    }
}

}  // namespace fovea::ops
