// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/pointwise_conv/pointwise_conv_codes_neon.h"

namespace fovea::ops {

void pointwise_conv_s16s8_neon(const PointwiseConvS16S8Args& args) {
    const int panels = (args.out_channels + 7) / 8;
    int panel = 0;
    for (; panel + 2 <= panels; panel += 2) compute_word_panels<2>(args, panel);
    if (panel < panels) compute_word_panels<1>(args, panel);
}

}  // namespace fovea::ops
