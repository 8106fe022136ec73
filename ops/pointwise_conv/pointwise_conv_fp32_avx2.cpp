// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// Register tile: 6 pixels x 16 channels (two weight panels), or 4 pixels x 24 channels where three
// panels are left; panel_product_avx2.h says why. Pixels go in blocks whose input stays in the
// first-level cache while all panels pass over it.
//
//   ymm0 ..ymm11  sums: pixel 0 panel 0, pixel 0 panel 1, pixel 1 panel 0, ...
//   ymm12, ymm13  one row of each weight panel, loaded once for all pixels (4 x 24: and ymm14)
//   ymm14         one input value, broadcast (4 x 24: ymm15)
#include <immintrin.h>

#include "ops/fused_activation_lanes.h"
#include "ops/lanes_avx2.h"
#include "ops/panel_product_avx2.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace fovea::ops {
namespace {

// Bytes of input that a block of pixels may hold: half of the smallest first-level cache (32 KiB).
constexpr std::ptrdiff_t kBlockBytes = 16 * 1024;
constexpr std::ptrdiff_t kBlockMultiple = 12;  // of both tiles' pixels

// kPixels x (8 * kPanels) outputs; the last panel has `lanes` of its 8 channels.
template <int kPixels, int kPanels>
inline void compute_tile(const PointwiseConvFp32Args& args, std::ptrdiff_t pixel, int panel,
                         int lanes) {
    const std::ptrdiff_t in_channels = args.in_channels;
    __m256 sums[kPixels * kPanels];
#pragma GCC unroll 16
    for (int n = 0; n < kPanels; ++n) {
        const __m256 bias = _mm256_load_ps(args.bias + (panel + n) * 8);
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) sums[p * kPanels + n] = bias;
    }
    add_panel_products<kPixels, kPanels>(sums, args.input + pixel * args.input_stride,
                                         args.input_stride, args.weights + panel * in_channels * 8,
                                         in_channels * 8, in_channels);

    const __m256i mask = lane_mask_avx2(lanes);
    if (args.residual != nullptr) {
        const float* residual = args.residual + pixel * args.residual_stride + panel * 8;
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 16
            for (int n = 0; n < kPanels; ++n) {
                const float* from = residual + p * args.residual_stride + n * 8;
                const __m256 addend = n == kPanels - 1 && lanes < 8 ? _mm256_maskload_ps(from, mask)
                                                                    : _mm256_loadu_ps(from);
                sums[p * kPanels + n] = _mm256_add_ps(sums[p * kPanels + n], addend);
            }
        }
    }
    apply_fused_activation<LanesAvx2>(args.activation, sums);
    float* output = args.output + pixel * args.output_stride + panel * 8;
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 16
        for (int n = 0; n < kPanels; ++n) {
            float* to = output + p * args.output_stride + n * 8;
            if (n == kPanels - 1 && lanes < 8) {
                _mm256_maskstore_ps(to, mask, sums[p * kPanels + n]);
            } else {
                _mm256_storeu_ps(to, sums[p * kPanels + n]);
            }
        }
    }
}

// Pixels first .. last - 1 of kPanels panels: whole tiles, then one of what is left.
template <int kPixelTile, int kPanels>
inline void compute_panels(const PointwiseConvFp32Args& args, std::ptrdiff_t first,
                           std::ptrdiff_t last, int panel, int lanes) {
    std::ptrdiff_t p = first;
    for (; p + kPixelTile <= last; p += kPixelTile) {
        compute_tile<kPixelTile, kPanels>(args, p, panel, lanes);
    }
    switch (last - p) {
        case 1:
            return compute_tile<1, kPanels>(args, p, panel, lanes);
        case 2:
            return compute_tile<2, kPanels>(args, p, panel, lanes);
        case 3:
            return compute_tile<3, kPanels>(args, p, panel, lanes);
        case 4:
            if constexpr (kPixelTile > 4) return compute_tile<4, kPanels>(args, p, panel, lanes);
            return;
        case 5:
            if constexpr (kPixelTile > 5) return compute_tile<5, kPanels>(args, p, panel, lanes);
            return;
        default:
            return;
    }
}

}  // namespace

void pointwise_conv_fp32_avx2(const PointwiseConvFp32Args& args) {
    const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
    const int panels = (args.out_channels + 7) / 8;
    const int last_lanes = args.out_channels - (panels - 1) * 8;
    const std::ptrdiff_t row_bytes = args.in_channels * static_cast<std::ptrdiff_t>(sizeof(float));
    std::ptrdiff_t block = kBlockBytes / row_bytes / kBlockMultiple * kBlockMultiple;
    if (block < kBlockMultiple) block = kBlockMultiple;
    for (std::ptrdiff_t first = 0; first < pixels; first += block) {
        const std::ptrdiff_t last = first + block < pixels ? first + block : pixels;
        int panel = 0;
        for (; panels - panel == 2 || panels - panel > 3; panel += 2) {
            compute_panels<6, 2>(args, first, last, panel, panels - panel == 2 ? last_lanes : 8);
        }
        if (panels - panel == 3) {
            compute_panels<4, 3>(args, first, last, panel, last_lanes);
        } else if (panels - panel == 1) {
            compute_panels<6, 1>(args, first, last, panel, last_lanes);
        }
    }
}

}  // namespace fovea::ops
