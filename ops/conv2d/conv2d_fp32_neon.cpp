// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// Register tile: 8 output pixels x 8 channels (one weight panel), as panel_product_neon.h draws it.
// Pixels whose window reaches outside the row go one at a time and test each tap; the others test
// nothing. Where the taps of a kernel row lie side by side in memory they run as one: 9 steps for a
// 3x3 stem of 3 channels.
#include <arm_neon.h>

#include "ops/activation_neon.h"
#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/conv2d_row.h"
#include "ops/panel_product_neon.h"

namespace fovea::ops {
namespace {

// kPixels x 8 outputs from column x, of one panel of a group; the first `lanes` of them are stored.
template <int kPixels, bool kInside>
inline void compute_tile(const ConvRow& row, std::ptrdiff_t x, std::ptrdiff_t group,
                         std::ptrdiff_t panel, int lanes) {
    const std::ptrdiff_t packed = group * row.panels + panel;
    const float32x4_t bias_low = vld1q_f32(row.args.bias + packed * 8);
    const float32x4_t bias_high = vld1q_f32(row.args.bias + packed * 8 + 4);
    float32x4_t sums[kPixels * 2];
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
        sums[p * 2] = bias_low;
        sums[p * 2 + 1] = bias_high;
    }
    for_each_run<kInside>(
        row, x, group * row.in_group, row.args.weights + packed * row.panel_size,
        [&](const float* input, const float* weights, std::ptrdiff_t length)
            __attribute__((always_inline)) {
                add_panel_products<kPixels>(sums, input, row.pixel_step, weights, length);
            });
    apply_fused_activation(row.args.activation, sums);
    float* output =
        row.args.output + x * row.args.output_stride + group * row.out_group + panel * 8;
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
        store_lanes_neon(output + p * row.args.output_stride, sums[p * 2], sums[p * 2 + 1], lanes);
    }
}

// All columns of one panel.
inline void compute_panel(const ConvRow& row, std::ptrdiff_t group, std::ptrdiff_t panel,
                          int lanes) {
    std::ptrdiff_t x = 0;
    for (; x < row.inside_begin; ++x) compute_tile<1, false>(row, x, group, panel, lanes);
    for (; x + 8 <= row.inside_end; x += 8) compute_tile<8, true>(row, x, group, panel, lanes);
    for (; x + 4 <= row.inside_end; x += 4) compute_tile<4, true>(row, x, group, panel, lanes);
    for (; x < row.inside_end; ++x) compute_tile<1, true>(row, x, group, panel, lanes);
    for (; x < row.args.output_width; ++x) compute_tile<1, false>(row, x, group, panel, lanes);
}

}  // namespace

void conv2d_fp32_neon(const Conv2dFp32Args& args) {
    const ConvRow row = make_conv_row(args);
    const int last_lanes = static_cast<int>(row.out_group - (row.panels - 1) * 8);
    for (std::ptrdiff_t group = 0; group < args.groups; ++group) {
        for (std::ptrdiff_t panel = 0; panel < row.panels; ++panel) {
            compute_panel(row, group, panel, panel + 1 == row.panels ? last_lanes : 8);
        }
    }
}

}  // namespace fovea::ops
