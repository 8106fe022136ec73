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

    // `whole` in blocks of kTerms channels; those of more than that have the fewest pixels.
    static void sum_blocks(const PanelTile<Element>& whole, std::ptrdiff_t pixels, int panels,
                           int channels) {
        Element sums[kMinBlockPixels * kSumsStep];
        PanelTile<Element> tile = whole;
        tile.output_step = whole.sums_step;
        tile.residual = nullptr;
        tile.activation = static_cast<std::ptrdiff_t>(Activation::kNone);
        for (std::ptrdiff_t done = 0; done < whole.length; done += kTerms) {
            tile.length = whole.length - done;
            tile.output = sums;
            int written = panels * kPanel;
            if (tile.length > kTerms) {
                tile.length = kTerms;
            } else {
                tile.output = whole.output;
                tile.output_step = whole.output_step;
                tile.residual = whole.residual;
                tile.activation = whole.activation;
                written = channels;
            }
            tile.offset = whole.offset + done * kBytes;
            tile.weights = whole.weights + done * kPanel;
            tile.next_weights = whole.next_weights + done * kPanel;
            compute_pixels(tile, pixels, panels, written);
            tile.bias = kZeros;
            tile.sums_so_far = sums;
        }
    }

    // Pixels [first, last) of all panels. `tile` holds what all have in common.
    static void compute_block(const PointwiseConvArgs<Element>& args, PanelTile<Element>& tile,
                              std::ptrdiff_t first, std::ptrdiff_t last) {
        const std::ptrdiff_t panel_size = static_cast<std::ptrdiff_t>(args.in_channels) * kPanel;
        const Element* weights = args.weights;
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
            if (kTerms == kAllTerms || args.in_channels <= kTerms) {
                compute_pixels(tile, last - first, panels, left);
            } else {
                sum_blocks(tile, last - first, panels, left);
            }
            channel += panels * kPanel;
            weights += panels * panel_size;
        }
    }

    static void run(const PointwiseConvArgs<Element>& args) {
        const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
        PanelTile<Element> tile = {
            .runs = &args.input,
            .run_count = 1,
            .length = args.in_channels,
            .pixel_step = args.input_stride * kBytes,
            .weights = nullptr,
            .next_weights = nullptr,
            .bias = nullptr,
            .output = nullptr,
            .output_step = args.output_stride * kBytes,
            .residual = nullptr,
            .residual_step = args.residual_stride * kBytes,
            .activation = static_cast<std::ptrdiff_t>(args.activation),
            .offset = 0,
            .tiles = 0,
            .sums_so_far = nullptr,
            .sums_step = kSumsStep * kBytes,
        };
        std::ptrdiff_t block = kBlockBytes / kBytes / args.in_channels;
        block =
            block < kMinBlockPixels ? kMinBlockPixels : block / kMinBlockPixels * kMinBlockPixels;
        for (std::ptrdiff_t first = 0; first < pixels; first += block) {
            const std::ptrdiff_t last = first + block < pixels ? first + block : pixels;
            compute_block(args, tile, first, last);
        }
    }
};

}  // namespace
}  // namespace fovea::ops
