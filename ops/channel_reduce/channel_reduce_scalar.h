// SPDX-License-Identifier: Apache-2.0
#pragma once

// input  [pixels][input_stride]
// output [pixels][output_stride], one value each
//
//   output[p] = max or mean over c of input[p][c]
//
// The sum's order, the same in every variant: partial sum j takes the channels with c % 8 == j in
// ascending order; then t[j] = partial[j] + partial[j + 4]; then (t[0] + t[2]) + (t[1] + t[3]). The
// mean is that sum divided by the number of channels. A NaN gives NaN, for the maximum too.
#include <cmath>
#include <limits>

#include "ops/channel_reduce/channel_reduce.h"
#include "ops/half_scalar.h"

// Only this operation's scalar files include this: nameless, so that each has its own copy.
namespace fovea::ops {
namespace {

template <typename Element>
float mean_over_channels(const Element* input, int channels) {
    float partial[8] = {};
    for (int c = 0; c < channels; ++c) partial[c % 8] += load_element(input[c]);
    float t[4];
    for (int j = 0; j < 4; ++j) t[j] = partial[j] + partial[j + 4];
    return ((t[0] + t[2]) + (t[1] + t[3])) / static_cast<float>(channels);
}

template <typename Element>
float maximum_over_channels(const Element* input, int channels) {
    float maximum = -std::numeric_limits<float>::infinity();
    for (int c = 0; c < channels; ++c) {
        const float value = load_element(input[c]);
        if (value > maximum || std::isnan(value)) maximum = value;
    }
    return maximum;
}

template <typename Element>
void channel_reduce_scalar(const ChannelReduceArgs<Element>& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const std::ptrdiff_t pixel = static_cast<std::ptrdiff_t>(p);
        const Element* input = args.input + pixel * args.input_stride;
        store_element(args.output[pixel * args.output_stride],
                      args.kind == PoolKind::kAverage
                          ? mean_over_channels(input, args.channels)
                          : maximum_over_channels(input, args.channels));
    }
}

}  // namespace
}  // namespace fovea::ops
