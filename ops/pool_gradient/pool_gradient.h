// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/pool/pool.h"

namespace fovea::ops {

// What reaches one row of a map that was pooled by windows (pool.h), gathered from the windows over it. All float32, channels innermost,
// packed. Of a maximum everything goes to its first place in the window, row by row (TensorFlow's rule on CPUs); of a mean the same
// part to each element that counted. Scalar: the detectors have no such pool.
struct PoolGradientArgs {
    const float* gradient;  // [output_height][output_width][channels], of the pool's output
    const float* input;     // [input_height][input_width][channels] of the pool; null for means
    float* row;             // [input_width][channels]: row `y` of what reaches the input
    std::ptrdiff_t y;
    std::ptrdiff_t input_height, input_width, output_height, output_width, channels;
    std::ptrdiff_t window_height, window_width, stride_y, stride_x, pad_top, pad_left;
    PoolKind kind;
    bool count_padding;
};

void pool_gradient_fp32(const PoolGradientArgs& args);

// Of the maximum of the whole map: the first pixel that has it, by channel. A channel of NaNs alone has its maximum at pixel 0.
// input [pixels][input_stride], places [channels], for channels channel_begin .. channel_end - 1.
struct FirstMaximumArgs {
    const float* input;
    std::ptrdiff_t input_stride;
    std::uint32_t* places;
    std::size_t pixels;
    int channel_begin, channel_end;
};

void first_maximum_fp32(const FirstMaximumArgs& args);

}  // namespace fovea::ops
