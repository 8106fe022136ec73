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

// Pixels [first, last) of one or more panels.
void compute_panels(const PointwiseConvFp32Args& args, std::ptrdiff_t first, std::ptrdiff_t last,
                    int panel, int panels) {
    const std::ptrdiff_t channel = static_cast<std::ptrdiff_t>(panel) * kPanel;
    const std::ptrdiff_t panel_size = static_cast<std::ptrdiff_t>(args.in_channels) * kPanel;
    PanelTile tile = {
        .runs = &args.input,
        .run_count = 1,
        .length = args.in_channels,
        .pixel_step = args.input_stride * kFloatBytes,
        .weights = args.weights + panel * panel_size,
        .next_weights = args.weights + (panel + panels - 1) * panel_size,
        .bias = args.bias + channel,
        .output = args.output + first * args.output_stride + channel,
        .output_step = args.output_stride * kFloatBytes,
        .residual = args.residual == nullptr
                        ? nullptr
                        : args.residual + first * args.residual_stride + channel,
        .residual_step = args.residual_stride * kFloatBytes,
        .activation = static_cast<std::ptrdiff_t>(args.activation),
        .offset = first * args.input_stride * kFloatBytes,
        .tiles = 0,
    };
    compute_pixels(tile, last - first, panels, args.out_channels - static_cast<int>(channel));
}

}  // namespace

void pointwise_conv_fp32_neon(const PointwiseConvFp32Args& args) {
    const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
    const int panels = (args.out_channels + kPanel - 1) / kPanel;
    std::ptrdiff_t block = kBlockBytes / kFloatBytes / args.in_channels;
    block = block < kMinBlockPixels ? kMinBlockPixels : block / kMinBlockPixels * kMinBlockPixels;
    for (std::ptrdiff_t first = 0; first < pixels; first += block) {
        const std::ptrdiff_t last = first + block < pixels ? first + block : pixels;
        for (int panel = 0; panel < panels;) {
            const int count = next_tile_panels(panels - panel);
            compute_panels(args, first, last, panel, count);
            panel += count;
        }
    }
}

}  // namespace fovea::ops
