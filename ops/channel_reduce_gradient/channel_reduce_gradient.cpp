// SPDX-License-Identifier: Apache-2.0
#include "ops/channel_reduce_gradient/channel_reduce_gradient.h"

namespace fovea::ops {
namespace {

void split_among_maxima(const float* input, float gradient, float* output, int channels) {
    float maximum = input[0];
    int count = 0;
    for (int c = 0; c < channels; ++c) {
        if (input[c] > maximum) {
            maximum = input[c];
            count = 0;
        }
        count += input[c] == maximum ? 1 : 0;
    }
    const float share = count > 0 ? gradient / static_cast<float>(count) : 0.0f;
    for (int c = 0; c < channels; ++c) output[c] = input[c] == maximum ? share : 0.0f;
}

}  // namespace

void channel_reduce_gradient_fp32(const ChannelReduceGradientArgs& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const auto pixel = static_cast<std::ptrdiff_t>(p);
        const float gradient = args.gradient[pixel * args.gradient_stride];
        float* const output = args.output + pixel * args.output_stride;
        if (args.kind == PoolKind::kMax) {
            split_among_maxima(args.input + pixel * args.input_stride, gradient, output, args.channels);
        } else {
            const float share = gradient / static_cast<float>(args.channels);
            for (int c = 0; c < args.channels; ++c) output[c] = share;
        }
    }
}

}  // namespace fovea::ops
