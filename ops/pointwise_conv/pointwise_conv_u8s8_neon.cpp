// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/pointwise_conv/pointwise_conv_codes_neon.h"

namespace fovea::ops {

void pointwise_conv_u8s8_neon(const PointwiseConvU8S8Args& args) {
    const int quads = (args.in_channels + 3) / 4;
    for (int panel = 0; panel * 8 < args.out_channels; ++panel) {
        const std::int8_t* const weights = args.weights + static_cast<std::ptrdiff_t>(panel) * quads * 32;
        const Epilogue epilogue(bias_of_signed_inputs(args.bias + panel * 8, weights, quads), panel * 8, args.out_channels,
                                args.requantisation, args.output.type);
        std::size_t p = 0;
        for (; p + 4 <= args.pixels; p += 4) compute_bytes<4>(args, p, panel, epilogue);
        for (; p < args.pixels; ++p) compute_bytes<1>(args, p, panel, epilogue);
    }
}

}  // namespace fovea::ops
