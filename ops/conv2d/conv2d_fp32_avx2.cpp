// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// Register tile: 6 output pixels x 16 channels (two weight panels), or 12 pixels x 8 channels for
// the last of an odd number of panels; panel_product_avx2.h says why.
//
//   ymm0 ..ymm11  sums: pixel 0 panel 0, pixel 0 panel 1, pixel 1 panel 0, ...
//   ymm12, ymm13  one row of each weight panel, loaded once for all pixels
//   ymm14         one input value, broadcast
//
// Pixels whose window reaches outside the row go one at a time and test each tap; the others test
// nothing. Where the taps of a kernel row lie side by side in memory they run as one: 9 steps for a
// 3x3 stem of 3 channels.
#include <immintrin.h>

#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/conv2d_row.h"
#include "ops/fused_activation_lanes.h"
#include "ops/lanes_avx2.h"
#include "ops/panel_product_avx2.h"

namespace fovea::ops {
namespace {

// kPixels x (8 * kPanels) outputs from column x, of the panels from `panel` of a group; the last
// panel has `lanes` of its 8 channels.
// Not inlined: gcc would keep what other tiles need in the registers of this one.
template <int kPixels, int kPanels, bool kInside>
[[gnu::noinline]] void compute_tile(const ConvRow<float>& row, std::ptrdiff_t x, std::ptrdiff_t group,
                                    std::ptrdiff_t panel, int lanes) {
    const std::ptrdiff_t packed = group * row.panels + panel;
    __m256 sums[kPixels * kPanels];
#pragma GCC unroll 16
    for (int n = 0; n < kPanels; ++n) {
        const __m256 bias = _mm256_load_ps(row.args.bias + (packed + n) * 8);
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) sums[p * kPanels + n] = bias;
    }
    for_each_run<kInside>(
        row, x, group * row.in_group, row.args.weights + packed * row.panel_size,
        [&](const float* input, const float* weights, std::ptrdiff_t length)
            __attribute__((always_inline)) {
                add_panel_products<kPixels, kPanels>(sums, input, row.pixel_step, weights,
                                                     row.panel_size, length);
            });
    apply_fused_activation<LanesAvx2>(row.args.activation, sums);
    float* output =
        row.args.output + x * row.args.output_stride + group * row.out_group + panel * 8;
    const __m256i mask = lane_mask_avx2(lanes);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 16
        for (int n = 0; n < kPanels; ++n) {
            float* to = output + p * row.args.output_stride + n * 8;
            if (n == kPanels - 1 && lanes < 8) {
                _mm256_maskstore_ps(to, mask, sums[p * kPanels + n]);
            } else {
                _mm256_storeu_ps(to, sums[p * kPanels + n]);
            }
        }
    }
}

// All columns of kPanels panels.
template <int kPanels>
inline void compute_panels(const ConvRow<float>& row, std::ptrdiff_t group, std::ptrdiff_t panel,
                           int lanes) {
    std::ptrdiff_t x = 0;
    for (; x < row.inside_begin; ++x) compute_tile<1, kPanels, false>(row, x, group, panel, lanes);
    if constexpr (kPanels == 1) {
        for (; x + 12 <= row.inside_end; x += 12) {
            compute_tile<12, 1, true>(row, x, group, panel, lanes);
        }
    }
    for (; x + 6 <= row.inside_end; x += 6) {
        compute_tile<6, kPanels, true>(row, x, group, panel, lanes);
    }
    for (; x + 3 <= row.inside_end; x += 3) {
        compute_tile<3, kPanels, true>(row, x, group, panel, lanes);
    }
    for (; x < row.inside_end; ++x) compute_tile<1, kPanels, true>(row, x, group, panel, lanes);
    for (; x < row.args.output_width; ++x) {
        compute_tile<1, kPanels, false>(row, x, group, panel, lanes);
    }
}

}  // namespace

void conv2d_fp32_avx2(const Conv2dFp32Args& args) {
    const ConvRow<float> row = make_conv_row(args);
    const int last_lanes = static_cast<int>(row.out_group - (row.panels - 1) * 8);
    for (std::ptrdiff_t group = 0; group < args.groups; ++group) {
        std::ptrdiff_t panel = 0;
        for (; panel + 2 <= row.panels; panel += 2) {
            compute_panels<2>(row, group, panel, panel + 2 == row.panels ? last_lanes : 8);
        }
        if (panel < row.panels) compute_panels<1>(row, group, panel, last_lanes);
    }
}

}  // namespace fovea::ops
