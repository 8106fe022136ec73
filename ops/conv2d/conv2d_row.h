// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/conv2d/conv2d.h"

namespace fovea::ops {
// For the instruction-set files of this operation. Nameless, so that each has its own copy and none
// is shared with code compiled for another instruction set.
namespace {

// What the tiles of one output row share, worked out once.
template <typename Element>
struct ConvRow {
    const Conv2dArgs<Element>& args;
    std::ptrdiff_t in_group;
    std::ptrdiff_t out_group;
    std::ptrdiff_t panels;      // of each group
    std::ptrdiff_t kernel_row;  // weights of one kernel row of a panel
    std::ptrdiff_t panel_size;  // weights of a panel
    std::ptrdiff_t pixel_step;  // input elements from one output pixel's window to the next
    // Output columns whose windows lie inside the input row; the others see padding.
    std::ptrdiff_t inside_begin;
    std::ptrdiff_t inside_end;
    // A kernel row as stretches of contiguous taps. One where its taps lie side by side in memory
    // (one group, no dilation, no gap between pixels), else one for each tap.
    int runs;
    std::ptrdiff_t run_length;
    std::ptrdiff_t run_step;  // input elements from one to the next
};

template <typename Element>
inline ConvRow<Element> make_conv_row(const Conv2dArgs<Element>& args) {
    const std::ptrdiff_t in_group = args.in_channels / args.groups;
    const std::ptrdiff_t out_group = args.out_channels / args.groups;
    const std::ptrdiff_t kernel_row = args.kernel_width * in_group * 8;
    const std::ptrdiff_t stride = args.stride_x;
    const std::ptrdiff_t dilation = args.dilation_x;

    // Inside: 0 <= x * stride - pad_left, and the last tap's column <= input_width - 1.
    const std::ptrdiff_t room = args.input_width - 1 - (args.kernel_width - 1) * dilation +
                                static_cast<std::ptrdiff_t>(args.pad_left);
    std::ptrdiff_t inside_begin = (args.pad_left + stride - 1) / stride;
    std::ptrdiff_t inside_end = room < 0 ? 0 : room / stride + 1;
    if (inside_end > args.output_width) inside_end = args.output_width;
    if (inside_begin > args.output_width) inside_begin = args.output_width;
    if (inside_end < inside_begin) inside_end = inside_begin;

    const bool contiguous = dilation == 1 && args.input_stride == in_group;
    return {args,
            in_group,
            out_group,
            (out_group + 7) / 8,
            kernel_row,
            args.kernel_height * kernel_row,
            stride * args.input_stride,
            inside_begin,
            inside_end,
            contiguous ? 1 : args.kernel_width,
            contiguous ? args.kernel_width * in_group : in_group,
            dilation * args.input_stride};
}

// Calls body(input, weights, length) for each stretch of taps that output column x (and, inside,
// the tile that begins there) sees: `length` inputs to multiply with as many rows of 8 weights.
// `weights` are a panel's, `channel` the group's first input channel.
template <bool kInside, typename Body>
[[gnu::always_inline]] inline void for_each_run(const ConvRow<float>& row, std::ptrdiff_t x,
                                                std::ptrdiff_t channel, const float* weights,
                                                const Body& body) {
    const Conv2dFp32Args& args = row.args;
    const std::ptrdiff_t left = x * args.stride_x - args.pad_left;
    for (int a = 0; a < args.kernel_height; ++a, weights += row.kernel_row) {
        if (args.rows[a] == nullptr) continue;
        const float* const input = args.rows[a] + channel;
        if constexpr (kInside) {
            for (int run = 0; run < row.runs; ++run) {
                body(input + left * args.input_stride + run * row.run_step,
                     weights + run * row.run_length * 8, row.run_length);
            }
        } else {
            for (int b = 0; b < args.kernel_width; ++b) {
                const std::ptrdiff_t column =
                    left + static_cast<std::ptrdiff_t>(b) * args.dilation_x;
                if (column < 0 || column >= args.input_width) continue;
                body(input + column * args.input_stride, weights + b * row.in_group * 8,
                     row.in_group);
            }
        }
    }
}

}  // namespace
}  // namespace fovea::ops
