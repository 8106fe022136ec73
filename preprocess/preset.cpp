// SPDX-License-Identifier: Apache-2.0
#include "preprocess/preset.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "preprocess/disc_fit.h"
#include "preprocess/fundus_crop.h"
#include "preprocess/gaussian.h"
#include "preprocess/thumbnail.h"

namespace fovea::preprocess {
namespace {

constexpr int kChannels = 3;
constexpr double kKaggleSigma = 10.0;

// Carries a picture through the steps of a preset, together with where it lies in the source. The
// current picture is a view: of the caller's pixels at first, then of one of two owned images;
// after a crop, of a selection of their rows and columns.
class Pipeline {
  public:
    Pipeline(const ImageView& source, const PresetSettings& settings, const Allocator& allocator)
        : settings_(settings),
          allocator_(allocator),
          view_(source),
          selection_(allocator),
          owned_{Image(allocator), Image(allocator)} {
        geometry_.width = source.width;
        geometry_.height = source.height;
    }

    int width() const { return view_.width; }
    int height() const { return view_.height; }
    // Before any crop.
    const ImageView& source() const { return view_.image; }
    const PresetGeometry& geometry() const { return geometry_; }

    // The picture is the source or owned, not cropped since.
    Status crop_box() {
        const Status status =
            find_lit(view_.image, settings_.tolerance, gray_weights(settings_.gray_swapped),
                     allocator_, &selection_, settings_.cancel);
        if (status != Status::kOk) return status;
        if (selection_.is_empty()) {
            geometry_.found_nothing_lit = true;
            return Status::kOk;
        }
        const double unit_x = geometry_.width / width();
        const double unit_y = geometry_.height / height();
        const int left = selection_.columns[0];
        const int right = selection_.columns[selection_.column_count - 1] + 1;
        const int top = selection_.rows[0];
        const int bottom = selection_.rows[selection_.row_count - 1] + 1;
        geometry_.x += left * unit_x;
        geometry_.y += top * unit_y;
        geometry_.width = (right - left) * unit_x;
        geometry_.height = (bottom - top) * unit_y;
        view_ = select_lit(view_.image, selection_);
        is_whole_image_ = false;
        return Status::kOk;
    }

    Status pad_to_square() {
        const int side = std::max(width(), height());
        if (width() == height()) return Status::kOk;
        if (!is_within_limits(side, side)) return Status::kImageTooLarge;
        if (!spare()->allocate(side, side)) return Status::kOutOfMemory;
        std::memset(spare()->pixels.data(), 0, spare()->pixels.size());
        const int left = (side - width()) / 2;
        const int top = (side - height()) / 2;
        if (!copy_selected(view_, spare()->row(top) + static_cast<std::ptrdiff_t>(left) * kChannels,
                           std::ptrdiff_t{kChannels} * side, settings_.cancel)) {
            return Status::kCancelled;
        }
        const double unit_x = geometry_.width / width();
        const double unit_y = geometry_.height / height();
        geometry_.x -= left * unit_x;
        geometry_.y -= top * unit_y;
        geometry_.width = side * unit_x;
        geometry_.height = side * unit_y;
        use_spare();
        return Status::kOk;
    }

    // Cuts out the box of an ellipse around (cx, cy), black outside it and outside the picture. The
    // picture is the source.
    Status cut_ellipse(int cx, int cy, int radius_x, int radius_y) {
        const int box_width = 2 * radius_x + 1;
        const int box_height = 2 * radius_y + 1;
        if (!is_within_limits(box_width, box_height)) return Status::kImageTooLarge;
        if (!spare()->allocate(box_width, box_height)) return Status::kOutOfMemory;
        std::memset(spare()->pixels.data(), 0, spare()->pixels.size());
        const int left = cx - radius_x;
        const int top = cy - radius_y;
        Pace pace(settings_.cancel);
        for (int y = 0; y < box_height; ++y) {
            if (pace.is_stopped_after(box_width)) return Status::kCancelled;
            if (top + y < 0 || top + y >= height()) continue;
            const double dy = static_cast<double>(y - radius_y) / std::max(radius_y, 1);
            const auto reach = static_cast<int>(radius_x * std::sqrt(std::max(0.0, 1.0 - dy * dy)));
            const int begin = std::max(cx - reach, 0);
            const int end = std::min(cx + reach + 1, width());
            if (begin >= end) continue;
            std::memcpy(spare()->row(y) + static_cast<std::ptrdiff_t>(begin - left) * kChannels,
                        view_.row(top + y) + static_cast<std::ptrdiff_t>(begin) * kChannels,
                        static_cast<std::size_t>(end - begin) * kChannels);
        }
        geometry_.x += left;
        geometry_.y += top;
        geometry_.width = box_width;
        geometry_.height = box_height;
        use_spare();
        return Status::kOk;
    }

    void say_nothing_found() { geometry_.found_nothing_lit = true; }

    // To the size that the caller has asked for.
    Status resize_to_result() {
        const int side = settings_.output_size;
        return resize_to(side, side, resize_scale(view_, side, side));
    }

    Status resize_to_square(int side) {
        if (!is_within_limits(side, side)) return Status::kImageTooLarge;
        return resize_to(side, side, resize_scale(view_, side, side));
    }

    Status resize_to(int new_width, int new_height, ResizeScale scale) {
        const Status status =
            resize(view_, new_width, new_height, scale, settings_.resize, allocator_, spare(), settings_.cancel);
        if (status == Status::kOk) use_spare();
        return status;
    }

    // cv2.resize(image, (0, 0), factor, factor).
    Status resize_by(double factor, double max_enlarged_side) {
        const double new_width = std::rint(width() * factor);
        const double new_height = std::rint(height() * factor);
        if ((factor > 1.0 && new_width * new_height > max_enlarged_side * max_enlarged_side) ||
            !is_within_limits(new_width, new_height)) {
            return Status::kImageTooLarge;
        }
        const int w = std::max(1, static_cast<int>(new_width));
        const int h = std::max(1, static_cast<int>(new_height));
        const double unit_x = geometry_.width / width();
        const double unit_y = geometry_.height / height();
        const Status status = resize_to(w, h, {1.0 / factor, 1.0 / factor});
        geometry_.width = w / factor * unit_x;
        geometry_.height = h / factor * unit_y;
        return status;
    }

    // Makes the current picture an owned one, so that it can be changed in place.
    Status own() {
        if (is_whole_image_) return Status::kOk;
        if (!spare()->allocate(width(), height())) return Status::kOutOfMemory;
        if (!copy_selected(view_, spare()->pixels.data(), std::ptrdiff_t{kChannels} * width(), settings_.cancel)) {
            return Status::kCancelled;
        }
        use_spare();
        return Status::kOk;
    }

    // After own() or a step that makes a new picture.
    Image* image() { return &owned_[current_]; }

    Status normalise(double default_sigma) {
        const Status status = own();
        return status == Status::kOk ? normalise_rows(default_sigma, nullptr) : status;
    }

    // What the last resize will look at: of a photo of full size, few rows.
    Status normalise_for_result(double default_sigma) {
        const Status status = own();
        if (status != Status::kOk) return status;
        const int side = settings_.output_size;
        if (side == 0) return normalise_rows(default_sigma, nullptr);
        Buffer<std::uint8_t> rows(allocator_);
        if (!rows.allocate(static_cast<std::size_t>(height()))) return Status::kOutOfMemory;
        mark_rows_read(view_, side, side, resize_scale(view_, side, side), settings_.resize, rows.data());
        return normalise_rows(default_sigma, rows.data());
    }

    Status mask() {
        const Status status = own();
        if (status == Status::kOk) mask_circle(image());
        return status;
    }

  private:
    Status normalise_rows(double default_sigma, const std::uint8_t* rows) {
        return normalise_colour(image(), settings_.sigma > 0.0 ? settings_.sigma : default_sigma, rows, allocator_, settings_.cancel);
    }

    // Written so that a NaN is refused.
    bool is_within_limits(double new_width, double new_height) const {
        const double side = std::min<double>(settings_.max_side, kMaxPresetSize);
        return new_width <= side && new_height <= side &&
               new_width * new_height <= static_cast<double>(settings_.max_pixels);
    }

    Image* spare() { return &owned_[1 - current_]; }

    void use_spare() {
        current_ = 1 - current_;
        view_ = image()->view();
        is_whole_image_ = true;
    }

    const PresetSettings& settings_;
    const Allocator& allocator_;
    SelectedView view_;
    LitSelection selection_;  // what view_ refers to after a crop
    Image owned_[2];
    int current_ = 0;
    bool is_whole_image_ = false;  // view_ is all of *image()
    PresetGeometry geometry_;
};

// The steps of each preset up to its last resize, which apply_preset() does.
Status run_kaggle_ben_color(const PresetSettings& settings, Pipeline* p) {
    Status status = p->crop_box();
    if (status == Status::kOk && settings.pad_square) status = p->pad_to_square();
    if (status == Status::kOk) status = p->resize_to_result();
    if (status == Status::kOk) status = p->normalise(kKaggleSigma);
    if (status == Status::kOk && settings.circle_mask) status = p->mask();
    return status;
}

Status run_kaggle_circle(const PresetSettings& settings, Pipeline* p) {
    Status status = p->crop_box();
    if (status == Status::kOk) status = p->mask();
    if (status == Status::kOk) status = p->crop_box();
    if (status == Status::kOk && settings.pad_square) status = p->pad_to_square();
    if (status == Status::kOk) status = p->normalise_for_result(kKaggleSigma);
    return status;
}

Status run_kaggle_circle_v2(const PresetSettings& settings, Pipeline* p) {
    Status status = p->crop_box();
    const int side = std::max(p->width(), p->height());
    if (status == Status::kOk) status = p->resize_to_square(side);
    if (status == Status::kOk) status = p->mask();
    if (status == Status::kOk) status = p->crop_box();
    if (status == Status::kOk && settings.pad_square) status = p->pad_to_square();
    if (status == Status::kOk) status = p->normalise_for_result(kKaggleSigma);
    return status;
}

// Half the number of pixels of the middle row whose channel sum exceeds a tenth of the row's mean;
// half the shorter side where none does.
double graham_radius(const ImageView& image) {
    const std::uint8_t* row = image.row(image.height / 2);
    std::int64_t total = 0;
    for (int i = 0; i < image.width * kChannels; ++i) total += row[i];
    const double limit = static_cast<double>(total) / image.width / 10.0;
    int count = 0;
    for (int x = 0; x < image.width; ++x) {
        const std::uint8_t* p = row + static_cast<std::ptrdiff_t>(x) * kChannels;
        if (p[0] + p[1] + p[2] > limit) ++count;
    }
    return count > 0 ? count / 2.0 : std::min(image.width, image.height) / 2.0;
}

Status run_graham2015(const PresetSettings& settings, Pipeline* p) {
    Status status = p->resize_by(settings.graham_scale / graham_radius(p->source()),
                                 kMaxGrahamSides * settings.graham_scale);
    if (status == Status::kOk) status = p->normalise(settings.graham_scale / 30.0);
    if (status == Status::kOk) {
        fill_outside_disc(p->image(), p->width() / 2, p->height() / 2,
                          static_cast<int>(settings.graham_scale * 0.9), 128);
    }
    if (status == Status::kOk && settings.pad_square && settings.output_size > 0) {
        status = p->pad_to_square();
    }
    return status;
}

// In whole pixels.
struct Ellipse {
    bool is_found = false;
    int center_x = 0;
    int center_y = 0;
    int radius_x = 0;
    int radius_y = 0;
};

Status fit_eyeq_disc(const ImageView& rgb, const PresetSettings& settings, const Allocator& allocator, Ellipse* ellipse) {
    Image thumbnail(allocator);
    Buffer<std::uint8_t> component(allocator);
    Disc disc;
    Status status = make_thumbnail(rgb, kEyeqFitSide, allocator, &thumbnail, settings.cancel);
    if (status == Status::kOk && !component.allocate(thumbnail.pixels.size() / kChannels)) {
        status = Status::kOutOfMemory;
    }
    if (status == Status::kOk) {
        status = fit_disc(thumbnail.view(), allocator, &disc, component.data());
    }
    if (status != Status::kOk || !disc.found) return status;
    const double unit_x = static_cast<double>(rgb.width) / thumbnail.width;
    const double unit_y = static_cast<double>(rgb.height) / thumbnail.height;
    // A fit far outside the frame is cut down to numbers that fit an int.
    const auto whole = [](double value) {
        return static_cast<int>(std::lrint(std::clamp(value, -1e6, 1e6)));
    };
    *ellipse = {true, whole((disc.center_x + 0.5) * unit_x - 0.5), whole((disc.center_y + 0.5) * unit_y - 0.5),
                std::max(0, whole(disc.radius_x * unit_x)), std::max(0, whole(disc.radius_y * unit_y))};
    return Status::kOk;
}

Status run_eyeq(const PresetSettings& settings, const Allocator& allocator, Pipeline* p) {
    Ellipse disc;
    const Status status = fit_eyeq_disc(p->source(), settings, allocator, &disc);
    if (status != Status::kOk) return status;
    if (!disc.is_found) {
        p->say_nothing_found();
        return p->pad_to_square();
    }
    return p->cut_ellipse(disc.center_x, disc.center_y, disc.radius_x, disc.radius_y);
}

bool is_valid(const PresetSettings& settings) {
    return preset_name(settings.preset) != nullptr &&
           settings.output_size >= (has_native_size(settings.preset) ? 0 : 1) && settings.output_size <= kMaxPresetSize &&
           settings.sigma >= 0.0 && settings.sigma <= kMaxSigma && settings.tolerance >= 0 &&
           settings.tolerance <= 255 &&
           (settings.resize == ResizeMethod::kLinear || settings.resize == ResizeMethod::kArea) &&
           settings.graham_scale >= 1.0 && settings.graham_scale <= kMaxGrahamScale &&
           (settings.scaled_decoding == 0 || (settings.scaled_decoding >= 2 && settings.scaled_decoding <= kMaxScaledDecoding &&
                                              settings.output_size > 0 && may_decode_scaled(settings.preset, settings.resize)));
}

}  // namespace

const char* preset_name(Preset preset) {
    switch (preset) {
        case Preset::kNone:
            return "none";
        case Preset::kKaggleBenColor:
            return "kaggle_ben_color";
        case Preset::kKaggleCircle:
            return "kaggle_circle";
        case Preset::kKaggleCircleV2:
            return "kaggle_circle_v2";
        case Preset::kGraham2015:
            return "graham2015";
        case Preset::kEyeq:
            return "eyeq";
    }
    return nullptr;
}

bool has_native_size(Preset preset) {
    return preset != Preset::kNone && preset != Preset::kKaggleBenColor;
}

bool may_decode_scaled(Preset preset, ResizeMethod resize) {
    const bool cuts_first = preset == Preset::kNone || preset == Preset::kKaggleBenColor || preset == Preset::kEyeq;
    return cuts_first && resize == ResizeMethod::kArea;
}

bool ends_in_circle_mask(const PresetSettings& settings) {
    return settings.preset == Preset::kKaggleBenColor && settings.circle_mask;
}

Status measure_cut(const ImageView& rgb, const PresetSettings& settings, const Allocator& allocator, int* shorter_side) {
    *shorter_side = std::min(rgb.width, rgb.height);
    if (settings.preset == Preset::kKaggleBenColor) {
        LitSelection selection(allocator);
        const Status status =
            find_lit(rgb, settings.tolerance, gray_weights(settings.gray_swapped), allocator, &selection, settings.cancel);
        if (status == Status::kOk && !selection.is_empty()) *shorter_side = std::min(selection.row_count, selection.column_count);
        return status;
    }
    if (settings.preset == Preset::kEyeq) {
        Ellipse disc;
        const Status status = fit_eyeq_disc(rgb, settings, allocator, &disc);
        if (status == Status::kOk && disc.is_found) *shorter_side = 2 * std::min(disc.radius_x, disc.radius_y) + 1;
        return status;
    }
    return Status::kOk;
}

Status apply_preset(const ImageView& rgb, const PresetSettings& settings,
                    const Allocator& allocator, Image* out, PresetGeometry* geometry) {
    if (rgb.pixels == nullptr || rgb.width < 1 || rgb.height < 1 ||
        rgb.stride / kChannels < rgb.width || !is_valid(settings)) {
        return Status::kInvalidArgument;
    }
    Pipeline pipeline(rgb, settings, allocator);
    Status status = Status::kOk;
    switch (settings.preset) {
        case Preset::kNone:
            if (settings.pad_square) status = pipeline.pad_to_square();
            break;
        case Preset::kKaggleBenColor:
            status = run_kaggle_ben_color(settings, &pipeline);
            break;
        case Preset::kKaggleCircle:
            status = run_kaggle_circle(settings, &pipeline);
            break;
        case Preset::kKaggleCircleV2:
            status = run_kaggle_circle_v2(settings, &pipeline);
            break;
        case Preset::kGraham2015:
            status = run_graham2015(settings, &pipeline);
            break;
        case Preset::kEyeq:
            status = run_eyeq(settings, allocator, &pipeline);
            break;
    }
    const int size = settings.output_size;
    if (status == Status::kOk && size > 0 &&
        (pipeline.width() != size || pipeline.height() != size)) {
        status = pipeline.resize_to_result();
    }
    if (status == Status::kOk) status = pipeline.own();
    if (status != Status::kOk) return status;
    *out = std::move(*pipeline.image());
    if (geometry != nullptr) *geometry = pipeline.geometry();
    return Status::kOk;
}

}  // namespace fovea::preprocess
