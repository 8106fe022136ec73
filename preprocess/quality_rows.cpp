// SPDX-License-Identifier: Apache-2.0
#include "preprocess/quality_rows.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace fovea::preprocess {
namespace {

constexpr int kSampleRows = 64, kSampleColumns = 512;

Status turn(const Image& picture, int orientation, const Allocator& allocator, Image* upright) {
    const UprightRows rows(picture.width, picture.height, orientation);
    *upright = Image(allocator);
    if (!rows.allocate(upright)) return Status::kOutOfMemory;
    for (int y = 0; y < picture.height; ++y) rows.put(picture.row(y), y, upright);
    return Status::kOk;
}

}  // namespace

Status QualityRows::begin(int width, int height, int photo_width, int photo_height, int orientation) {
    width_ = width;
    height_ = height;
    photo_width_ = photo_width;
    photo_height_ = photo_height;
    orientation_ = orientation;
    next_row_ = next_sample_ = 0;
    // What was enlarged to far more than is looked at still has all its detail: n times repeated pixels look alike at a step below n,
    // when fewer than kFineSide are left.
    column_step_ = std::max(std::max(width, height) / kFineSide, 1);
    change_count_ = std::min(width / column_step_ / 2, kMostChanges) / kTogether * kTogether;
    std::fill(changes_, changes_ + kMostChanges, std::uint16_t{0});
    const Status status = fine_.begin(width, height, photo_width, photo_height, kFineSide);
    if (status != Status::kOk) return status;
    return samples_.allocate(std::min(width, kSampleColumns), std::min(height, kSampleRows)) ? Status::kOk : Status::kOutOfMemory;
}

void QualityRows::take(const std::uint8_t* row) {
    fine_.take(row);
    const int y = next_row_++;
    if (next_sample_ == samples_.height || y != QualityCopies::sample_position(next_sample_, samples_.height, height_)) return;
    add_changes(row);
    std::uint8_t* out = samples_.row(next_sample_++);
    for (int x = 0; x < samples_.width; ++x, out += 3) {
        std::memcpy(out, row + std::ptrdiff_t{3} * QualityCopies::sample_position(x, samples_.width, width_), 3);
    }
}

void QualityRows::add_changes(const std::uint8_t* row) {
    const std::ptrdiff_t step = std::ptrdiff_t{3} * column_step_;
    const std::uint8_t* green = row + 3 * ((width_ - change_count_ * column_step_) / 2) + 1;
    for (int i = 0; i < change_count_; ++i, green += step) {
        changes_[i] = static_cast<std::uint16_t>(changes_[i] + std::abs(green[step] - green[0]));
    }
}

float QualityRows::least_changes() const {
    constexpr int kLeast = 3;
    std::uint32_t least = 0, all = 0;
    for (int i = 0; i < change_count_; i += kTogether) {
        std::uint16_t together[kTogether];
        std::copy(changes_ + i, changes_ + i + kTogether, together);
        for (const std::uint16_t change : together) all += change;
        for (std::uint16_t* next = together; next < together + kLeast; ++next) {
            std::iter_swap(next, std::min_element(next, together + kTogether));
            least += *next;
        }
    }
    return all == 0 ? 1.0f : static_cast<float>(least * kTogether) / static_cast<float>(all * kLeast);
}

Status QualityRows::finish(QualityCopies* copies) {
    copies->fine = fine_.thumbnail();
    copies->samples = std::move(samples_);
    copies->width = width_;
    copies->height = height_;
    copies->photo_width = photo_width_;
    copies->photo_height = photo_height_;
    copies->least_changes = least_changes();
    if (orientation_ == 1) return Status::kOk;
    if (UprightRows(width_, height_, orientation_).is_sideways()) {
        std::swap(copies->width, copies->height);
        std::swap(copies->photo_width, copies->photo_height);
    }
    for (Image* copy : {&copies->fine, &copies->samples}) {
        Image upright;
        const Status status = turn(*copy, orientation_, allocator_, &upright);
        if (status != Status::kOk) return status;
        *copy = std::move(upright);
    }
    return Status::kOk;
}

Status copy_for_quality(const PhotoView& photo, const Allocator& allocator, QualityCopies* copies, const Cancel& cancel) {
    const ImageView& picture = photo.image;
    if (picture.pixels == nullptr) return Status::kInvalidArgument;
    QualityRows rows(allocator);
    const Status status = rows.begin(picture.width, picture.height, photo.width, photo.height, 1);
    if (status != Status::kOk) return status;
    Pace pace(cancel);
    for (int y = 0; y < picture.height; ++y) {
        if (pace.is_stopped_after(2 * std::int64_t{picture.width})) return Status::kCancelled;
        rows.take(picture.row(y));
    }
    return rows.finish(copies);
}

}  // namespace fovea::preprocess
