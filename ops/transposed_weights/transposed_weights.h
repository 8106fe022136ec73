// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/half.h"

namespace fovea::ops {

// Every n-th tap of a window along one side: first, first + step, ... (count of them).
struct TapsOfSide {
    int first, step, count;
};

// The weights of a convolution as those of the one that takes what reaches its output back to its input: inputs and outputs
// exchanged, the window turned by 180 degrees.
//
//   output[a][b][o][lane] = weights[o / 8][rows.first + rows.step * (rows.count - 1 - a)]
//                                  [columns.first + columns.step * (columns.count - 1 - b)][in_begin + lane][o % 8]
//
//   weights  [ceil(out_channels / 8)][kernel_height][kernel_width][in_channels][8], as in conv2d.h, of one group; floats or halves
//   output   [rows.count][columns.count][out_channels][8] floats, one panel of 8 of the input's channels; zero past in_channels
template <typename Weight>
struct TransposedWeightsArgs {
    const Weight* weights;
    float* output;
    int kernel_height, kernel_width;
    int in_channels, out_channels;
    int in_begin;  // a multiple of 8
    TapsOfSide rows, columns;
};

void transposed_weights(const TransposedWeightsArgs<float>& args);
void transposed_weights(const TransposedWeightsArgs<Half>& args);

}  // namespace fovea::ops
