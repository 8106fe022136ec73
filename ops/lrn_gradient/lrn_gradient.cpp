// SPDX-License-Identifier: Apache-2.0
#include "ops/lrn_gradient/lrn_gradient.h"

#include <algorithm>
#include <cmath>

namespace fovea::ops {
namespace {

struct Near {
    int first, last;
};

Near near(const LrnGradientArgs& args, int c) {
    const int radius = std::min(args.radius, args.channels);
    return {std::max(c - radius, 0), std::min(c + radius, args.channels - 1)};
}

// d_c.
double divisor(const LrnGradientArgs& args, const float* input, int c) {
    const Near around = near(args, c);
    double sum = 0;
    for (int k = around.first; k <= around.last; ++k) sum += static_cast<double>(input[k]) * input[k];
    return static_cast<double>(args.bias) + static_cast<double>(args.alpha) * sum;
}

}  // namespace

void lrn_gradient_fp32(const LrnGradientArgs& args) {
    const double beta = args.beta;
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const std::size_t at = p * static_cast<std::size_t>(args.channels);
        const float* const input = args.input + at;
        const float* const gradient = args.gradient + at;
        float* const output = args.output + at;
        for (int c = 0; c < args.channels; ++c) {
            const double d = divisor(args, input, c);
            const double power = std::pow(d, -beta);
            output[c] = static_cast<float>(gradient[c] * power);
            args.scratch[c] = static_cast<float>(gradient[c] * static_cast<double>(input[c]) * power / d);
        }
        for (int c = 0; c < args.channels; ++c) {
            const Near around = near(args, c);
            double sum = 0;
            for (int k = around.first; k <= around.last; ++k) sum += static_cast<double>(args.scratch[k]);
            output[c] -= static_cast<float>(2.0 * static_cast<double>(args.alpha) * beta * input[c] * sum);
        }
    }
}

}  // namespace fovea::ops
