// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

#include "ops/product_sum/product_sum.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

// A product, then an addition, as the scalar kernel rounds: fused they would give other bits.
template <class Arch>
struct ProductSumKernel {
    using Batch = xsimd::batch<float, Arch>;
    static constexpr int kLanes = static_cast<int>(Batch::size);
    static constexpr int kPartials = 8;
    static constexpr int kRegisters = kPartials / kLanes;

    static Batch product(const float* left, const float* right, std::ptrdiff_t c) {
        const Batch value = Batch::load_unaligned(left + c);
        return right != nullptr ? value * Batch::load_unaligned(right + c) : value;
    }

    // kCount registers of sums stay while the pixels pass.
    template <int kCount>
    static void columns(const ProductSumOverPixelsArgs& args, std::ptrdiff_t channel) {
        Batch sums[kCount];
        for (Batch& sum : sums) sum = Batch(0.0f);
        const float* left = args.left + channel;
        const float* right = args.right != nullptr ? args.right + channel : nullptr;
        for (std::size_t p = 0; p < args.pixels; ++p) {
            for (int k = 0; k < kCount; ++k) sums[k] = sums[k] + product(left, right, k * kLanes);
            left += args.left_stride;
            if (right != nullptr) right += args.right_stride;
        }
        for (int k = 0; k < kCount; ++k) sums[k].store_unaligned(args.output + channel + k * kLanes);
    }

    static void over_pixels(const ProductSumOverPixelsArgs& args) {
        int c = 0;
        for (; c + 4 * kLanes <= args.channels; c += 4 * kLanes) columns<4>(args, c);
        for (; c + kLanes <= args.channels; c += kLanes) columns<1>(args, c);
        if (c == args.channels) return;
        ProductSumOverPixelsArgs rest = args;
        rest.left += c;
        if (rest.right != nullptr) rest.right += c;
        rest.output += c;
        rest.channels -= c;
        product_sum_over_pixels_fp32_scalar(rest);
    }

    static void over_channels(const ProductSumOverChannelsArgs& args) {
        const float* left = args.left;
        const float* right = args.right;
        float* output = args.output;
        for (std::size_t p = 0; p < args.pixels; ++p) {
            Batch partial[kRegisters];
            for (Batch& sum : partial) sum = Batch(0.0f);
            int c = 0;
            for (; c + kPartials <= args.channels; c += kPartials) {
                for (int k = 0; k < kRegisters; ++k) partial[k] = partial[k] + product(left, right, c + k * kLanes);
            }
            float sums[kPartials];
            for (int k = 0; k < kRegisters; ++k) partial[k].store_unaligned(sums + k * kLanes);
            for (int j = 0; c < args.channels; ++c, ++j) sums[j] += right != nullptr ? left[c] * right[c] : left[c];
            *output = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
            left += args.left_stride;
            if (right != nullptr) right += args.right_stride;
            output += args.output_stride;
        }
    }
};

}  // namespace
}  // namespace fovea::ops
