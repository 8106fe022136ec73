// SPDX-License-Identifier: Apache-2.0
// left   [pixels][left_stride]
// right  [pixels][channels], [channels], [pixels] or [1], by its two strides
// output [pixels][output_stride]
//
//   output[p][c] = left[p][c] (+ or *) right[p * right_pixel_stride + c * right_channel_stride]
#include "ops/binary/binary.h"

namespace fovea::ops {

void binary_fp32_scalar(const BinaryFp32Args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(p);
        const float* left = args.left + pixel * args.left_stride;
        const float* right = args.right + pixel * args.right_pixel_stride;
        float* output = args.output + pixel * args.output_stride;
        for (int c = 0; c < args.channels; ++c) {
            const float value = right[c * args.right_channel_stride];
            output[c] = args.kind == BinaryKind::kAdd ? left[c] + value : left[c] * value;
        }
    }
}

}  // namespace fovea::ops
