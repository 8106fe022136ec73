// SPDX-License-Identifier: Apache-2.0
// left, right [pixels][stride], right perhaps null (then its elements count as 1)
//
//   over pixels    output[c] = sum_p left[p][c] * right[p][c]
//   over channels  output[p] = sum_c left[p][c] * right[p][c], in eight partial sums
#include "ops/product_sum/product_sum.h"

namespace fovea::ops {
namespace {

float product(const float* left, const float* right, std::ptrdiff_t c) {
    return right != nullptr ? left[c] * right[c] : left[c];
}

}  // namespace

void product_sum_over_pixels_fp32_scalar(const ProductSumOverPixelsArgs& args) {
    for (int c = 0; c < args.channels; ++c) args.output[c] = 0.0f;
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const auto pixel = static_cast<std::ptrdiff_t>(p);
        const float* const left = args.left + pixel * args.left_stride;
        const float* const right = args.right != nullptr ? args.right + pixel * args.right_stride : nullptr;
        for (int c = 0; c < args.channels; ++c) args.output[c] += product(left, right, c);
    }
}

void product_sum_over_channels_fp32_scalar(const ProductSumOverChannelsArgs& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const auto pixel = static_cast<std::ptrdiff_t>(p);
        const float* const left = args.left + pixel * args.left_stride;
        const float* const right = args.right != nullptr ? args.right + pixel * args.right_stride : nullptr;
        float sums[8] = {};
        for (int c = 0; c < args.channels; ++c) sums[c % 8] += product(left, right, c);
        args.output[pixel * args.output_stride] =
            ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    }
}

}  // namespace fovea::ops
