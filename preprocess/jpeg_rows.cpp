// SPDX-License-Identifier: Apache-2.0
#include "preprocess/jpeg_rows.h"

#include <algorithm>
#include <cstring>

#include "preprocess/jpeg_kernels.h"

namespace fovea::preprocess {
namespace {

std::ptrdiff_t rounded_up(std::ptrdiff_t value, std::ptrdiff_t step) {
    return (value + step - 1) / step * step;
}

// ceil(side * numerator / denominator)
int share_of(int side, int numerator, int denominator) {
    const std::int64_t product = std::int64_t{side} * numerator;
    return static_cast<int>((product + denominator - 1) / denominator);
}

}  // namespace

void JpegRows::plan(const JpegFrame& frame, JpegScale scale, bool is_rgb, bool holds_all) {
    const int size = static_cast<int>(scale);
    width_ = scaled_side(frame.width, scale);
    height_ = scaled_side(frame.height, scale);
    component_count_ = frame.component_count;
    is_rgb_ = is_rgb;
    next_row_ = 0;
    // Interpolation of single samples is not worth it.
    const bool interpolates = scale != JpegScale::kEighth;
    std::ptrdiff_t bytes = 0;
    for (int i = 0; i < component_count_; ++i) {
        const JpegComponent& component = frame.components[i];
        Plane& plane = planes_[i];
        plane = {};
        // A transform to more samples comes before upsampling.
        plane.block_size = size;
        while (plane.block_size < kJpegBlock &&
               frame.h_max * size % (component.h * plane.block_size * 2) == 0 &&
               frame.v_max * size % (component.v * plane.block_size * 2) == 0) {
            plane.block_size *= 2;
        }
        const int samples_x = component.h * plane.block_size;
        const int samples_y = component.v * plane.block_size;
        plane.width = share_of(frame.width, samples_x, frame.h_max * kJpegBlock);
        plane.height = share_of(frame.height, samples_y, frame.v_max * kJpegBlock);
        plane.ratio_x = frame.h_max * size / samples_x;
        plane.ratio_y = frame.v_max * size / samples_y;
        const bool is_wide = plane.ratio_x == 2 && plane.width > 2;
        if (plane.ratio_x == 1 && plane.ratio_y == 1) {
            plane.upsampling = Upsampling::kNone;
        } else if (interpolates && is_wide && plane.ratio_y == 1) {
            plane.upsampling = Upsampling::kWide;
        } else if (interpolates && is_wide && plane.ratio_y == 2) {
            plane.upsampling = Upsampling::kWideAndTall;
        } else if (interpolates && plane.ratio_x == 1 && plane.ratio_y == 2) {
            plane.upsampling = Upsampling::kTall;
        } else {
            plane.upsampling = Upsampling::kRepeat;
        }
        // A row of the picture may wait for one more row of blocks, and look back at the one before.
        const int all_rows = component.stored_blocks_y * plane.block_size;
        plane.held_rows = holds_all ? all_rows : std::min(all_rows, 2 * samples_y);
        plane.stride = rounded_up(std::ptrdiff_t{component.stored_blocks_x} * plane.block_size +
                                      2 * kJpegVector, kJpegVector);
        bytes += plane.stride * plane.held_rows;
    }
    row_bytes_ = rounded_up(width_, kJpegVector) + 2 * kJpegVector;
    bytes += row_bytes_ * component_count_;       // upsampled
    bytes += row_bytes_ * 2;                      // sums_
    bytes += row_bytes_ * 3;                      // pixels_
    bytes_ = static_cast<std::size_t>(bytes);
}

void JpegRows::hold(std::uint8_t* memory) {
    // What is computed from the room behind a row is of no account, but it is no chance either.
    std::memset(memory, 0, static_cast<std::size_t>(row_bytes_ * (5 + component_count_)));
    sums_ = reinterpret_cast<std::uint16_t*>(memory);
    memory += row_bytes_ * 2;
    pixels_ = memory;
    memory += row_bytes_ * 3;
    for (int i = 0; i < component_count_; ++i) {
        planes_[i].upsampled = memory;
        memory += row_bytes_;
    }
    for (int i = 0; i < component_count_; ++i) {
        Plane& plane = planes_[i];
        plane.samples = memory;
        memory += plane.stride * plane.held_rows;
    }
}

void JpegRows::complete(int component, int block_rows) {
    Plane& plane = planes_[component];
    const int rows = std::min(block_rows * plane.block_size, plane.height);
    for (int y = plane.complete_rows; y < rows; ++y) {
        std::uint8_t* row = plane.row(y);
        row[-1] = row[0];
        std::memset(row + plane.width, row[plane.width - 1], kMargin);
    }
    plane.complete_rows = rows;
}

int JpegRows::last_row_needed(const Plane& plane, int y) const {
    const bool looks_down =
        plane.upsampling == Upsampling::kTall || plane.upsampling == Upsampling::kWideAndTall;
    const int below = looks_down && y % 2 != 0 ? 1 : 0;
    return std::min(y / plane.ratio_y + below, plane.height - 1);
}

const std::uint8_t* JpegRows::upsample(const Plane& plane, int y) {
    const int near = y / plane.ratio_y;
    const std::uint8_t* row = plane.row(near);
    const int far = std::clamp(near + (y % 2 != 0 ? 1 : -1), 0, plane.height - 1);
    switch (plane.upsampling) {
        case Upsampling::kNone:
            return row;
        case Upsampling::kRepeat:
            repeat_samples(row, plane.width, plane.ratio_x, plane.upsampled, width_);
            break;
        case Upsampling::kWide:
            widen_samples(row, plane.width, plane.upsampled);
            break;
        case Upsampling::kTall:
            mix_rows(row, plane.row(far), plane.width, y % 2 != 0 ? 2 : 1, plane.upsampled);
            break;
        case Upsampling::kWideAndTall:
            widen_mixed_rows(row, plane.row(far), plane.width, sums_, plane.upsampled);
            break;
    }
    return plane.upsampled;
}

Status JpegRows::emit(const RowSink& sink) {
    const JpegKernels& kernels = jpeg_kernels();
    for (; next_row_ < height_; ++next_row_) {
        const std::uint8_t* rows[kMaxJpegComponents] = {};
        for (int i = 0; i < component_count_; ++i) {
            const Plane& plane = planes_[i];
            if (last_row_needed(plane, next_row_) >= plane.complete_rows) return Status::kOk;
            rows[i] = upsample(plane, next_row_);
        }
        if (component_count_ == 1) rows[1] = rows[2] = rows[0];
        const auto to_pixels = component_count_ == 1 || is_rgb_ ? kernels.interleave_rgb
                                                                : kernels.ycc_to_rgb;
        to_pixels(rows[0], rows[1], rows[2], width_, pixels_);
        const Status status = sink.take(sink.cookie, next_row_, pixels_);
        if (status != Status::kOk) return status;
    }
    return Status::kOk;
}

}  // namespace fovea::preprocess
