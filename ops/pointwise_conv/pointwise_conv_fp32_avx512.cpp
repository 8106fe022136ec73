// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "compile this file with -mavx512f -mavx512vl -mavx512dq"
#endif

// Register tiles of panel_product_avx512.h, which says why: 14 pixels x 32 channels where there are
// enough, and one each for what is left of an odd number of pairs or of panels.
// Pixels go in blocks whose input stays in the first-level cache while all panels pass over it.
#include <immintrin.h>

#include "ops/fused_activation_lanes.h"
#include "ops/lanes_avx512.h"
#include "ops/panel_product_avx512.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace fovea::ops {
namespace {

// Bytes of input that a block of pixels may hold: all of the smallest first-level cache of CPUs with AVX-512 (32 KiB), two
// thirds of that from Ice Lake on (48 KiB). The second-level cache feeds these tiles, a load for 14 to 28 multiply-adds, too.
constexpr std::ptrdiff_t kBlockBytes = 32 * 1024;
constexpr std::ptrdiff_t kSmallestBlock = 14;

// Not inlined: gcc would keep what other tiles need in the registers of this one.
template <int kPixels, int kPairs, bool kOdd>
[[gnu::noinline]] void compute_tile(const PointwiseConvFp32Args& args, std::ptrdiff_t pixel,
                                    int panel, int lanes) {
    using Tile = PanelTile<kPixels, kPairs, kOdd>;
    const std::ptrdiff_t in_channels = args.in_channels;
    __m512 sums[Tile::kSums];
    Tile::start(args.bias + panel * 8, sums);
    Tile::add(args.input + pixel * args.input_stride, args.input_stride,
              args.weights + panel * in_channels * 8, in_channels * 8, in_channels, sums);
    if (args.residual != nullptr) {
        Tile::add_residual(args.residual + pixel * args.residual_stride + panel * 8,
                           args.residual_stride, lanes, sums);
    }
    apply_fused_activation<LanesAvx512>(args.activation, sums);
    Tile::store(sums, lanes, args.output + pixel * args.output_stride + panel * 8,
                args.output_stride);
}

// Pixels first .. last - 1 of 2 * kPairs panels (kOdd: and one more).
template <int kMost, int kStep, int kPairs, bool kOdd>
inline void compute_panels(const PointwiseConvFp32Args& args, std::ptrdiff_t first,
                           std::ptrdiff_t last, int panel, int lanes) {
    for_each_tile<kMost, kStep>(first, last, [&]<int kPixels>(std::ptrdiff_t pixel) {
        compute_tile<kPixels, kPairs, kOdd>(args, pixel, panel, lanes);
    });
}

// All panels for the pixels first .. last - 1.
inline void compute_block(const PointwiseConvFp32Args& args, std::ptrdiff_t first,
                          std::ptrdiff_t last) {
    const int panels = (args.out_channels + 7) / 8;
    const int last_lanes = args.out_channels - (panels - 1) * 8;
    int panel = 0;
    const auto lanes = [&](int count) { return panel + count == panels ? last_lanes : 8; };
    for (; panels - panel >= 7 || panels - panel == 4; panel += 4) {
        compute_panels<14, 1, 2, false>(args, first, last, panel, lanes(4));
    }
    switch (panels - panel) {
        case 1:
            return compute_panels<8, 2, 0, true>(args, first, last, panel, last_lanes);
        case 2:
            return compute_panels<16, 2, 1, false>(args, first, last, panel, last_lanes);
        case 3:
            return compute_panels<16, 2, 1, true>(args, first, last, panel, last_lanes);
        case 5:
            return compute_panels<10, 2, 2, true>(args, first, last, panel, last_lanes);
        case 6:
            return compute_panels<9, 1, 3, false>(args, first, last, panel, last_lanes);
        default:
            return;
    }
}

}  // namespace

void pointwise_conv_fp32_avx512(const PointwiseConvFp32Args& args) {
    const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
    const std::ptrdiff_t row_bytes = args.in_channels * static_cast<std::ptrdiff_t>(sizeof(float));
    std::ptrdiff_t block = kBlockBytes / row_bytes;
    if (block < kSmallestBlock) block = kSmallestBlock;
    std::ptrdiff_t blocks = (pixels + block - 1) / block;
    for (std::ptrdiff_t first = 0; first < pixels; --blocks) {
        const std::ptrdiff_t last = first + (pixels - first + blocks - 1) / blocks;
        compute_block(args, first, last);
        first = last;
    }
}

}  // namespace fovea::ops
