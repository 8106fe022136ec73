// SPDX-License-Identifier: Apache-2.0
// input  [pixels][channels], 8-bit
// output [pixels][channels], float32
// scale, offset [channels]
//
//   output[p][c] = input[p][c] * scale[c] + offset[c]      (rounded after the product and the sum)
#include "ops/affine/affine.h"

namespace fovea::ops {

void affine_u8_scalar(const AffineU8Args& args) {
    const std::size_t channels = static_cast<std::size_t>(args.channels);
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const std::uint8_t* input = args.input + p * channels;
        float* output = args.output + p * channels;
        for (std::size_t c = 0; c < channels; ++c) {
            output[c] = static_cast<float>(input[c]) * args.scale[c] + args.offset[c];
        }
    }
}

}  // namespace fovea::ops
