// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// Register tile: 8 pixels x 8 channels (one weight panel), as panel_product_neon.h draws it. Pixels
// go in blocks whose input stays in the first-level cache while all panels pass over it.
#include <arm_neon.h>

#include "ops/activation_neon.h"
#include "ops/panel_product_neon.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace fovea::ops {
namespace {

// Bytes of input that a block of pixels may hold: half of the smallest first-level cache (32 KiB).
constexpr std::ptrdiff_t kBlockBytes = 16 * 1024;
constexpr std::ptrdiff_t kPixelTile = 8;

// kPixels x 8 outputs, the first `lanes` of them stored.
template <int kPixels>
inline void compute_tile(const PointwiseConvFp32Args& args, std::ptrdiff_t pixel, int panel,
                         int lanes) {
    const std::ptrdiff_t in_channels = args.in_channels;
    const float* bias = args.bias + panel * 8;
    const float32x4_t bias_low = vld1q_f32(bias);
    const float32x4_t bias_high = vld1q_f32(bias + 4);
    float32x4_t sums[kPixels * 2];
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
        sums[p * 2] = bias_low;
        sums[p * 2 + 1] = bias_high;
    }
    add_panel_products<kPixels>(sums, args.input + pixel * args.input_stride, args.input_stride,
                                args.weights + panel * in_channels * 8, in_channels);
    if (args.residual != nullptr) {
        const float* residual = args.residual + pixel * args.residual_stride + panel * 8;
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) {
            float32x4_t addends[2];
            load_lanes_neon(residual + p * args.residual_stride, lanes, addends);
            sums[p * 2] = vaddq_f32(sums[p * 2], addends[0]);
            sums[p * 2 + 1] = vaddq_f32(sums[p * 2 + 1], addends[1]);
        }
    }
    apply_fused_activation(args.activation, sums);
    float* output = args.output + pixel * args.output_stride + panel * 8;
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
        store_lanes_neon(output + p * args.output_stride, sums[p * 2], sums[p * 2 + 1], lanes);
    }
}

}  // namespace

void pointwise_conv_fp32_neon(const PointwiseConvFp32Args& args) {
    const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
    const std::ptrdiff_t row_bytes = args.in_channels * static_cast<std::ptrdiff_t>(sizeof(float));
    std::ptrdiff_t block = kBlockBytes / row_bytes / kPixelTile * kPixelTile;
    if (block < kPixelTile) block = kPixelTile;
    for (std::ptrdiff_t first = 0; first < pixels; first += block) {
        const std::ptrdiff_t last = first + block < pixels ? first + block : pixels;
        for (int panel = 0; panel * 8 < args.out_channels; ++panel) {
            const int left = args.out_channels - panel * 8;
            const int lanes = left < 8 ? left : 8;
            std::ptrdiff_t p = first;
            for (; p + 8 <= last; p += 8) compute_tile<8>(args, p, panel, lanes);
            for (; p + 4 <= last; p += 4) compute_tile<4>(args, p, panel, lanes);
            for (; p + 2 <= last; p += 2) compute_tile<2>(args, p, panel, lanes);
            for (; p < last; ++p) compute_tile<1>(args, p, panel, lanes);
        }
    }
}

}  // namespace fovea::ops
