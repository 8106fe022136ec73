// SPDX-License-Identifier: Apache-2.0
#include "preprocess/inner_edges.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>

namespace fovea::preprocess {
namespace {

constexpr int kReach = 6;               // a step is compared over so many pixels on either side
constexpr int kBorder = kReach + 1;     // and smoothed by one more
constexpr float kRim = 0.12f;           // of the radius, where the disc's own edge is
constexpr int kCell = 4;                // pixels; of centres that edges point to
constexpr int kRadii = 10;
constexpr float kRadius[kRadii] = {0.25f, 0.31f, 0.38f, 0.46f, 0.55f,
                                   0.66f, 0.78f, 0.9f,  1.04f, 1.2f};
constexpr std::size_t kMostPixels = 8192;  // a photo has at most some 2,500; more are a texture

// A pixel of an edge, and where its brighter side lies: a vector of length 1.
struct EdgePixel {
    float x, y;
    float toward_x, toward_y;
};

struct Picture {
    int width, height;
    std::size_t count() const {
        return static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
    }
};

// 16 times the mean with weights 1 2 1 both ways; the frame's pixels are left out.
void smooth(const ImageView& picture, int channel, std::int16_t* row_sums, std::int16_t* smoothed) {
    const int width = picture.width;
    for (int y = 1; y + 1 < picture.height; ++y) {
        const std::uint8_t* above = picture.row(y - 1) + channel;
        const std::uint8_t* here = picture.row(y) + channel;
        const std::uint8_t* below = picture.row(y + 1) + channel;
        for (int x = 0; x < width; ++x) {
            row_sums[x] =
                static_cast<std::int16_t>(above[3 * x] + 2 * here[3 * x] + below[3 * x]);
        }
        std::int16_t* row = smoothed + std::ptrdiff_t{y} * width;
        for (int x = 1; x + 1 < width; ++x) {
            row[x] = static_cast<std::int16_t>(row_sums[x - 1] + 2 * row_sums[x] + row_sums[x + 1]);
        }
    }
}

// Of `count` pixels the height of the step across each, positive where it is brighter behind; 0
// where there is none. `ahead`: from a pixel to the next across.
void find_steps(const std::int16_t* at, std::ptrdiff_t ahead, int count,
                std::int16_t* __restrict steps) {
    const std::int16_t *b2 = at + 2 * ahead, *b4 = at + 4 * ahead, *b6 = at + 6 * ahead;
    const std::int16_t *a2 = at - 2 * ahead, *a4 = at - 4 * ahead, *a6 = at - 6 * ahead;
    for (int i = 0; i < count; ++i) {
        const std::int16_t most_behind = std::max(b2[i], std::max(b4[i], b6[i]));
        const std::int16_t least_behind = std::min(b2[i], std::min(b4[i], b6[i]));
        const std::int16_t most_before = std::max(a2[i], std::max(a4[i], a6[i]));
        const std::int16_t least_before = std::min(a2[i], std::min(a4[i], a6[i]));
        const auto up = static_cast<std::int16_t>(std::max(least_behind - most_before, 0));
        const auto down = static_cast<std::int16_t>(std::max(least_before - most_behind, 0));
        const auto slopes = static_cast<std::int16_t>(most_behind - least_behind + most_before -
                                                      least_before);
        // Sixteen grey levels more keep dark pictures' noise out.
        const auto level =
            static_cast<std::int16_t>(std::max(most_behind, most_before) + 16 * 16);
        const auto least = static_cast<std::int16_t>((level >> 5) + (level >> 7) +
                                                     (slopes >> 1) + (slopes >> 2));
        const bool stands_out = up + down > least;
        steps[i] = static_cast<std::int16_t>(stands_out ? up - down : 0);
    }
}

// The rows and columns between the outermost lit pixels of each.
struct Region {
    const std::int16_t *row_first, *row_last, *column_first, *column_last;

    bool is_within(int x, int y, int margin) const {
        return x - row_first[y] >= margin && row_last[y] - x >= margin &&
               y - column_first[x] >= margin && column_last[x] - y >= margin;
    }
};

void find_region(const std::uint8_t* component, Picture size, std::int16_t* row_first,
                 std::int16_t* row_last, std::int16_t* column_first, std::int16_t* column_last) {
    std::fill(column_first, column_first + size.width, static_cast<std::int16_t>(size.height));
    std::fill(column_last, column_last + size.width, std::int16_t{-1});
    for (int y = 0; y < size.height; ++y) {
        const std::uint8_t* row = component + std::ptrdiff_t{y} * size.width;
        int first = 0, last = size.width - 1;
        while (first < size.width && row[first] == 0) ++first;
        while (last > first && row[last] == 0) --last;
        row_first[y] = static_cast<std::int16_t>(first);
        row_last[y] = static_cast<std::int16_t>(first < size.width ? last : -1);
        const auto here = static_cast<std::int16_t>(y);
        for (int x = 0; x < size.width; ++x) {
            column_first[x] = row[x] != 0 ? std::min(column_first[x], here) : column_first[x];
            column_last[x] = row[x] != 0 ? here : column_last[x];
        }
    }
}

// Where the brighter side lies, from the pixels round about.
EdgePixel edge_pixel(const std::int16_t* at, int width, int x, int y) {
    int across = 0, down = 0;
    for (const int along : {-2, 0, 2}) {
        for (const int away : {2, 4}) {
            across += at[along * width + away] - at[along * width - away];
            down += at[away * width + along] - at[-away * width + along];
        }
    }
    const auto u = static_cast<float>(across), v = static_cast<float>(down);
    const float length = std::sqrt(u * u + v * v);
    const float scale = length > 0 ? 1 / length : 0;
    return {static_cast<float>(x), static_cast<float>(y), u * scale, v * scale};
}

// The pixels of edges, one across each; kMostPixels at most.
std::size_t collect(const std::int16_t* smoothed, const std::int16_t* across,
                    const std::int16_t* down, const Region& region, int margin, Picture size,
                    EdgePixel* pixels) {
    const int width = size.width;
    std::size_t found = 0;
    for (int y = kBorder; y < size.height - kBorder; ++y) {
        const int begin = std::max(region.row_first[y] + margin, kBorder);
        const int end = std::min(region.row_last[y] - margin + 1, width - kBorder);
        for (int x = begin; x < end; ++x) {
            const std::ptrdiff_t at = std::ptrdiff_t{y} * width + x;
            if ((across[at] | down[at]) == 0 || !region.is_within(x, y, margin)) continue;
            const int a = std::abs(across[at]), b = std::abs(down[at]);
            const bool is_strongest =
                a >= b ? a >= std::abs(across[at - 1]) && a > std::abs(across[at + 1])
                       : b >= std::abs(down[at - width]) && b > std::abs(down[at + width]);
            if (!is_strongest) continue;
            if (found == kMostPixels) return found;
            pixels[found++] = edge_pixel(smoothed + at, width, x, y);
        }
    }
    return found;
}

// The largest sum of three counts next to each other.
int most_in_three(const std::uint16_t* counts, int size) {
    std::int16_t most = 0;
    for (int i = 0; i + 3 <= size; ++i) {
        most = std::max(most, static_cast<std::int16_t>(counts[i] + counts[i + 1] + counts[i + 2]));
    }
    return most;
}

// The most pixels that lie on one circle with all its bright side in or out.
class Centres {
  public:
    explicit Centres(const Allocator& allocator) : cells_(allocator), rows_(allocator) {}

    bool allocate(Picture size) {
        size_ = size;
        columns_ = 2 * size.width / kCell + 1;
        lines_ = 2 * size.height / kCell + 1;
        return cells_.allocate(static_cast<std::size_t>(columns_) *
                               static_cast<std::size_t>(lines_)) &&
               rows_.allocate(static_cast<std::size_t>(columns_));
    }

    // own, reach: circles round about the disc's centre are its own edge.
    int most(const EdgePixel* pixels, std::size_t count, float radius, const Disc& own,
             float reach) {
        std::fill(cells_.begin(), cells_.end(), std::uint16_t{0});
        const float half_width = 0.5f * static_cast<float>(size_.width);
        const float half_height = 0.5f * static_cast<float>(size_.height);
        for (std::size_t i = 0; i < count; ++i) {
            const EdgePixel& pixel = pixels[i];
            const float x = pixel.x + radius * pixel.toward_x;
            const float y = pixel.y + radius * pixel.toward_y;
            const float u = x - own.center_x, v = y - own.center_y;
            if (u * u + v * v < reach * reach) continue;
            const int column = static_cast<int>((x + half_width) * (1.0f / kCell));
            const int line = static_cast<int>((y + half_height) * (1.0f / kCell));
            if (x < -half_width || y < -half_height || column >= columns_ || line >= lines_) {
                continue;
            }
            ++cells_[static_cast<std::size_t>(line * columns_ + column)];
        }
        // Of 3 x 3 cells.
        int most = 0;
        for (int line = 1; line + 1 < lines_; ++line) {
            const std::uint16_t* here = cells_.data() + std::ptrdiff_t{line} * columns_;
            const std::uint16_t *above = here - columns_, *below = here + columns_;
            std::uint16_t* sums = rows_.data();
            for (int i = 0; i < columns_; ++i) {
                sums[i] = static_cast<std::uint16_t>(above[i] + here[i] + below[i]);
            }
            most = std::max(most, most_in_three(sums, columns_));
        }
        return most;
    }

  private:
    Picture size_ = {};
    int columns_ = 0, lines_ = 0;
    Buffer<std::uint16_t> cells_, rows_;
};

// The most pixels in a line three wide, across which u, v points, that have their brighter side
// there, or on either side. counts: room for twice the longer side.
int most_in_line(const EdgePixel* pixels, std::size_t count, Picture size, float u, float v,
                 bool either_side, std::uint16_t* counts) {
    constexpr float kStraight = 0.98f;
    const int lines = size.width + size.height;
    std::fill(counts, counts + lines, std::uint16_t{0});
    const auto first = static_cast<float>((u < 0 ? size.width : 0) + (v < 0 ? size.height : 0));
    for (std::size_t i = 0; i < count; ++i) {
        const EdgePixel& pixel = pixels[i];
        float along = pixel.toward_x * u + pixel.toward_y * v;
        if (either_side) along = std::abs(along);
        if (along < kStraight) continue;
        ++counts[static_cast<int>(pixel.x * u + pixel.y * v + first)];
    }
    return most_in_three(counts, lines);
}

// The longest line along rows or columns, or kSlanted of the longest at any slant. Where two photos
// meet the brighter side may change along the line. pixels: with room for as many behind
// kMostPixels; counts: as above.
float longest_line(EdgePixel* pixels, std::size_t count, Picture size, std::uint16_t* counts) {
    constexpr int kUpright = 4, kSlants = 64, kTogether = 4;
    constexpr float kNear = 0.94f;  // 8.4 degrees, to the last slant of four, from kStraight
    // Wide vessels run straight at a slant, seldom upright or level.
    constexpr float kSlanted = 0.625f;
    constexpr float kTurnCosine = 0.99879546f, kTurnSine = 0.04906767f;  // of half a turn / kSlants
    float longest = 0, u = 1, v = 0;
    EdgePixel* near = pixels + kMostPixels;
    std::size_t found = 0;
    for (int i = 0; i < kUpright + kSlants; ++i) {
        const bool upright = i < kUpright;
        if (i % kTogether == 0) {
            const float least = upright ? -1.0f : kNear;
            found = 0;
            for (std::size_t k = 0; k < count; ++k) {
                near[found] = pixels[k];
                found += std::abs(pixels[k].toward_x * u + pixels[k].toward_y * v) > least;
            }
        }
        const int most = most_in_line(near, found, size, u, v, !upright, counts);
        // A line has a pixel a row or a column, whichever are more.
        const float part = upright ? 1.0f : kSlanted / std::max(std::abs(u), std::abs(v));
        longest = std::max(longest, static_cast<float>(most) * part);
        const float cosine = upright ? 0.0f : kTurnCosine, sine = upright ? 1.0f : kTurnSine;
        const float turned = u * cosine - v * sine;
        v = v * cosine + u * sine;
        u = turned;
    }
    return longest;
}

}  // namespace

Status measure_inner_edges(const ImageView& picture, const Disc& disc,
                           const std::uint8_t* component, const Allocator& allocator,
                           InnerEdges* edges) {
    *edges = InnerEdges{};
    const Picture size = {picture.width, picture.height};
    if (size.width <= 2 * kBorder || size.height <= 2 * kBorder) return Status::kOk;
    const auto columns = static_cast<std::size_t>(size.width);
    const auto rows = static_cast<std::size_t>(size.height);
    Buffer<std::int16_t> smoothed(allocator), steps(allocator), ends(allocator);
    Buffer<std::uint16_t> counts(allocator);
    Buffer<EdgePixel> pixels(allocator);
    Centres centres(allocator);
    if (!smoothed.allocate(size.count()) || !steps.allocate(2 * size.count()) ||
        !ends.allocate(2 * rows + 3 * columns) || !pixels.allocate(2 * kMostPixels) ||
        !counts.allocate(2 * std::max(columns, rows)) || !centres.allocate(size)) {
        return Status::kOutOfMemory;
    }
    std::int16_t *row_first = ends.data(), *row_last = row_first + rows;
    std::int16_t *column_first = row_last + rows, *column_last = column_first + columns;
    find_region(component, size, row_first, row_last, column_first, column_last);
    const Region region = {row_first, row_last, column_first, column_last};
    std::size_t lit = 0;
    for (std::size_t i = 0; i < size.count(); ++i) lit += component[i];
    constexpr float kPi = 3.14159265f;
    const float radius = std::sqrt(static_cast<float>(lit) / kPi) + 1;
    const int margin = std::max(static_cast<int>(kRim * radius), kReach);

    std::int16_t *across = steps.data(), *down = across + size.count();
    std::fill(steps.begin(), steps.end(), std::int16_t{0});
    for (int channel = 0; channel < 2; ++channel) {
        smooth(picture, channel, column_last + columns, smoothed.data());
        const int inner = size.width - 2 * kBorder;
        for (int y = kBorder; y < size.height - kBorder; ++y) {
            const std::ptrdiff_t at = std::ptrdiff_t{y} * size.width + kBorder;
            find_steps(smoothed.data() + at, 1, inner, across + at);
            find_steps(smoothed.data() + at, size.width, inner, down + at);
        }
        const std::size_t found =
            collect(smoothed.data(), across, down, region, margin, size, pixels.data());
        int arc = 0;
        for (const float part : kRadius) {
            const float reach = part > 0.7f ? 0.25f * radius : 0.0f;
            for (const float side : {-1.0f, 1.0f}) {
                arc = std::max(arc, centres.most(pixels.data(), found, side * part * radius, disc,
                                                 reach));
            }
        }
        edges->arc[channel] = static_cast<float>(arc) / radius;
        edges->line[channel] =
            longest_line(pixels.data(), found, size, counts.data()) / radius;
    }
    return Status::kOk;
}

}  // namespace fovea::preprocess
