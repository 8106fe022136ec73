// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/cancel.h"
#include "preprocess/image.h"
#include "preprocess/selected_view.h"

namespace fovea::preprocess {

// Grey value of a pixel as OpenCV 4 computes it for 8 bits: (9798 R + 19235 G + 3735 B + 2^14)
// >> 15.
struct GrayWeights {
    int red = 9798;
    int green = 19235;
    int blue = 3735;
};

// swapped: what RGB2GRAY gives on a BGR array, as in many notebooks.
GrayWeights gray_weights(bool swapped);

inline int gray(const std::uint8_t* rgb, GrayWeights weights) {
    return (weights.red * rgb[0] + weights.green * rgb[1] + weights.blue * rgb[2] + 16384) >> 15;
}

// The rows and the columns that hold at least one pixel with a grey value above the tolerance:
// indices in rising order. For a lit disc on black they are the bounding box; dark rows and columns
// inside are left out as well.
struct LitSelection {
    explicit LitSelection(const Allocator& allocator) : rows(allocator), columns(allocator) {}

    bool is_empty() const { return row_count == 0; }

    Buffer<int> rows;
    Buffer<int> columns;
    int row_count = 0;
    int column_count = 0;
};

// Status: kOutOfMemory, kCancelled.
Status find_lit(const ImageView& image, int tolerance, GrayWeights weights,
                const Allocator& allocator, LitSelection* selection, const Cancel& cancel = {});

// The selected pixels of image; valid as long as both. An empty selection gives all of image.
SelectedView select_lit(const ImageView& image, const LitSelection& selection);

// Sets every pixel outside the disc (x - cx)^2 + (y - cy)^2 <= radius^2 to value in all channels.
void fill_outside_disc(Image* image, int cx, int cy, int radius, std::uint8_t value);

// The circle mask of the presets: black outside the disc around (width / 2, height / 2) of radius
// min(width / 2, height / 2), in whole pixels.
void mask_circle(Image* image);

}  // namespace fovea::preprocess
