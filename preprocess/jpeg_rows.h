// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"
#include "preprocess/jpeg_frame.h"
#include "preprocess/jpeg_kernels.h"

namespace fovea::preprocess {

// Takes the rows of a picture, 8-bit RGB, as they come, from the top; it may change them.
struct RowSink {
    // Anything but kOk ends the decoding with that status.
    Status (*take)(void* cookie, int y, std::uint8_t* row) = nullptr;
    void* cookie = nullptr;
};

// From blocks of samples to rows of RGB pixels: holds as many rows of each component as the next
// rows of the picture need, or all of them; brings the components to the size of the picture, and
// converts their colours. To the bit what libjpeg-turbo does: components of half the width or
// height are interpolated with weights of 3/4 and 1/4 ("fancy upsampling"), others repeated.
class JpegRows {
  public:
    // holds_all: the components come one after the other. is_rgb: the components are red, green and
    // blue, else one of grey, or luminance and two of chrominance (BT.601, full range).
    void plan(const JpegFrame& frame, JpegScale scale, bool is_rgb, bool holds_all);

    int width() const { return width_; }
    int height() const { return height_; }
    // The side of a component's blocks, in samples.
    int block_size(int component) const { return planes_[component].block_size; }

    // What is to be held; it must be set before any block is put.
    std::size_t bytes() const { return bytes_; }
    void hold(std::uint8_t* memory);

    // Where the samples of a row of blocks begin: rows stride() bytes apart.
    std::uint8_t* blocks(int component, int y) {
        const Plane& plane = planes_[component];
        return plane.row(y * plane.block_size);
    }
    std::ptrdiff_t stride(int component) const { return planes_[component].stride; }

    // So many rows of blocks of a component are there.
    void complete(int component, int block_rows);
    // Gives away all rows that can be made of them.
    Status emit(const RowSink& sink);
    bool is_finished() const { return next_row_ == height_; }

  private:
    enum class Upsampling { kNone, kRepeat, kWide, kTall, kWideAndTall };

    // Before and behind each row: what interpolation looks at, and room for whole vectors.
    static constexpr std::ptrdiff_t kMargin = kJpegVector;

    struct Plane {
        int block_size = 0;
        int width = 0;  // samples of the picture
        int height = 0;
        int ratio_x = 1;  // pixels a sample
        int ratio_y = 1;
        Upsampling upsampling = Upsampling::kNone;
        int held_rows = 0;
        std::ptrdiff_t stride = 0;
        std::uint8_t* samples = nullptr;
        int complete_rows = 0;
        std::uint8_t* upsampled = nullptr;  // a row of the picture's width

        std::uint8_t* row(int y) const { return samples + y % held_rows * stride + kMargin; }
    };

    int last_row_needed(const Plane& plane, int y) const;
    const std::uint8_t* upsample(const Plane& plane, int y);

    int width_ = 0;
    int height_ = 0;
    int component_count_ = 0;
    bool is_rgb_ = false;
    std::ptrdiff_t row_bytes_ = 0;
    std::size_t bytes_ = 0;
    int next_row_ = 0;
    std::uint16_t* sums_ = nullptr;
    std::uint8_t* pixels_ = nullptr;
    Plane planes_[kMaxJpegComponents];
};

}  // namespace fovea::preprocess
