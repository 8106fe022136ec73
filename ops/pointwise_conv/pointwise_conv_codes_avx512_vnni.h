// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX512VNNI__) || !defined(__AVX512VL__)
#error "compile this file with -mavx512vnni -mavx512vl"
#endif

// A tile is 6 pixels x 64 or 56 outputs, 8 x 48 or 40, or 12 x 32 to 8: up to 24 registers of sums, 4 of weights, one of inputs. What is
// left of the pixels goes by half a tile, then one by one. Products of 16-bit inputs are by weights that are widened once for all pixels.
#include "ops/panel_product_codes_avx512_vnni.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"

namespace fovea::ops {
namespace {

// The weights of some panels as the products take them: bytes as they lie in the file.
template <typename Input>
struct PanelWeights {
    static constexpr int kMostInputs = 1 << 30;  // at a time

    const std::int8_t* weights;
    std::ptrdiff_t panel_bytes;

    void widen(int, int, int) {}
    const std::int8_t* at(int first) const { return weights + first / 4 * 32; }
};
template <>
struct PanelWeights<std::int16_t> {
    static constexpr int kMostInputs = 256;

    const std::int8_t* bytes;
    std::ptrdiff_t bytes_of_panel;
    std::ptrdiff_t panel_bytes;
    alignas(64) std::int8_t words[8 * (kMostInputs / 4 + 1) * 64];

    // Panels lie an odd number of cache lines apart, so that they do not take the same places of the cache.
    PanelWeights(const std::int8_t* weights, std::ptrdiff_t of_panel)
        : bytes(weights), bytes_of_panel(of_panel),
          panel_bytes((of_panel < kMostInputs * 8 ? of_panel / 32 | 1 : kMostInputs / 4 + 1) * 64) {}
    void widen(int panels, int first, int inputs) {
        for (int n = 0; n < panels; ++n) {
            const std::int8_t* from = bytes + n * bytes_of_panel + first / 4 * 32;
            std::int8_t* to = words + n * panel_bytes;
            for (int i = 0; i < inputs; i += 4, from += 32, to += 64) widen_weights(from, to);
        }
    }
    const std::int8_t* at(int) const { return words; }
};

template <typename Input, int kPixels, int kPairs, bool kOdd>
[[gnu::always_inline]] inline void compute_tile(const PointwiseConvCodesArgs<Input>& args, const PanelEpilogue<kPairs, kOdd>& epilogue,
                                                PanelWeights<Input>& weights, std::ptrdiff_t pixel, int channel) {
    constexpr int kMostInputs = PanelWeights<Input>::kMostInputs;
    PanelTile<kPixels, kPairs, kOdd> tile;
    epilogue.start(tile);
    const Input* const input = args.input + pixel * args.input_stride;
    if (args.in_channels <= kMostInputs) {
        tile.add(input, args.input_stride, weights.at(0), weights.panel_bytes, args.in_channels);
    } else {
        for (int first = 0; first < args.in_channels; first += kMostInputs) {
            const int left = args.in_channels - first;
            const int inputs = left < kMostInputs ? left : kMostInputs;
            weights.widen(2 * kPairs + (kOdd ? 1 : 0), first, inputs);
            tile.add(input + first, args.input_stride, weights.at(first), weights.panel_bytes, inputs);
        }
    }
    epilogue.store(args.output, pixel * args.output.stride + channel, tile);
}

// All pixels for some panels, whose weights then stay near.
template <typename Input, int kPixels, int kPairs, bool kOdd>
[[gnu::noinline]] void compute_panels(const PointwiseConvCodesArgs<Input>& args, int panel) {
    constexpr int kPanels = 2 * kPairs + (kOdd ? 1 : 0);
    const int channel = panel * 8;
    const int count = args.out_channels - channel < 8 * kPanels ? args.out_channels - channel : 8 * kPanels;
    const PanelEpilogue<kPairs, kOdd> epilogue(args.bias, channel, count, args.requantisation, args.output.type, args.in_channels,
                                               kGreatestProduct<Input>);
    const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>((args.in_channels + 3) / 4) * 32;
    PanelWeights<Input> weights{args.weights + panel * panel_bytes, panel_bytes};
    if (args.in_channels <= PanelWeights<Input>::kMostInputs) weights.widen(kPanels, 0, args.in_channels);
    const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
    std::ptrdiff_t p = 0;
    for (; p + kPixels <= pixels; p += kPixels) compute_tile<Input, kPixels>(args, epilogue, weights, p, channel);
    if (p + kPixels / 2 <= pixels) {
        compute_tile<Input, kPixels / 2>(args, epilogue, weights, p, channel);
        p += kPixels / 2;
    }
    for (; p < pixels; ++p) compute_tile<Input, 1>(args, epilogue, weights, p, channel);
}

template <typename Input>
inline void compute(const PointwiseConvCodesArgs<Input>& args) {
    const int panels = (args.out_channels + 7) / 8;
    for (int panel = 0; panel < panels; panel += panels_at_once(panels - panel)) {
        with_panels(panels_at_once(panels - panel), [&]<int kPairs, bool kOdd>() {
            constexpr int kHalves = 2 * kPairs + (kOdd ? 1 : 0);
            constexpr int kPixels = kHalves >= 7 ? 6 : kHalves >= 5 ? 8 : 12;
            compute_panels<Input, kPixels, kPairs, kOdd>(args, panel);
        });
    }
}

}  // namespace
}  // namespace fovea::ops
