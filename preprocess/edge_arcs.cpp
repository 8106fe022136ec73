// SPDX-License-Identifier: Apache-2.0
#include "preprocess/edge_arcs.h"

#include <algorithm>

#include "preprocess/edge_counts.h"

namespace fovea::preprocess {
namespace {

constexpr float kRadius[] = {0.25f, 0.31f, 0.38f, 0.46f, 0.55f, 0.66f, 0.78f, 0.9f, 1.04f, 1.2f};

// Of the centres that edges point to: those of the frame and of half its width and height round about.
struct Cells {
    static constexpr int kSide = 4;  // pixels
    int columns, lines;

    explicit Cells(FrameSize size) : columns(2 * size.width / kSide + 1), lines(2 * size.height / kSide + 1) {}
    std::size_t count() const { return static_cast<std::size_t>(columns) * static_cast<std::size_t>(lines); }
};

// reach: circles round about the disc's centre are its own edge. sums: room for a line of cells.
int most_on_circle(const EdgePixel* pixels, std::size_t count, FrameSize size, const Cells& cells, float radius, const Disc& own,
                   float reach, std::uint16_t* counts, std::uint16_t* sums) {
    std::fill(counts, counts + cells.count(), std::uint16_t{0});
    const float half_width = 0.5f * static_cast<float>(size.width);
    const float half_height = 0.5f * static_cast<float>(size.height);
    for (std::size_t i = 0; i < count; ++i) {
        const EdgePixel& pixel = pixels[i];
        const float x = pixel.x + radius * pixel.toward_x;
        const float y = pixel.y + radius * pixel.toward_y;
        const float u = x - own.center_x, v = y - own.center_y;
        if (u * u + v * v < reach * reach) continue;
        const int column = static_cast<int>((x + half_width) * (1.0f / Cells::kSide));
        const int line = static_cast<int>((y + half_height) * (1.0f / Cells::kSide));
        if (x < -half_width || y < -half_height || column >= cells.columns || line >= cells.lines) {
            continue;
        }
        ++counts[line * cells.columns + column];
    }
    // Of 3 x 3 cells.
    int most = 0;
    for (int line = 1; line + 1 < cells.lines; ++line) {
        const std::uint16_t* here = counts + std::ptrdiff_t{line} * cells.columns;
        const std::uint16_t *above = here - cells.columns, *below = here + cells.columns;
        for (int i = 0; i < cells.columns; ++i) {
            sums[i] = static_cast<std::uint16_t>(above[i] + here[i] + below[i]);
        }
        most = std::max(most, most_in_three(sums, cells.columns));
    }
    return most;
}

}  // namespace

std::size_t arc_counts(FrameSize size) {
    const Cells cells(size);
    return cells.count() + static_cast<std::size_t>(cells.columns);
}

int longest_arc(const EdgePixel* pixels, std::size_t count, FrameSize size, float radius, const Disc& own, std::uint16_t* counts) {
    const Cells cells(size);
    int arc = 0;
    for (const float part : kRadius) {
        const float reach = part > 0.7f ? 0.25f * radius : 0.0f;
        for (const float side : {-1.0f, 1.0f}) {
            arc = std::max(arc, most_on_circle(pixels, count, size, cells, side * part * radius, own, reach, counts,
                                               counts + cells.count()));
        }
    }
    return arc;
}

}  // namespace fovea::preprocess
