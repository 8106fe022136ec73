// SPDX-License-Identifier: Apache-2.0
// What a segment costs with its band: the model that segments.cpp chooses by.
#include <algorithm>
#include <cstdint>

#include "engine/segment_measures.h"
#include "engine/segments.h"
#include "engine/weight_parts.h"

namespace fovea {
namespace {

// Pixels of a pointwise kernel's register tile: 4 or 6.
constexpr std::uint64_t kTilePixels = 6;

std::uint64_t float_weight_bytes(const Step& step) {
    const std::uint64_t widening =
        step.half_weights != nullptr ? sizeof(float) / sizeof(std::uint16_t) : 1;
    return step.weight_bytes * widening;
}

// What a turn of so many pixels leaves empty in its last tile.
std::uint64_t empty_places(std::uint64_t pixels) {
    return (kTilePixels - pixels % kTilePixels) % kTilePixels;
}

}  // namespace

SegmentCost segment_cost(const Plan& plan, const Segment& segment) {
    const std::uint64_t rows =
        plan.steps[segment.first_step + segment.step_count - 1].output_shape.height;
    const std::uint64_t share = (rows + segment.threads - 1) / segment.threads;
    const std::uint64_t bands = (share + segment.band - 1) / segment.band;
    std::uint64_t weights = 0;
    std::uint64_t again = 0;        // weights that each turn brings near once more
    std::uint64_t wasted_work = 0;  // in the last tile of a turn
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        const Step& step = plan.steps[segment.first_step + i];
        weights += step.weight_bytes;
        if (step.weight_bytes > kNearCache) again += step.weight_bytes * bands;
        // Those that are widened or gated are made anew for each band: written, and read back.
        if (scratch_floats(step) != 0) again += 2 * float_weight_bytes(step) * bands;
        if (step.kind != StepKind::kPointwise) continue;
        const std::uint64_t all = step.output_shape.pixels() / segment.threads;
        const std::uint64_t turn = std::min(all, all * segment.band / share);
        const std::uint64_t empty =
            (bands - 1) * empty_places(turn) + empty_places(all - turn * (bands - 1));
        wasted_work += empty * (step.multiply_adds / step.output_shape.pixels());
    }
    const bool stays = weights + ring_bytes(plan, segment) <= kFarCache;
    SegmentCost cost;
    cost.near_bytes = again;
    cost.calls = bands * segment.step_count;
    cost.wasted_work = wasted_work;
    cost.far_bytes = stays ? weights : weights * bands;
    for (std::uint32_t i = 0; i + 1 < segment.step_count; ++i) {
        const Step& step = plan.steps[segment.first_step + i];
        const Step& next = plan.steps[segment.first_step + i + 1];
        const std::uint64_t row = row_floats(step.output_shape) * sizeof(float);
        const std::uint64_t all = row * step.output_shape.height / segment.threads;
        const std::uint64_t band = (all + bands - 1) / bands;
        const std::uint64_t ring = plan.rings[step.output].thread_floats * sizeof(float);
        const std::uint64_t next_band = row_floats(next.output_shape) * sizeof(float) *
                                        next.output_shape.height / segment.threads / bands;
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
