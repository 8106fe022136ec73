// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/thumbnail.h"
#include "preprocess/upright_rows.h"

namespace fovea::preprocess {

// All that is looked at to judge a photo's quality, upright.
struct QualityCopies {
    explicit QualityCopies(const Allocator& allocator) : fine(allocator), samples(allocator) {}

    // Where sample `index` of `count` lies in a side.
    static int sample_position(int index, int count, int side) {
        return static_cast<int>((2 * std::int64_t{index} + 1) * side / (2 * count));
    }

    Image fine;     // at most kFineSide pixels along its longer side
    Image samples;  // single pixels, evenly spread
    // How unlike the pixels beside each other are where they are most alike: of each eight changes along some rows the mean of the
    // three least / that of all. About 0 where each pixel was repeated to enlarge a picture of less than kFineSide / 2 pixels, and little
    // below kFineSide; 1 where nothing changes. Changes are those along the rows as the file stores them: what was enlarged down its
    // columns alone is not seen.
    float least_changes = 1;
    int width = 0;  // of the picture that they are of
    int height = 0;
    int photo_width = 0;
    int photo_height = 0;
};

// The longer side of the largest copy that is looked at.
inline constexpr int kFineSide = 512;

// Makes them of a picture's rows as they come, so that it need not be kept. For a file that is to be turned, rows are those that it
// stores: its copies are turned, and may differ by a level from those of the turned picture.
class QualityRows {
  public:
    explicit QualityRows(const Allocator& allocator) : fine_(allocator), samples_(allocator), allocator_(allocator) {}

    // Of the picture whose rows will come, and of the photo that it was reduced of; orientation: of EXIF, 1 to 8. Status:
    // kInvalidArgument, kOutOfMemory.
    Status begin(int width, int height, int photo_width, int photo_height, int orientation);
    // The next row from the top.
    void take(const std::uint8_t* row);
    // When all rows have come. Status: kOutOfMemory.
    Status finish(QualityCopies* copies);

  private:
    static constexpr int kMostChanges = 256, kTogether = 8;

    void add_changes(const std::uint8_t* row);
    float least_changes() const;

    ThumbnailRows fine_;
    Image samples_;
    Allocator allocator_;
    int width_ = 0;
    int height_ = 0;
    int photo_width_ = 0;
    int photo_height_ = 0;
    int orientation_ = 1;
    int next_row_ = 0;
    int next_sample_ = 0;
    std::uint16_t changes_[kMostChanges];  // of green in the middle, from a column to the next, of all sampled rows
    int change_count_ = 0;
    int column_step_ = 1;
};

// The same of an upright picture that is there. Status: kInvalidArgument, kOutOfMemory, kCancelled.
Status copy_for_quality(const PhotoView& photo, const Allocator& allocator, QualityCopies* copies, const Cancel& cancel = {});

}  // namespace fovea::preprocess
