// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/cancel.h"
#include "preprocess/photo.h"

namespace fovea::preprocess {

// How a side is divided. Lengths are in units of 1 / output of a source pixel, so that an output pixel is `source` long; it is the mean
// of what lies `margin` within its ends.
struct ThumbnailSide {
    // The source pixels of an output pixel; their number is never 0.
    struct Span {
        int first, last;
    };

    // is_reduced: a decoder that reduced the photo took means of its own.
    static ThumbnailSide divide(int source, int output, bool is_reduced);
    Span span(int index) const;
    // Source pixel `position`'s weight in output pixel `index`, in units of 1 / 2^bits.
    int weight(int position, int index, int bits) const;

    std::int64_t source = 1;
    std::int64_t output = 1;
    std::int64_t margin = 0;
};

// The weights of two neighbouring columns, over and over: one for each of a vector's lanes.
struct ThumbnailColumns {
    std::int16_t weights[8];
};

// Area-averaged copy of a photo whose longer side is at most longest_side (>= 1) pixels, made of its rows as they come; a picture that
// is small enough already is copied. Never enlarges.
//
// Every output pixel is the mean of the source area under it with fixed-point weights (vertical 8
// bits, horizontal 12 bits, each row of weights adding up to exactly 1, sums rounded to nearest),
// so flat colours stay what they are and every machine gives the same bytes. Of a photo decoded at a
// smaller scale the areas are as much smaller as the decoder has averaged already: where twice the
// thumbnail's side is left, it has within half a per cent the detail of the whole photo's. It is for
// measuring, not for the network's input: resize.h holds the filters that equal OpenCV's.
class ThumbnailRows {
  public:
    explicit ThumbnailRows(const Allocator& allocator)
        : thumbnail_(allocator), sums_(allocator), weights_(allocator), first_columns_(allocator) {}

    // The picture whose rows will come, and the photo's size. Status: kInvalidArgument, kOutOfMemory.
    Status begin(int width, int height, int photo_width, int photo_height, int longest_side);
    // The next row from the top.
    void take(const std::uint8_t* row);
    // When all rows have come.
    Image&& thumbnail() { return std::move(thumbnail_); }

  private:
    void add_up(const std::uint8_t* row, int weight, bool is_first);
    void finish_row();

    Image thumbnail_;
    Buffer<std::uint16_t> sums_;  // of a row of thumbnails, each value less 2^15 as numbers with sign
    Buffer<ThumbnailColumns> weights_;  // pairs_ of each output pixel
    Buffer<int> first_columns_;
    ThumbnailSide down_;
    int width_ = 0;
    int pairs_ = 0;  // 0: a copy
    int next_row_ = 0;
    int made_ = 0;  // rows of the thumbnail
};

// The same of a picture that is there. Status: kInvalidArgument, kOutOfMemory, kCancelled.
Status make_thumbnail(const PhotoView& photo, int longest_side, const Allocator& allocator,
                      Image* thumbnail, const Cancel& cancel = {});

}  // namespace fovea::preprocess
