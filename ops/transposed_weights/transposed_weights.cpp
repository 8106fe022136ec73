// SPDX-License-Identifier: Apache-2.0
#include "ops/transposed_weights/transposed_weights.h"

#include <algorithm>

#include "ops/half_scalar.h"

namespace fovea::ops {
namespace {

constexpr int kPanel = 8;

// block: [lanes][8], neighbours in memory; output: [outputs][8].
template <typename Weight>
void transpose_block(const Weight* block, int lanes, int outputs, float* output) {
    for (int o = 0; o < outputs; ++o) {
        for (int lane = 0; lane < lanes; ++lane) output[o * kPanel + lane] = load_element(block[lane * kPanel + o]);
        for (int lane = lanes; lane < kPanel; ++lane) output[o * kPanel + lane] = 0.0f;
    }
}

template <typename Weight>
void transpose(const TransposedWeightsArgs<Weight>& args) {
    const int lanes = std::min(kPanel, args.in_channels - args.in_begin);
    const std::ptrdiff_t tap_elements = std::ptrdiff_t{args.in_channels} * kPanel;
    const std::ptrdiff_t panel_elements = tap_elements * args.kernel_height * args.kernel_width;
    float* output = args.output;
    for (int a = args.rows.count - 1; a >= 0; --a) {
        for (int b = args.columns.count - 1; b >= 0; --b) {
            const int tap = (args.rows.first + args.rows.step * a) * args.kernel_width + args.columns.first + args.columns.step * b;
            const Weight* block = args.weights + tap * tap_elements + std::ptrdiff_t{args.in_begin} * kPanel;
            for (int o = 0; o < args.out_channels; o += kPanel) {
                const int outputs = std::min(kPanel, args.out_channels - o);
                if (lanes == kPanel && outputs == kPanel) {
                    transpose_block(block, kPanel, kPanel, output);
                } else {
                    transpose_block(block, lanes, outputs, output);
                }
                block += panel_elements;
                output += outputs * kPanel;
            }
        }
    }
}

}  // namespace

void transposed_weights(const TransposedWeightsArgs<float>& args) {
    transpose(args);
}

void transposed_weights(const TransposedWeightsArgs<Half>& args) {
    transpose(args);
}

}  // namespace fovea::ops
