// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/pool/pool.h"

namespace fovea::ops {

// What reaches the channels of pixels whose mean or maximum was taken, channels innermost, all float32:
//
//   mean     output[p][c] = gradient[p] / channels
//   maximum  output[p][c] = gradient[p] / n where input[p][c] is the pixel's maximum, which n channels have; else 0
//
// (TensorFlow's rule for reduce_max: shared equally.) input may be null for the mean; output overlaps nothing. One map a run at most
// has such a pool, of 16 x 16 pixels, so there is no vector variant.
struct ChannelReduceGradientArgs {
    const float* gradient;  // [pixels][gradient_stride]
    std::ptrdiff_t gradient_stride;
    const float* input;     // [pixels][input_stride]
    std::ptrdiff_t input_stride;
    float* output;          // [pixels][output_stride]
    std::ptrdiff_t output_stride;
    std::size_t pixels;
    int channels;
    PoolKind kind;
};

void channel_reduce_gradient_fp32(const ChannelReduceGradientArgs& args);

}  // namespace fovea::ops
