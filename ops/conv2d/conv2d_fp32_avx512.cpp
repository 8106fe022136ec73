// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "compile this file with -mavx512f -mavx512vl -mavx512dq"
#endif

// The stem goes through the tile of conv2d_window_avx512.h. Everything else: the register tiles of
// panel_product_avx512.h, which says why, 12 output pixels x 32 channels, and 16 pixels for what is
// left of an odd number of pairs of panels or of panels.
//
// Pixels whose window reaches outside the row go one at a time and test each tap; the others test
// nothing. Where the taps of a kernel row lie side by side in memory they run as one.
#include <immintrin.h>

#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/conv2d_row.h"
#include "ops/conv2d/conv2d_window_avx512.h"
#include "ops/fused_activation_lanes.h"
#include "ops/lanes_avx512.h"
#include "ops/panel_product_avx512.h"

namespace fovea::ops {
namespace {

using StemTile = WindowTile<9, 6>;  // 3x3, stride 2, 3 channels

// The pixels from column x of the panels from `panel` of a group; the last panel has `lanes` of its
// 8 channels.
// Not inlined: gcc would keep what other tiles need in the registers of this one.
template <int kPixels, int kPairs, bool kOdd, bool kInside>
[[gnu::noinline]] void compute_tile(const ConvRow<float>& row, std::ptrdiff_t x, std::ptrdiff_t group,
                                    std::ptrdiff_t panel, int lanes) {
    using Tile = PanelTile<kPixels, kPairs, kOdd>;
    const std::ptrdiff_t packed = group * row.panels + panel;
    __m512 sums[Tile::kSums];
    Tile::start(row.args.bias + packed * 8, sums);
    for_each_run<kInside>(
        row, x, group * row.in_group, row.args.weights + packed * row.panel_size,
        [&](const float* input, const float* weights, std::ptrdiff_t length)
            __attribute__((always_inline)) {
                Tile::add(input, row.pixel_step, weights, row.panel_size, length, sums);
            });
    apply_fused_activation<LanesAvx512>(row.args.activation, sums);
    Tile::store(sums, lanes,
                row.args.output + x * row.args.output_stride + group * row.out_group + panel * 8,
                row.args.output_stride);
}

// All columns of 2 * kPairs panels (kOdd: and one more).
template <int kMost, int kStep, int kPairs, bool kOdd>
inline void compute_panels(const ConvRow<float>& row, std::ptrdiff_t group, std::ptrdiff_t panel,
                           int lanes) {
    for (std::ptrdiff_t x = 0; x < row.inside_begin; ++x) {
        compute_tile<1, kPairs, kOdd, false>(row, x, group, panel, lanes);
    }
    if (kPairs == 1 && !kOdd && StemTile::fits(row) &&
        row.inside_end - row.inside_begin >= StemTile::kPixels) {
        StemTile::compute_inside(row, group, panel, lanes);
    } else {
        for_each_tile<kMost, kStep>(
            row.inside_begin, row.inside_end, [&]<int kPixels>(std::ptrdiff_t x) {
                compute_tile<kPixels, kPairs, kOdd, true>(row, x, group, panel, lanes);
            });
    }
    for (std::ptrdiff_t x = row.inside_end; x < row.args.output_width; ++x) {
        compute_tile<1, kPairs, kOdd, false>(row, x, group, panel, lanes);
    }
}

}  // namespace

void conv2d_fp32_avx512(const Conv2dFp32Args& args) {
    const ConvRow<float> row = make_conv_row(args);
    const int last_lanes = static_cast<int>(row.out_group - (row.panels - 1) * 8);
    for (std::ptrdiff_t group = 0; group < args.groups; ++group) {
        std::ptrdiff_t panel = 0;
        const auto lanes = [&](int count) { return panel + count == row.panels ? last_lanes : 8; };
        for (; panel + 4 <= row.panels; panel += 4) {
            compute_panels<12, 4, 2, false>(row, group, panel, lanes(4));
        }
        if (panel + 2 <= row.panels) {
            compute_panels<16, 4, 1, false>(row, group, panel, lanes(2));
            panel += 2;
        }
        if (panel < row.panels) compute_panels<16, 4, 0, true>(row, group, panel, last_lanes);
    }
}

}  // namespace fovea::ops
