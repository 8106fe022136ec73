// SPDX-License-Identifier: Apache-2.0
// left   [pixels][left_stride]
// right  [pixels][channels], [channels], [pixels] or [1], by its two strides
// output [pixels][output_stride]
//
//   output[p][c] = left[p][c] (+ or *) right[p * right_pixel_stride + c * right_channel_stride]
//
// in float32, which holds the product of two halves and rounds their sum so that the half nearest
// to it is the one nearest to the true sum.
#include "ops/binary/binary.h"
#include "ops/half_scalar.h"

namespace fovea::ops {

void binary_fp16_scalar(const BinaryFp16Args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(p);
        const Half* left = args.left + pixel * args.left_stride;
        Half* output = args.output + pixel * args.output_stride;
        for (int c = 0; c < args.channels; ++c) {
            const std::ptrdiff_t channel = c * args.right_channel_stride;
            Half right;
            if (args.right == nullptr) {
                store_element(right, args.right_vector[channel]);
            } else {
                right = args.right[pixel * args.right_pixel_stride + channel];
            }
            const float value = load_element(right);
            store_element(output[c], args.kind == BinaryKind::kAdd ? load_element(left[c]) + value
                                                                   : load_element(left[c]) * value);
        }
    }
}

}  // namespace fovea::ops
