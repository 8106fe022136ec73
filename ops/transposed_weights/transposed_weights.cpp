// SPDX-License-Identifier: Apache-2.0
#include "ops/transposed_weights/transposed_weights.h"

#include <algorithm>
#include <cstring>

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

typedef float Four __attribute__((vector_size(16)));  // in every instruction set that there is

Four load_four(const float* from) {
    Four four;
    std::memcpy(&four, from, sizeof(four));
    return four;
}

void store_four(Four four, float* to) {
    std::memcpy(to, &four, sizeof(four));
}

// A full block of floats, four lanes of four outputs at a time.
void transpose_full_block(const float* block, float* output) {
    for (int lane = 0; lane < kPanel; lane += 4) {
        for (int o = 0; o < kPanel; o += 4) {
            const float* const from = block + lane * kPanel + o;
            float* const to = output + o * kPanel + lane;
            const Four a = load_four(from), b = load_four(from + kPanel);
            const Four c = load_four(from + 2 * kPanel), d = load_four(from + 3 * kPanel);
            const Four low = __builtin_shufflevector(a, b, 0, 4, 1, 5), low_after = __builtin_shufflevector(c, d, 0, 4, 1, 5);
            const Four high = __builtin_shufflevector(a, b, 2, 6, 3, 7), high_after = __builtin_shufflevector(c, d, 2, 6, 3, 7);
            store_four(__builtin_shufflevector(low, low_after, 0, 1, 4, 5), to);
            store_four(__builtin_shufflevector(low, low_after, 2, 3, 6, 7), to + kPanel);
            store_four(__builtin_shufflevector(high, high_after, 0, 1, 4, 5), to + 2 * kPanel);
            store_four(__builtin_shufflevector(high, high_after, 2, 3, 6, 7), to + 3 * kPanel);
        }
    }
}

void transpose_full_block(const Half* block, float* output) {
    transpose_block(block, kPanel, kPanel, output);
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
                    transpose_full_block(block, output);
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
