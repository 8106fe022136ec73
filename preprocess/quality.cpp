// SPDX-License-Identifier: Apache-2.0
#include "preprocess/quality.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "preprocess/nearest_samples.h"
#include "preprocess/thumbnail.h"

namespace fovea::preprocess {
namespace {

constexpr int kCoarseSide = 256;
constexpr float kRetinalDiameter = 224;
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
    {"disc_edge", 0.03f, 0.125f, false,
     "The edge of the disc is not clear: remove stray light, eyelids or lashes, and retake."},
    {"disc_visible", 0.7f, 0.55f, true,
     "Too little of the disc is in the frame: centre the eye and retake."},
    {"brightness", 35.0f, 18.0f, true, "Too dark: raise the flash or widen the pupil, and retake."},
    {"overexposed", 0.02f, 0.08f, false, "Over-exposed: lower the flash and retake."},
    {"clipped_colour", 0.3f, 0.96f, false,
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
    {"single_disc", 0.009f, 0.012f, false,
     "More than one disc, or other light beside it: give one photo of one eye, without insets, "
     "windows or labels."},
    {"straight_edges", 3.2f, 4.5f, false,
     "Straight edges cross the picture: give the camera's photo, not a montage or a picture of a "
     "screen."},
    {"blocks", 2.2f, 3.2f, false,
     "The picture is made of blocks: give the camera's photo, neither enlarged nor strongly "
     "compressed."},
    {"colours", 900.0f, 400.0f, true,
     "The picture has too few colours: give the camera's photo, not one saved with a palette."},
    {"levels", 0.45f, 0.65f, false,
     "The picture keeps to a few levels of colour: give the camera's photo, neither reduced to a "
     "palette nor strongly compressed."},
    {"colour_order", 0.9f, 0.8f, true,
     "The colours are not those of a retina (red-free, false or turned colour, or red and blue exchanged): "
     "give the camera's colour photo."},
    {"colour_spread", 0.02f, 0.0165f, true,
     "The picture is grey or of one colour: give the camera's colour photo."},
    {"grain", 0.3f, 0.36f, false,
     "Noise hides the vessels: use more light, a lower sensitivity, or a clean lens, and retake."},
    {"clarity", 3.05f, 0.0f, true,
     "Vessels and colours are too faint to be graded: refocus, align the camera with the pupil, "
     "and retake."},
    {"inner_edges", 0.9f, 1.0f, false,
     "An edge runs through the disc: give one photo of one eye, not several laid over each other."},
    {"fine_detail", 0.62f, 0.61f, true,
     "The picture has no detail of its pixels' size: give the camera's photo, neither enlarged, smoothed nor sharpened after that."},
    {"colour_detail", 0.27f, 0.24f, true,
     "The colour has none of the detail that the light has: give the camera's photo, neither coloured in nor strongly compressed."},
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
    int begin = 0, end = 0;  // of the disc in this row: not far from where they were in the last one
    for (int y = 0; y < height; ++y, mask += width) {
        const float v =
            ((static_cast<float>(y) + 0.5f) * scale_y - 0.5f - disc.center_y) / disc.radius_y;
        const auto is_inside = [&](int x) {
            const float u =
                ((static_cast<float>(x) + 0.5f) * scale_x - 0.5f - disc.center_x) / disc.radius_x;
            return u * u + v * v <= factor * factor;
        };
        if (begin == end) {
            for (begin = 0; begin < width && !is_inside(begin);) ++begin;
            end = begin;
        }
        while (begin > 0 && is_inside(begin - 1)) --begin;
        while (end < width && is_inside(end)) ++end;
        while (begin < end && !is_inside(begin)) ++begin;
        while (begin < end && !is_inside(end - 1)) --end;
        std::fill(mask, mask + begin, std::uint8_t{0});
        std::fill(mask + end, mask + width, std::uint8_t{0});
        take_nearest(lit + std::ptrdiff_t{y * lit_height / height} * lit_width, lit_width, width,
                     begin, end, mask);
    }
}

// Natural logarithm of a positive number from +, -, *, / alone: a C library's own may differ in the
// last bit between machines. 2 atanh((m - 1) / (m + 1)) converges fast for m near 1.
double natural_log(double value) {
    constexpr double kSqrtHalf = 0.70710678118654752, kLogOfTwo = 0.69314718055994531;
    int exponent = 0;
    double m = std::frexp(value, &exponent);
    if (m < kSqrtHalf) {
        m *= 2;
        --exponent;
    }
    const double z = (m - 1) / (m + 1);
    double sum = 0;
    constexpr int kTerms = 10;
    for (int k = kTerms - 1; k >= 0; --k) sum = sum * z * z + 1.0 / (2 * k + 1);
    return exponent * kLogOfTwo + 2 * z * sum;
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

// Adds up `side` x `side` pixels' red, green and blue at x, y of a picture, unless one is not in the mask or the frame.
bool add_up_block(const Image& picture, const std::uint8_t* mask, int x, int y, int side, std::uint32_t (&sums)[3]) {
    if (x + side > picture.width || y + side > picture.height) return false;
    std::uint32_t red = 0, green = 0, blue = 0;
    for (int row = y; row < y + side; ++row) {
        const std::uint8_t* inside = mask + std::ptrdiff_t{row} * picture.width + x;
        const std::uint8_t* p = picture.row(row) + std::ptrdiff_t{3} * x;
        for (int i = 0; i < side; ++i, p += 3) {
            if (inside[i] == 0) return false;
            red += p[0];
            green += p[1];
            blue += p[2];
        }
    }
    sums[0] = red;
    sums[1] = green;
    sums[2] = blue;
    return true;
}

// Blocks of `area` pixels each.
struct BlockColours {
    std::uint32_t area;
    std::uint64_t count[256] = {}, channel_sums[2][256] = {}, squares[2] = {}, total = 0;

    void add(const std::uint32_t (&sums)[3]) {
        const std::uint32_t green = sums[1] / area;
        ++count[green];
        ++total;
        for (int k = 0; k < 2; ++k) {
            channel_sums[k][green] += sums[2 * k];
            squares[k] += std::uint64_t{sums[2 * k]} * sums[2 * k];
        }
    }

    // How many blocks more than means there are.
    std::uint64_t freedom() const {
        return total - static_cast<std::uint64_t>(256 - std::count(count, count + 256, std::uint64_t{0}));
    }

    // Mean square distance of red (0) or blue (1) from the mean of the blocks with that green. Without bias: a block that is alone
    // with its green tells nothing.
    double spread(int k) const {
        // What is left of the squares when each block's mean at its green is taken off.
        double left = static_cast<double>(squares[k]);
        for (int green = 0; green < 256; ++green) {
            const auto sum = static_cast<double>(channel_sums[k][green]);
            left -= sum * sum / static_cast<double>(std::max<std::uint64_t>(count[green], 1));
        }
        const double blocks = static_cast<double>(std::max<std::uint64_t>(freedom(), 1));
        return std::max(left, 0.0) / (blocks * area * area);
    }
};

// Pixels of a copy that are as much of its disc as four are of one that fills a coarse copy's shorter side.
int colour_grain(const Disc& disc) {
    constexpr float kGrains = 57;
    return std::max(static_cast<int>(2 * std::sqrt(disc.radius_x * disc.radius_y) / kGrains + 0.5f), 1);
}

// Blocks of twice the side have a quarter of what noise adds, and nearly all of what a retina's colours do.
void measure_spread(const Image& picture, const std::uint8_t* mask, int side, QualityMeasures* measures) {
    const auto area = static_cast<std::uint32_t>(side * side);
    BlockColours small{area}, large{4 * area};
    for (int y = 0; y < picture.height; y += 2 * side) {
        for (int x = 0; x < picture.width; x += 2 * side) {
            std::uint32_t all[3] = {};
            bool is_whole = true;
            for (int part = 0; part < 4; ++part) {
                std::uint32_t sums[3];
                if (add_up_block(picture, mask, x + part % 2 * side, y + part / 2 * side, side, sums)) {
                    small.add(sums);
                    for (int c = 0; c < 3; ++c) all[c] += sums[c];
                } else {
                    is_whole = false;
                }
            }
            if (is_whole) large.add(all);
        }
    }
    // A mean square of so few may be wrong by a quarter.
    constexpr std::uint64_t kLeastFreedom = 32;
    if (large.freedom() < kLeastFreedom) return;
    const auto without_noise = [&](int k) {
        return static_cast<float>(std::sqrt(std::max(4 * large.spread(k) - small.spread(k), 0.0) / 3));
    };
    measures->spread_red = without_noise(0);
    measures->spread_blue = without_noise(1);
}

// Means of the lit colours inside the disc.
void measure_colour(const Image& picture, const std::uint8_t* mask, QualityMeasures* measures) {
    std::uint64_t total = 0, sums[3] = {};
    double saturation = 0;
    const std::uint8_t* p = picture.pixels.data();
    for (std::size_t i = 0; i < picture.pixels.size() / 3; ++i, p += 3) {
        if (mask[i] == 0) continue;
        for (int c = 0; c < 3; ++c) sums[c] += p[c];
        const int largest = std::max({p[0], p[1], p[2]}), least = std::min({p[0], p[1], p[2]});
        if (largest > 0) saturation += static_cast<double>(largest - least) / largest;
        ++total;
    }
    if (total == 0) return;
    const auto pixels = static_cast<double>(total);
    measures->saturation = static_cast<float>(saturation / pixels);
    for (int c = 0; c < 3; ++c) measures->mean_colour[c] = share(sums[c], total);
}

// Different colours of the samples. Told apart by 16 bits of a hash: of the few
// hundred that matter hardly two fall together.
std::uint32_t count_colours(const QualityCopies& copies, const std::uint8_t* lit, int lit_width,
                            int lit_height) {
    std::uint64_t seen[1024] = {};
    std::uint32_t colours = 0;
    const Image& samples = copies.samples;
    for (int j = 0; j < samples.height; ++j) {
        const std::int64_t y = QualityCopies::sample_position(j, samples.height, copies.height);
        const std::uint8_t* lit_row = lit + y * lit_height / copies.height * lit_width;
        const std::uint8_t* p = samples.row(j);
        for (int i = 0; i < samples.width; ++i, p += 3) {
            const std::int64_t x = QualityCopies::sample_position(i, samples.width, copies.width);
            if (lit_row[x * lit_width / copies.width] == 0) continue;
            const std::uint32_t colour =
                std::uint32_t{p[0]} << 16 | std::uint32_t{p[1]} << 8 | p[2];
            const std::uint32_t hash = colour * 2654435761u >> 16;
            const std::uint64_t bit = std::uint64_t{1} << (hash & 63);
            colours += (seen[hash >> 6] & bit) == 0;
            seen[hash >> 6] |= bit;
        }
    }
    return colours;
}

// Of one channel inside a mask. 5 levels smooth away JPEG's noise and what a change of contrast
// leaves out; 33 smooth away the clusters that a palette's colours are.
float histogram_roughness(const Image& picture, int channel, const std::uint8_t* mask) {
    constexpr int kFine = 2, kSmooth = 16, kLevelCount = 256;
    std::int64_t cumulated[kLevelCount + 1] = {};
    const std::uint8_t* p = picture.pixels.data() + channel;
    for (std::size_t i = 0; i < picture.pixels.size() / 3; ++i) {
        cumulated[p[3 * i] + 1] += mask[i] != 0;
    }
    for (int i = 0; i < kLevelCount; ++i) cumulated[i + 1] += cumulated[i];
    const std::int64_t total = cumulated[kLevelCount];
    if (total == 0) return 0;
    const auto within = [&](int level, int reach) {
        return cumulated[std::min(level + reach + 1, kLevelCount)] -
               cumulated[std::max(level - reach, 0)];
    };
    constexpr int kFineLevels = 2 * kFine + 1, kSmoothLevels = 2 * kSmooth + 1;
    std::int64_t distance = 0;
    // Black and full saturation are clusters in any photo.
    for (int level = kFine + 1; level < kLevelCount - kFine - 4; ++level) {
        distance += std::abs(kSmoothLevels * within(level, kFine) -
                             kFineLevels * within(level, kSmooth));
    }
    return static_cast<float>(static_cast<double>(distance) /
                              static_cast<double>(total * kFineLevels * kSmoothLevels));
}

Disc scaled(const Disc& disc, float scale_x, float scale_y) {
    Disc result = disc;
    result.center_x = (disc.center_x + 0.5f) * scale_x - 0.5f;
    result.center_y = (disc.center_y + 0.5f) * scale_y - 0.5f;
    result.radius_x = disc.radius_x * scale_x;
    result.radius_y = disc.radius_y * scale_y;
    return result;
}

Status take_green(const Image& picture, Buffer<std::uint8_t>* green) {
    const std::size_t count = picture.pixels.size() / 3;
    if (!green->allocate(count)) return Status::kOutOfMemory;
    const std::uint8_t* source = picture.pixels.data() + 1;
    for (std::uint8_t& value : *green) {
        value = *source;
        source += 3;
    }
    return Status::kOk;
}

// Detail and lines of the green channel at the scale where vessels have their width.
Status measure_retinal(const Image& fine, const std::uint8_t* lit, int lit_width, int lit_height,
                       const Allocator& allocator, QualityMeasures* measures) {
    const Disc& disc = measures->disc;
    const int longest = std::max(fine.width, fine.height);
    const float diameter = 2 * std::sqrt(disc.radius_x * disc.radius_y) *
                           static_cast<float>(fine.width) / static_cast<float>(lit_width);
    const auto wanted = static_cast<int>(
        static_cast<float>(longest) * kRetinalDiameter / std::max(diameter, 1.0f) + 0.5f);
    Image retinal(allocator);
    Status status =
        make_thumbnail(fine.view(), std::clamp(wanted, 16, longest), allocator, &retinal);
    if (status != Status::kOk) return status;
    const int width = retinal.width, height = retinal.height;
    const std::size_t count = retinal.pixels.size() / 3;
    Buffer<std::uint8_t> mask(allocator), green(allocator);
    Buffer<std::int16_t> contrast(allocator);
    if (!mask.allocate(count) || !contrast.allocate(count)) return Status::kOutOfMemory;
    status = take_green(retinal, &green);
    if (status != Status::kOk) return status;
    retinal.pixels = Buffer<std::uint8_t>(allocator);
    mask_disc(disc, lit, lit_width, lit_height, 0.95f, width, height, mask.data());
    status = measure_detail(green.data(), width, height, mask.data(), allocator, &measures->retinal,
                            contrast.data());
    if (status != Status::kOk) return status;
    green = Buffer<std::uint8_t>(allocator);
    // Lines are judged where they lie inside the disc and the frame whole.
    constexpr int kBorder = 8;
    mask_disc(disc, lit, lit_width, lit_height, 0.85f, width, height, mask.data());
    for (int y = 0; y < height; ++y) {
        std::uint8_t* row = mask.data() + std::ptrdiff_t{y} * width;
        if (y < kBorder || y >= height - kBorder || width <= 2 * kBorder) {
            std::fill(row, row + width, std::uint8_t{0});
        } else {
            std::fill(row, row + kBorder, std::uint8_t{0});
            std::fill(row + width - kBorder, row + width, std::uint8_t{0});
        }
    }
    static_assert(kLargestContrast <= kLargestLineContrast);
    return measure_lines(contrast.data(), width, height, mask.data(), allocator, &measures->lines);
}

float sharpness(const QualityMeasures& m) {
    return m.fine.rms[1] / (m.fine.rms[3] + kDetailFloor);
}

// Four grey levels more keep quotients of dark channels tame.
float colour_order(const QualityMeasures& m) {
    const float red = m.mean_colour[0] + 4, green = m.mean_colour[1] + 4;
    const float blue = m.mean_colour[2] + 4;
    const float order = std::min({red / green, red / blue, green / blue});
    // Black has no hue; it is refused as that.
    if (std::max({red, green, blue}) - 4 < kLimits[kBrightness].reject) return order;
    // A retina is orange: of what it has more than blue, red is far more than green, the more so the stronger the colour.
    constexpr float kOrange = 0.6f, kPale = 0.2f;
    const float orange = kOrange * (std::max(red - blue, 0.0f) + kPale * red) / (std::max(green - blue, 0.0f) + 2);
    return std::min(order, orange);
}

float fine_detail(const QualityMeasures& m) {
    constexpr float kRepeated = 1.2f;
    return std::min(m.step_ratio, kRepeated * m.least_changes);
}

float colour_detail(const QualityMeasures& m) {
    return std::sqrt(m.colour_steps.red * m.colour_steps.blue);
}

float colour_spread(const QualityMeasures& m) {
    return std::max(m.spread_red / (m.mean_colour[0] + 4), m.spread_blue / (m.mean_colour[2] + 4));
}

// Where noise makes the lines, half of them are nearly as dark as the darkest. A dither's detail of
// one pixel is more than any retina has.
float grain(const QualityMeasures& m) {
    return std::max(m.lines.dark_median / std::max(m.lines.dark_98, 1.0f), 1.8f * m.fine.rms[0]);
}

}  // namespace

float beyond_disc(const QualityMeasures& m) {
    constexpr float kNotches = 0.02f, kSquare = 1.11f;
    const float squeeze = std::max(m.disc.radius_x, m.disc.radius_y) /
                          std::max(std::min(m.disc.radius_x, m.disc.radius_y), 1e-3f);
    const bool is_square = m.frame_aspect < kSquare && m.frame_aspect * kSquare > 1;
    const float most_squeezed = is_square ? 1.9f : 1.15f;
    // Where much of the outline is seen, eyelids or a cut are what is no circle.
    const bool is_long = !is_square && m.disc.visible_arc < 0.35f;
    constexpr float kRagged = 0.05f;
    return m.surroundings.other + 0.25f * m.surroundings.lit +
           std::max(m.surroundings.concavity - kNotches, 0.0f) +
           std::max(squeeze - most_squeezed, 0.0f) +
           (is_long ? std::max(m.disc.residual - kRagged, 0.0f) : 0.0f);
}

float inner_edges(const QualityMeasures& m) {
    constexpr float kLine = 2.0f;
    return std::max(std::max(m.inner.arc[0], m.inner.arc[1]),
                    kLine * std::max(m.inner.line[0], m.inner.line[1]));
}

float clarity(const QualityMeasures& m) {
    const auto log_of = [](float value, double least) {
        return natural_log(std::max(static_cast<double>(value), least));
    };
    const LineContrast& lines = m.lines;
    return static_cast<float>(
        -34.406 + 3.592 * log_of(sharpness(m), 0.1) + 5.379 * log_of(m.mean_colour[0] + 4, 4) +
        1.225 * std::clamp(m.fine.skewness, -3.0f, 3.0f) + 2.058 * m.saturation +
        2.706 * log_of(lines.dark_98 / std::max(lines.bright_98, 1.0f), 0.5) +
        3.77 * log_of(m.retinal.rms[1] / (m.retinal.rms[2] + 0.001f), 0.1) +
        2.648 * log_of(lines.dark_98, 5));
}

float fundus_likeness(const QualityMeasures& m) {
    return -0.4f - 55.7f * std::min(m.disc.residual, 0.15f) - 10.6f * std::min(m.surround, 1.0f) +
           2.1f * std::max(m.filled, 0.6f) + 4.0f * m.warm +
           5.6f * std::clamp(m.red_to_green, 0.8f, 2.0f) -
           207.1f * std::min(m.coarse.rms[2], 0.15f);
}

Status measure_quality(QualityCopies&& copies, const Allocator& allocator,
                       QualityMeasures* measures) {
    *measures = QualityMeasures{};
    Image& fine = copies.fine;
    Image coarse(allocator);
    Status status = make_thumbnail(fine.view(), kCoarseSide, allocator, &coarse);
    if (status != Status::kOk) return status;

    const std::size_t count = coarse.pixels.size() / 3, fine_count = fine.pixels.size() / 3;
    Buffer<std::uint8_t> lit(allocator), eroded(allocator), mask(allocator), fine_green(allocator),
        coarse_green(allocator);
    if (!lit.allocate(count) || !eroded.allocate(count)) return Status::kOutOfMemory;
    status = fit_disc(coarse.view(), allocator, &measures->disc, lit.data());
    if (status != Status::kOk) return status;
    status = measure_surroundings(coarse.view(), measures->disc, lit.data(), allocator,
                                  &measures->surroundings);
    if (status != Status::kOk) return status;
    status = measure_inner_edges(coarse.view(), measures->disc, lit.data(), allocator,
                                 &measures->inner);
    if (status != Status::kOk) return status;
    measures->frame_aspect =
        static_cast<float>(copies.photo_width) / static_cast<float>(copies.photo_height);
    status = measure_retinal(fine, lit.data(), coarse.width, coarse.height, allocator, measures);
    if (status != Status::kOk) return status;
    measures->colours = count_colours(copies, lit.data(), coarse.width, coarse.height);
    if (!mask.allocate(fine_count)) return Status::kOutOfMemory;
    erode(lit.data(), coarse.width, coarse.height, eroded.data());
    mask_disc(measures->disc, eroded.data(), coarse.width, coarse.height, 0.92f, fine.width,
              fine.height, mask.data());
    measures->levels = std::min(histogram_roughness(fine, 0, mask.data()),
                                histogram_roughness(fine, 1, mask.data()));
    status = take_green(fine, &fine_green);
    if (status == Status::kOk) status = take_green(coarse, &coarse_green);
    if (status != Status::kOk) return status;
    fine.pixels = Buffer<std::uint8_t>(allocator);
    measure_light(coarse, lit.data(), measures);
    mask_disc(measures->disc, lit.data(), coarse.width, coarse.height, 0.95f, coarse.width,
              coarse.height, mask.data());
    measure_colour(coarse, mask.data(), measures);
    const int grain_side = colour_grain(measures->disc);
    measure_spread(coarse, mask.data(), grain_side, measures);
    measures->colour_steps = colour_steps(coarse.view(), mask.data(), grain_side);
    measures->least_changes = copies.least_changes;
    // Where a photo was cut and its rest made black, the cut is the disc's edge, not a picture's.
    status = measure_straight_edges(fine_green.data(), fine.width, fine.height, eroded.data(),
                                    coarse.width, coarse.height, allocator, &measures->edges);
    if (status != Status::kOk) return status;

    const auto measure_green = [&](const Buffer<std::uint8_t>& green, const Image& picture,
                                   float factor, DetailBands* bands) {
        mask_disc(measures->disc, eroded.data(), coarse.width, coarse.height, factor, picture.width,
                  picture.height, mask.data());
        return measure_detail(green.data(), picture.width, picture.height, mask.data(), allocator,
                              bands);
    };
    status = measure_green(coarse_green, coarse, 0.95f, &measures->coarse);
    if (status != Status::kOk) return status;
    status = measure_green(fine_green, fine, 0.92f, &measures->fine);
    if (status != Status::kOk) return status;
    measures->step_ratio = step_ratio(fine_green.data(), fine.width, fine.height, mask.data());
    measures->disc =
        scaled(measures->disc, static_cast<float>(copies.photo_width) / static_cast<float>(coarse.width),
               static_cast<float>(copies.photo_height) / static_cast<float>(coarse.height));
    return Status::kOk;
}

Status measure_quality(const PhotoView& photo, const Allocator& allocator, QualityMeasures* measures) {
    QualityCopies copies(allocator);
    const Status status = copy_for_quality(photo, allocator, &copies);
    return status == Status::kOk ? measure_quality(std::move(copies), allocator, measures) : status;
}

Status assess_quality(const PhotoView& photo, const Allocator& allocator, QualityReport* report) {
    QualityCopies copies(allocator);
    const Status status = copy_for_quality(photo, allocator, &copies);
    return status == Status::kOk ? assess_quality(std::move(copies), allocator, report) : status;
}

Status assess_quality(QualityCopies&& copies, const Allocator& allocator, QualityReport* report) {
    QualityMeasures m;
    const Status status = measure_quality(std::move(copies), allocator, &m);
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
    values[kSharpness] = sharpness(m);
    values[kDetail] = m.fine.rms[1];
    values[kDiscDiameter] = m.disc.found ? 2 * std::sqrt(m.disc.radius_x * m.disc.radius_y) : 0.0f;
    values[kSingleDisc] = beyond_disc(m);
    values[kStraightEdges] = m.edges.seam;
    values[kBlocks] = m.edges.blocks;
    values[kColours] = static_cast<float>(m.colours);
    values[kLevels] = m.levels;
    values[kColourOrder] = colour_order(m);
    values[kColourSpread] = colour_spread(m);
    values[kGrain] = grain(m);
    values[kClarity] = clarity(m);
    values[kInnerEdges] = inner_edges(m);
    values[kFineDetail] = fine_detail(m);
    values[kColourDetail] = colour_detail(m);

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
