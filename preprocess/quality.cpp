// SPDX-License-Identifier: Apache-2.0
#include "preprocess/quality.h"

#include <algorithm>
#include <cmath>

#include "preprocess/thumbnail.h"

namespace fovea::preprocess {
namespace {

constexpr int kCoarseSide = 256;
constexpr int kFineSide = 512;
// Keeps the sharpness of a picture with hardly any detail, where noise rules the quotient, low.
constexpr float kDetailFloor = 0.005f;

struct Limits {
    const char* name;
    float good;    // missed: usable at best
    float reject;  // missed: reject
    bool minimum;
    const char* advice;
};

// No limit of that kind: no value misses it.
constexpr float kNoMaximum = 1e30f;

// In the order of QualityCheckIndex; where the numbers come from stands in the header.
constexpr Limits kLimits[kQualityCheckCount] = {
    {"fundus_likeness", 1.5f, 0.0f, true,
     "No whole fundus photo recognised: check the file, and that the lit disc on its dark ground "
     "is in the frame."},
    {"disc_edge", 0.03f, kNoMaximum, false,
     "The edge of the disc is not clear: remove stray light, eyelids or lashes, and retake."},
    {"disc_visible", 0.7f, 0.55f, true,
     "Too little of the disc is in the frame: centre the eye and retake."},
    {"brightness", 35.0f, 18.0f, true, "Too dark: raise the flash or widen the pupil, and retake."},
    {"overexposed", 0.02f, 0.08f, false, "Over-exposed: lower the flash and retake."},
    {"clipped_colour", 0.3f, kNoMaximum, false,
     "A colour is saturated over much of the disc: lower the flash and retake."},
    {"dark_area", 0.25f, 0.6f, false,
     "Part of the disc is black: centre the pupil, check the eyelids, and retake."},
    {"uneven_light", 0.45f, kNoMaximum, false,
     "Unevenly lit: align the camera with the pupil and retake."},
    {"sharpness", 0.4f, 0.28f, true, "Too blurred: refocus and retake."},
    {"detail", 0.0075f, 0.003f, true,
     "Hardly any vessels can be seen: refocus, clean the lens, and retake."},
    {"disc_diameter", 150.0f, 48.0f, true,
     "The disc has too few pixels: use the camera's full resolution or move closer."},
};

// Where all of the pixels two to the left, right, top and bottom are lit too: the soft edge of a
// camera's black bar across the disc is not detail of the fundus. The frame's edge is not such an
// edge.
void erode(const std::uint8_t* lit, int width, int height, std::uint8_t* eroded) {
    constexpr int kReach = 2;
    for (int y = 0; y < height; ++y) {
        const std::uint8_t* row = lit + std::ptrdiff_t{y} * width;
        const std::uint8_t* above = lit + std::ptrdiff_t{std::max(y - kReach, 0)} * width;
        const std::uint8_t* below = lit + std::ptrdiff_t{std::min(y + kReach, height - 1)} * width;
        for (int x = 0; x < width; ++x) {
            *eroded++ = row[x] & above[x] & below[x] & row[std::max(x - kReach, 0)] &
                        row[std::min(x + kReach, width - 1)];
        }
    }
}

// The lit pixels within factor * radius of the disc, in a picture of another size than the one in
// which disc and lit were found.
void mask_disc(const Disc& disc, const std::uint8_t* lit, int lit_width, int lit_height,
               float factor, int width, int height, std::uint8_t* mask) {
    const float scale_x = static_cast<float>(lit_width) / static_cast<float>(width);
    const float scale_y = static_cast<float>(lit_height) / static_cast<float>(height);
    for (int y = 0; y < height; ++y) {
        const float v =
            ((static_cast<float>(y) + 0.5f) * scale_y - 0.5f - disc.center_y) / disc.radius_y;
        const std::uint8_t* lit_row = lit + std::ptrdiff_t{y * lit_height / height} * lit_width;
        for (int x = 0; x < width; ++x) {
            const float u =
                ((static_cast<float>(x) + 0.5f) * scale_x - 0.5f - disc.center_x) / disc.radius_x;
            const bool inside = u * u + v * v <= factor * factor;
            *mask++ = inside ? lit_row[x * lit_width / width] : 0;
        }
    }
}

float share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0.0f
                      : static_cast<float>(static_cast<double>(part) / static_cast<double>(whole));
}

// Colours and exposure inside the disc, and the darkness round it.
void measure_light(const Image& picture, const std::uint8_t* lit, QualityMeasures* measures) {
    const Disc& disc = measures->disc;
    std::uint64_t inside = 0, filled = 0, warm = 0, overexposed = 0, clipped = 0, dark = 0;
    std::uint64_t outside = 0, luma_outside = 0, luma_inside = 0, red = 0, green = 0;
    for (int y = 0; y < picture.height; ++y) {
        const float v = (static_cast<float>(y) - disc.center_y) / disc.radius_y;
        const std::uint8_t* p = picture.row(y);
        for (int x = 0; x < picture.width; ++x, p += 3, ++lit) {
            const float u = (static_cast<float>(x) - disc.center_x) / disc.radius_x;
            const float distance = u * u + v * v;
            const unsigned luma = (77u * p[0] + 150u * p[1] + 29u * p[2] + 128u) >> 8;
            if (distance <= 0.95f * 0.95f) {
                ++inside;
                filled += *lit;
                warm += p[0] >= p[1] && p[1] >= p[2];
                overexposed += p[1] >= 250;
                clipped += p[0] >= 250 || p[1] >= 250 || p[2] >= 250;
                dark += luma <= 10;
                luma_inside += luma;
                red += p[0];
                green += p[1];
            } else if (distance > 1.05f * 1.05f) {
                ++outside;
                luma_outside += luma;
            }
        }
    }
    measures->filled = share(filled, inside);
    measures->warm = share(warm, inside);
    measures->overexposed = share(overexposed, inside);
    measures->clipped = share(clipped, inside);
    measures->dark = share(dark, inside);
    measures->mean_green = share(green, inside);
    // Four grey levels more keep quotients of black pictures tame.
    measures->red_to_green = (share(red, inside) + 4.0f) / (measures->mean_green + 4.0f);
    measures->surround =
        outside == 0 ? 1.0f : share(luma_outside, outside) / (share(luma_inside, inside) + 4.0f);
}

Disc scaled(const Disc& disc, float scale_x, float scale_y) {
    Disc result = disc;
    result.center_x = (disc.center_x + 0.5f) * scale_x - 0.5f;
    result.center_y = (disc.center_y + 0.5f) * scale_y - 0.5f;
    result.radius_x = disc.radius_x * scale_x;
    result.radius_y = disc.radius_y * scale_y;
    return result;
}

}  // namespace

float fundus_likeness(const QualityMeasures& m) {
    return -0.4f - 55.7f * std::min(m.disc.residual, 0.15f) - 10.6f * std::min(m.surround, 1.0f) +
           2.1f * std::max(m.filled, 0.6f) + 4.0f * m.warm +
           5.6f * std::clamp(m.red_to_green, 0.8f, 2.0f) -
           207.1f * std::min(m.coarse.rms[2], 0.15f);
}

Status measure_quality(const ImageView& rgb, const Allocator& allocator,
                       QualityMeasures* measures) {
    *measures = QualityMeasures{};
    Image fine(allocator), coarse(allocator);
    Status status = make_thumbnail(rgb, kFineSide, allocator, &fine);
    if (status != Status::kOk) return status;
    status = make_thumbnail(fine.view(), kCoarseSide, allocator, &coarse);
    if (status != Status::kOk) return status;

    const std::size_t count = coarse.pixels.size() / 3, fine_count = fine.pixels.size() / 3;
    Buffer<std::uint8_t> lit(allocator), eroded(allocator), mask(allocator), fine_green(allocator);
    if (!lit.allocate(count) || !eroded.allocate(count) || !fine_green.allocate(fine_count)) {
        return Status::kOutOfMemory;
    }
    // Its other colours have served: what follows takes more memory than anything else here.
    for (std::size_t i = 0; i < fine_count; ++i) fine_green[i] = fine.pixels[3 * i + 1];
    fine.pixels = Buffer<std::uint8_t>(allocator);
    if (!mask.allocate(fine_count)) return Status::kOutOfMemory;
    status = fit_disc(coarse.view(), allocator, &measures->disc, lit.data());
    if (status != Status::kOk) return status;
    measure_light(coarse, lit.data(), measures);
    erode(lit.data(), coarse.width, coarse.height, eroded.data());

    const auto measure_green = [&](const std::uint8_t* green, int step, const Image& picture,
                                   float factor, DetailBands* bands) {
        mask_disc(measures->disc, eroded.data(), coarse.width, coarse.height, factor, picture.width,
                  picture.height, mask.data());
        return measure_detail(green, step, std::ptrdiff_t{step} * picture.width, picture.width,
                              picture.height, mask.data(), allocator, bands);
    };
    status = measure_green(coarse.row(0) + 1, 3, coarse, 0.95f, &measures->coarse);
    if (status != Status::kOk) return status;
    status = measure_green(fine_green.data(), 1, fine, 0.92f, &measures->fine);
    measures->disc =
        scaled(measures->disc, static_cast<float>(rgb.width) / static_cast<float>(coarse.width),
               static_cast<float>(rgb.height) / static_cast<float>(coarse.height));
    return status;
}

Status assess_quality(const ImageView& rgb, const Allocator& allocator, QualityReport* report) {
    QualityMeasures m;
    const Status status = measure_quality(rgb, allocator, &m);
    if (status != Status::kOk) return status;

    float values[kQualityCheckCount];
    values[kFundusLikeness] = fundus_likeness(m);
    values[kDiscEdge] = m.disc.residual;
    values[kDiscVisible] = m.disc.visible_area;
    values[kBrightness] = m.mean_green;
    values[kOverexposed] = m.overexposed;
    values[kClippedColour] = m.clipped;
    values[kDarkArea] = m.dark;
    values[kUnevenLight] = m.fine.illumination;
    values[kSharpness] = m.fine.rms[1] / (m.fine.rms[3] + kDetailFloor);
    values[kDetail] = m.fine.rms[1];
    values[kDiscDiameter] = m.disc.found ? 2 * std::sqrt(m.disc.radius_x * m.disc.radius_y) : 0.0f;

    report->disc = m.disc;
    report->verdict = QualityVerdict::kGood;
    for (int i = 0; i < kQualityCheckCount; ++i) {
        const Limits& limits = kLimits[i];
        const auto keeps = [&](float limit) {
            return limits.minimum ? values[i] >= limit : values[i] <= limit;
        };
        QualityCheck& check = report->checks[i];
        const bool rejected = !keeps(limits.reject);
        check.name = limits.name;
        check.value = values[i];
        check.limit = rejected ? limits.reject : limits.good;
        check.limit_is_minimum = limits.minimum;
        check.passed = keeps(limits.good);
        check.failure_verdict = rejected ? QualityVerdict::kReject : QualityVerdict::kUsable;
        check.advice = check.passed ? "" : limits.advice;
        if (!check.passed) report->verdict = std::max(report->verdict, check.failure_verdict);
    }
    return Status::kOk;
}

}  // namespace fovea::preprocess
