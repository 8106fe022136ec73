// SPDX-License-Identifier: Apache-2.0
#pragma once

// input  [pixels][input_stride]
// output [channels]
//
//   output[c] = max or mean over p of input[p][c], for channel_begin <= c < channel_end
//
// The sum's order, the same in every variant: eight consecutive pixels are added as a tree,
// ((p0 + p1) + (p2 + p3)) + ((p4 + p5) + (p6 + p7)); 64 such trees are added one after the other
// into a block's sum; the blocks' sums are added one after the other; the last pixels % 8 pixels
// are added one by one to the last block. An error of at most
// 3 + 64 + pixels / 512 roundings, instead of `pixels` of them. The mean is the sum divided by
// `pixels`. A NaN gives NaN, for the maximum too.
#include <cmath>
#include <limits>

#include "ops/half_scalar.h"
#include "ops/pool/pool.h"

// Only this operation's scalar files include this: nameless, so that each has its own copy.
namespace fovea::ops {
namespace {

constexpr std::size_t kTree = 8;
constexpr std::size_t kBlock = 64 * kTree;

template <typename Element>
float mean_over_pixels(const Element* input, std::ptrdiff_t stride, std::size_t pixels) {
    const auto at = [&](std::size_t p) {
        return load_element(input[static_cast<std::ptrdiff_t>(p) * stride]);
    };
    float total = 0.0f;
    for (std::size_t begin = 0; begin < pixels; begin += kBlock) {
        const std::size_t end = pixels - begin < kBlock ? pixels : begin + kBlock;
        float sum = 0.0f;
        std::size_t p = begin;
        for (; p + kTree <= end; p += kTree) {
            sum += ((at(p) + at(p + 1)) + (at(p + 2) + at(p + 3))) +
                   ((at(p + 4) + at(p + 5)) + (at(p + 6) + at(p + 7)));
        }
        for (; p < end; ++p) sum += at(p);
        total += sum;
    }
    return total / static_cast<float>(pixels);
}

template <typename Element>
float maximum_over_pixels(const Element* input, std::ptrdiff_t stride, std::size_t pixels) {
    float maximum = -std::numeric_limits<float>::infinity();
    for (std::size_t p = 0; p < pixels; ++p) {
        const float value = load_element(input[static_cast<std::ptrdiff_t>(p) * stride]);
        if (value > maximum || std::isnan(value)) maximum = value;
    }
    return maximum;
}

template <typename Element>
void global_pool_scalar(const GlobalPoolArgs<Element>& args) {
    for (int c = args.channel_begin; c < args.channel_end; ++c) {
        args.output[c] = args.kind == PoolKind::kAverage
                             ? mean_over_pixels(args.input + c, args.input_stride, args.pixels)
                             : maximum_over_pixels(args.input + c, args.input_stride, args.pixels);
    }
}

}  // namespace
}  // namespace fovea::ops
