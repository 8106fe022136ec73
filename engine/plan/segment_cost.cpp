// SPDX-License-Identifier: Apache-2.0
// What a segment costs with its band: the model that segments.cpp chooses by.
#include <algorithm>
#include <cstdint>

#include "engine/plan/segment_measures.h"
#include "engine/plan/segments.h"

namespace fovea {
namespace {

// How far that many pixels are from filling tiles of `tile` pixels.
std::uint64_t missing(std::uint64_t pixels, std::uint64_t tile) {
    return (tile - pixels % tile) % tile;
}

// Twice what a turn of so many pixels leaves empty in the last register tile of a kernel: a plan is the same for all CPUs.
std::uint64_t twice_empty(const Step& step, std::uint64_t pixels) {
    return missing(pixels, step.tile_pixels[0]) + missing(pixels, step.tile_pixels[1]);
}

}  // namespace

SegmentCost segment_cost(const Plan& plan, const Segment& segment) {
    const std::uint64_t rows =
        plan.steps[segment.first_step + segment.step_count - 1].output_shape.height;
    const std::uint64_t share = (rows + segment.threads - 1) / segment.threads;
    const std::uint64_t bands = (share + segment.band - 1) / segment.band;
    std::uint64_t weights = 0;
    std::uint64_t again = 0;        // weights that each turn brings near once more
    std::uint64_t remade = 0;       // and those that it makes
    std::uint64_t wasted_work = 0;  // in the last tile of a turn
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        const Step& step = plan.steps[segment.first_step + i];
        weights += step.weight_bytes;
        if (step.weight_bytes > kNearCache) again += step.weight_bytes * bands;
        // Those that are converted or gated are made anew for each band: written, and read back.
        if (step.scratch_bytes != 0) remade += 2 * step.kernel_weight_bytes * bands;
        if (step.tile_pixels[0] == 0) continue;
        const std::uint64_t all = step.output_shape.pixels() / segment.threads;
        const std::uint64_t turn = std::min(all, all * segment.band / share);
        const std::uint64_t empty =
            (bands - 1) * twice_empty(step, turn) + twice_empty(step, all - turn * (bands - 1));
        wasted_work += empty * (step.multiply_adds / step.output_shape.pixels()) / 2;
    }
    const bool stays = weights + ring_bytes(plan, segment) <= kFarCache;
    SegmentCost cost;
    // Weights come in long runs that a core fetches ahead.
    cost.near_bytes = again / 4 + remade;
    cost.calls = bands * segment.step_count;
    cost.wasted_work = wasted_work;
    cost.far_bytes = stays ? weights : weights * bands;
    for (std::uint32_t i = 0; i + 1 < segment.step_count; ++i) {
        const Step& step = plan.steps[segment.first_step + i];
        if (plan.values[step.output].is_slice()) continue;  // counted where all are joined
        const Step& next = plan.steps[segment.first_step + i + 1];
        const std::uint64_t row = plan.values[step.output].row_bytes();
        const std::uint64_t all = row * step.output_shape.height / segment.threads;
        const std::uint64_t band = (all + bands - 1) / bands;
        const std::uint64_t ring = ring_bytes(plan.values[step.output]);
        const std::uint64_t next_band = plan.values[next.output].bytes() / segment.threads / bands;
        if (band + next.weight_bytes + next_band > kFarCache) {
            cost.far_bytes += 2 * all;
        } else if (!stays && ring > band) {
            cost.far_bytes += (ring - band) * bands;  // what the next band finds again
        }
        if (band + next_band > kNearCache) cost.near_bytes += 2 * all;
    }
    return cost;
}

}  // namespace fovea
