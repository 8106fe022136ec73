// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "compile this file for AArch64"
#endif

// Register tile: 4 pixels x 16 channels, as panel_tile_neon.S draws it. Pixels go in blocks
// whose input stays in the first-level cache while all panels pass over it; a block of many channels
// has more pixels than that, because each block reads all weights again.
#include "ops/panel_tile_neon.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace fovea::ops {
namespace {

constexpr std::ptrdiff_t kFloatBytes = sizeof(float);
// Bytes of input that a block of pixels may hold: half of the smallest first-level cache (32 KiB).
constexpr std::ptrdiff_t kBlockBytes = 16 * 1024;
constexpr std::ptrdiff_t kMinBlockPixels = 20;

// Pixels [first, last) of all panels. `tile` holds what all have in common.
void compute_block(const PointwiseConvFp32Args& args, PanelTile& tile, std::ptrdiff_t first,
                   std::ptrdiff_t last) {
    const std::ptrdiff_t panel_size = static_cast<std::ptrdiff_t>(args.in_channels) * kPanel;
    const float* weights = args.weights;
    for (int channel = 0; channel < args.out_channels;) {
        const int left = args.out_channels - channel;
        const int panels = left > kPanel ? kMaxTilePanels : 1;
        tile.weights = weights;
        tile.next_weights = weights + (panels - 1) * panel_size;
        tile.bias = args.bias + channel;
        tile.offset = first * tile.pixel_step;
        tile.output = args.output + first * args.output_stride + channel;
        if (args.residual != nullptr) {
            tile.residual = args.residual + first * args.residual_stride + channel;
        }
        compute_pixels(tile, last - first, panels, left);
        channel += panels * kPanel;
        weights += panels * panel_size;
    }
}

}  // namespace

void pointwise_conv_fp32_neon(const PointwiseConvFp32Args& args) {
    const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
    PanelTile tile = {
        .runs = &args.input,
        .run_count = 1,
        .length = args.in_channels,
        .pixel_step = args.input_stride * kFloatBytes,
        .weights = nullptr,
        .next_weights = nullptr,
        .bias = nullptr,
        .output = nullptr,
        .output_step = args.output_stride * kFloatBytes,
        .residual = nullptr,
        .residual_step = args.residual_stride * kFloatBytes,
        .activation = static_cast<std::ptrdiff_t>(args.activation),
        .offset = 0,
        .tiles = 0,
    };
    std::ptrdiff_t block = kBlockBytes / kFloatBytes / args.in_channels;
    block = block < kMinBlockPixels ? kMinBlockPixels : block / kMinBlockPixels * kMinBlockPixels;
    for (std::ptrdiff_t first = 0; first < pixels; first += block) {
        const std::ptrdiff_t last = first + block < pixels ? first + block : pixels;
        compute_block(args, tile, first, last);
    }
}

}  // namespace fovea::ops
