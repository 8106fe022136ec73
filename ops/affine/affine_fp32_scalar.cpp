// SPDX-License-Identifier: Apache-2.0
// input  [pixels][channels]
// output [pixels][channels]
// scale, offset [channels]
//
//   output[p][c] = input[p][c] * scale[c] + offset[c]      (rounded after the product and the sum)
#include "ops/affine/affine.h"

namespace fovea::ops {

void affine_fp32_scalar(const AffineFp32Args& args) {
    const std::size_t channels = static_cast<std::size_t>(args.channels);
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const float* input = args.input + p * channels;
        float* output = args.output + p * channels;
        for (std::size_t c = 0; c < channels; ++c) {
            output[c] = input[c] * args.scale[c] + args.offset[c];
        }
    }
}

}  // namespace fovea::ops
