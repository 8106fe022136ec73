// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/panel_tile_neon.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace fovea::ops {
// For the instruction-set files of this operation. Nameless, so that each has its own copy and none
// is shared with code compiled for another instruction set.
namespace {

// The 1x1 convolution by panel_tile_neon.S's tiles. Pixels go in blocks whose input stays in the
// first-level cache while all panels pass over it; a block of many channels has more pixels than
// that, because each block reads all weights again.
//
// kTerms input channels are summed at once; of more than that, what the blocks before gave is
// added.
constexpr int kAllTerms = __INT_MAX__;

template <typename Element, int kTerms>
struct PointwisePanels {
    static constexpr std::ptrdiff_t kBytes = sizeof(Element);
    // Bytes of input that a block of pixels may hold: half of the smallest first-level cache (32
    // KiB).
    static constexpr std::ptrdiff_t kBlockBytes = 16 * 1024;
    static constexpr std::ptrdiff_t kMinBlockPixels = 5 * PanelTiles<Element>::kMaxPixels;
    static constexpr std::ptrdiff_t kSumsStep = kMaxTilePanels * kPanel;
    static_assert(kTerms == kAllTerms || kBlockBytes / kBytes / kTerms < 2 * kMinBlockPixels);
    static constexpr Element kZeros[kMaxTilePanels * kPanel] = {};

    // Pixels [first, last) of one or more panels.
    static void compute_panels(const PointwiseConvArgs<Element>& args, std::ptrdiff_t first,
                               std::ptrdiff_t last, int panel, int panels) {
        const std::ptrdiff_t channel = static_cast<std::ptrdiff_t>(panel) * kPanel;
        const std::ptrdiff_t panel_size = static_cast<std::ptrdiff_t>(args.in_channels) * kPanel;
        const Element* input = args.input;
        PanelTile<Element> tile = {
            .runs = &input,
            .run_count = 1,
            .length = args.in_channels,
            .pixel_step = args.input_stride * kBytes,
            .weights = args.weights + panel * panel_size,
            .next_weights = args.weights + (panel + panels - 1) * panel_size,
            .bias = args.bias + channel,
            .output = args.output + first * args.output_stride + channel,
            .output_step = args.output_stride * kBytes,
            .residual = args.residual == nullptr
                            ? nullptr
                            : args.residual + first * args.residual_stride + channel,
            .residual_step = args.residual_stride * kBytes,
            .activation = static_cast<std::ptrdiff_t>(args.activation),
            .offset = first * args.input_stride * kBytes,
            .tiles = 0,
            .sums_so_far = nullptr,
            .sums_step = kSumsStep * kBytes,
        };
        // A block of more channels than kTerms has the fewest pixels.
        Element sums[kTerms == kAllTerms ? 1 : kMinBlockPixels * kSumsStep];
        for (int left = args.in_channels; left > kTerms; left -= kTerms) {
            PanelTile<Element> block = tile;
            block.length = kTerms;
            block.output = sums;
            block.output_step = tile.sums_step;
            block.residual = nullptr;
            block.activation = static_cast<std::ptrdiff_t>(Activation::kNone);
            compute_pixels(block, last - first, panels, panels * kPanel);
            input += kTerms;
            tile.length -= kTerms;
            tile.weights += std::ptrdiff_t{kTerms} * kPanel;
            tile.next_weights += std::ptrdiff_t{kTerms} * kPanel;
            tile.bias = kZeros;
            tile.sums_so_far = sums;
        }
        compute_pixels(tile, last - first, panels, args.out_channels - static_cast<int>(channel));
    }

    static void run(const PointwiseConvArgs<Element>& args) {
        const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
        const int panels = (args.out_channels + kPanel - 1) / kPanel;
        std::ptrdiff_t block = kBlockBytes / kBytes / args.in_channels;
        block =
            block < kMinBlockPixels ? kMinBlockPixels : block / kMinBlockPixels * kMinBlockPixels;
        for (std::ptrdiff_t first = 0; first < pixels; first += block) {
            const std::ptrdiff_t last = first + block < pixels ? first + block : pixels;
            for (int panel = 0; panel < panels;) {
                const int count = next_tile_panels(panels - panel);
                compute_panels(args, first, last, panel, count);
                panel += count;
            }
        }
    }
};

}  // namespace
}  // namespace fovea::ops
