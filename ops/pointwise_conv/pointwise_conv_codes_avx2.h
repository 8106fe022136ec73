// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// A tile is 4 pixels x 16 outputs of 8-bit inputs, or 4 x 8 of 16-bit ones: 8 registers of sums either way, 2 of weights, which
// all pixels share, and one of 4 inputs broadcast. 32 products take a vpmaddubsw, a vpmaddwd by ones and an addition.
#include "ops/codes_avx2.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"

namespace fovea::ops {
namespace {

template <typename Input, int kPixels, int kPanels>
inline void compute_tile(const PointwiseConvCodesArgs<Input>& args, std::size_t first_pixel, int panel, const Epilogue* epilogues) {
    using Sums = PanelSums<Input>;
    const std::ptrdiff_t panel_bytes = static_cast<std::ptrdiff_t>((args.in_channels + 3) / 4) * 32;
    const std::int8_t* weights = args.weights + panel * panel_bytes;
    const Input* input = args.input + static_cast<std::ptrdiff_t>(first_pixel) * args.input_stride;
    Sums sums[kPixels][kPanels];
#pragma GCC unroll 4
    for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 2
        for (int n = 0; n < kPanels; ++n) sums[p][n].clear();
    }
    const auto add = [&](int count) {
        typename Sums::Weights of_panel[kPanels];
#pragma GCC unroll 2
        for (int n = 0; n < kPanels; ++n) of_panel[n] = Sums::load(weights + n * panel_bytes);
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p) {
            const __m256i inputs = broadcast_inputs(input + p * args.input_stride, count);
#pragma GCC unroll 2
            for (int n = 0; n < kPanels; ++n) sums[p][n].add(inputs, of_panel[n]);
        }
    };
    for (const Input* const end = input + args.in_channels / 4 * 4; input != end; input += 4, weights += 32) add(4);
    if (args.in_channels % 4 != 0) add(args.in_channels % 4);
#pragma GCC unroll 2
    for (int n = 0; n < kPanels; ++n) {
        const int channel = (panel + n) * 8;
        const int left = args.out_channels - channel;
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p) {
            store_codes(args.output, (static_cast<std::ptrdiff_t>(first_pixel) + p) * args.output.stride + channel,
                        epilogues[n].codes(sums[p][n].total()), left < 8 ? left : 8);
        }
    }
}

// All pixels for some panels, whose weights then stay in the first-level cache.
template <typename Input, int kPanels>
inline void compute_panels(const PointwiseConvCodesArgs<Input>& args, int panel) {
    const Epilogue epilogues[2] = {
        Epilogue(args.bias, panel * 8, args.requantisation, args.output.type),
        Epilogue(args.bias, (panel + kPanels - 1) * 8, args.requantisation, args.output.type),
    };
    std::size_t p = 0;
    for (; p + 4 <= args.pixels; p += 4) compute_tile<Input, 4, kPanels>(args, p, panel, epilogues);
    for (; p < args.pixels; ++p) compute_tile<Input, 1, kPanels>(args, p, panel, epilogues);
}

template <typename Input, int kPanels>
inline void compute(const PointwiseConvCodesArgs<Input>& args) {
    const int panels = (args.out_channels + 7) / 8;
    int panel = 0;
    for (; panel + kPanels <= panels; panel += kPanels) compute_panels<Input, kPanels>(args, panel);
    for (; panel < panels; ++panel) compute_panels<Input, 1>(args, panel);
}

}  // namespace
}  // namespace fovea::ops
