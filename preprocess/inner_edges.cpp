// SPDX-License-Identifier: Apache-2.0
#include "preprocess/inner_edges.h"

#include <algorithm>
#include <cmath>

#include "preprocess/edge_arcs.h"
#include "preprocess/edge_lines.h"
#include "preprocess/edge_pixels.h"
#include "preprocess/edge_steps.h"

namespace fovea::preprocess {

Status measure_inner_edges(const ImageView& picture, const Disc& disc,
                           const std::uint8_t* component, const Allocator& allocator,
                           InnerEdges* edges) {
    *edges = InnerEdges{};
    const FrameSize size = {picture.width, picture.height};
    if (size.width <= 2 * kEdgeBorder || size.height <= 2 * kEdgeBorder) return Status::kOk;
    const auto columns = static_cast<std::size_t>(size.width);
    const auto rows = static_cast<std::size_t>(size.height);
    Buffer<std::int16_t> smoothed(allocator), steps(allocator), ends(allocator), row_sums(allocator);
    Buffer<std::uint16_t> counts(allocator);
    Buffer<EdgePixel> pixels(allocator);
    if (!smoothed.allocate(size.count()) || !steps.allocate(2 * size.count()) ||
        !ends.allocate(2 * rows + 2 * columns) || !row_sums.allocate(columns) ||
        !pixels.allocate(2 * kMostEdgePixels) ||
        !counts.allocate(std::max(arc_counts(size), line_counts(size)))) {
        return Status::kOutOfMemory;
    }
    const LitRegion region = find_region(component, size, ends.data());
    std::size_t lit = 0;
    for (std::size_t i = 0; i < size.count(); ++i) lit += component[i];
    constexpr float kPi = 3.14159265f;
    constexpr float kRim = 0.12f;  // of the radius, where the disc's own edge is
    const float radius = std::sqrt(static_cast<float>(lit) / kPi) + 1;
    const int margin = std::max(static_cast<int>(kRim * radius), kEdgeReach);

    std::int16_t *across = steps.data(), *down = across + size.count();
    std::fill(steps.begin(), steps.end(), std::int16_t{0});
    for (int channel = 0; channel < 2; ++channel) {
        measure_steps(picture, channel, row_sums.data(), smoothed.data(), across, down);
        const std::size_t found = collect_edge_pixels(smoothed.data(), across, down, region, margin, size, pixels.data());
        edges->arc[channel] = static_cast<float>(longest_arc(pixels.data(), found, size, radius, disc, counts.data())) / radius;
        edges->line[channel] = longest_line(pixels.data(), found, size, counts.data()) / radius;
    }
    return Status::kOk;
}

}  // namespace fovea::preprocess
