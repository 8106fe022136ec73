// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"

namespace fovea::preprocess {

// Puts the rows of a picture of width by height pixels, as they come, where they belong in the
// upright one, turned and mirrored as the EXIF orientation (1 to 8) asks.
class UprightRows {
  public:
    UprightRows(int width, int height, int orientation)
        : width_(width), height_(height), orientation_(orientation) {}

    // Of the right size for put(). False: out of memory.
    [[nodiscard]] bool allocate(Image* upright) const;
    void put(const std::uint8_t* row, int y, Image* upright) const;
    // Rows become columns.
    bool is_sideways() const { return orientation_ >= 5; }

  private:
    int width_;
    int height_;
    int orientation_;
};

}  // namespace fovea::preprocess
