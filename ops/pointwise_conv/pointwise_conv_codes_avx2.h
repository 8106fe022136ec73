// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// A tile is 3 pixels x 32 outputs, or 4 pixels x 24, 16 or 8: up to 12 registers of sums, one of inputs, one of products, one of ones.
// 32 products of 8-bit inputs take a vpmaddubsw, a vpmaddwd by ones and an addition; of 16-bit ones two vpmaddwd and two additions, by
// weights that are widened once for all pixels.
#include "ops/panel_product_codes_avx2.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"

namespace fovea::ops {
namespace {

// The weights of some panels as the products take them: bytes as they lie in the file.
template <typename Input, int kPanels>
struct PanelWeights {
    static constexpr int kMostInputs = 1 << 30;  // at a time

    const std::int8_t* weights;
    std::ptrdiff_t panel_bytes;

    void widen(int, int) {}
    const std::int8_t* at(int first) const { return weights + first / 4 * 32; }
};
template <int kPanels>
struct PanelWeights<std::int16_t, kPanels> {
    static constexpr int kMostInputs = 128;

    const std::int8_t* bytes;
    std::ptrdiff_t bytes_of_panel;
    std::ptrdiff_t panel_bytes = kMostInputs / 4 * 64;
    alignas(32) std::int8_t words[kPanels * kMostInputs / 4 * 64];

    PanelWeights(const std::int8_t* weights, std::ptrdiff_t of_panel) : bytes(weights), bytes_of_panel(of_panel) {}
    void widen(int first, int inputs) {
        for (int n = 0; n < kPanels; ++n) {
            const std::int8_t* from = bytes + n * bytes_of_panel + first / 4 * 32;
            std::int8_t* to = words + n * panel_bytes;
            for (int i = 0; i < inputs; i += 4, from += 32, to += 64) widen_weights(from, to);
        }
    }
    const std::int8_t* at(int) const { return words; }
};

// All pixels for some panels, whose weights then stay in the first-level cache.
template <typename Input, int kPixels, int kPanels>
inline void compute_panels(const PointwiseConvCodesArgs<Input>& args, int panel) {
    using Weights = PanelWeights<Input, kPanels>;
    const int channel = panel * 8;
    const int count = args.out_channels - channel < 8 * kPanels ? args.out_channels - channel : 8 * kPanels;
    const Epilogue<kPanels> epilogue(args.bias, channel, count, args.requantisation, args.output.type);
    const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>((args.in_channels + 3) / 4) * 32;
    Weights weights{args.weights + panel * panel_bytes, panel_bytes};
    const bool at_once = args.in_channels <= Weights::kMostInputs;
    if (at_once) weights.widen(0, args.in_channels);
    const auto compute_tile = [&]<int kCount>(std::size_t p) {
        const auto pixel = static_cast<std::ptrdiff_t>(p);
        const Input* const input = args.input + pixel * args.input_stride;
        __m256i sums[kCount][kPanels];
#pragma GCC unroll 4
        for (int k = 0; k < kCount; ++k) {
#pragma GCC unroll 4
            for (int n = 0; n < kPanels; ++n) sums[k][n] = epilogue.bias[n];
        }
        for (int first = 0; first < args.in_channels; first += Weights::kMostInputs) {
            const int left = args.in_channels - first;
            const int inputs = left < Weights::kMostInputs ? left : Weights::kMostInputs;
            if (!at_once) weights.widen(first, inputs);
            add_panel_products<Input, kCount, kPanels>(sums, input + first, args.input_stride, weights.at(first), weights.panel_bytes,
                                                       inputs);
            if (at_once) break;
        }
        epilogue.template store<kCount>(args.output, pixel * args.output.stride + channel, sums);
    };
    std::size_t p = 0;
    for (; p + kPixels <= args.pixels; p += kPixels) compute_tile.template operator()<kPixels>(p);
    for (; p < args.pixels; ++p) compute_tile.template operator()<1>(p);
}

template <typename Input>
inline void compute(const PointwiseConvCodesArgs<Input>& args) {
    const int panels = (args.out_channels + 7) / 8;
    int panel = 0;
    while (panel < panels) {
        const int left = panels - panel;
        if (left >= 4 && left != 5) {
            compute_panels<Input, 3, 4>(args, panel);
            panel += 4;
        } else if (left >= 3) {
            compute_panels<Input, 4, 3>(args, panel);
            panel += 3;
        } else if (left == 2) {
            compute_panels<Input, 4, 2>(args, panel);
            panel += 2;
        } else {
            compute_panels<Input, 4, 1>(args, panel);
            panel += 1;
        }
    }
}

}  // namespace
}  // namespace fovea::ops
