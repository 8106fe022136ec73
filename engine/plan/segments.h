// SPDX-License-Identifier: Apache-2.0
// The middle of planning: which steps run band by band, in bands of how many rows, and which values
// need rings of how many rows for that.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/plan/band_walk.h"
#include "engine/plan/plan.h"
#include "engine/range.h"

namespace fovea {

// Caches that bands are made for. Constants, not what this CPU has: a plan, and so the workspace
// that a caller sets aside, is the same everywhere. These are what most phones since 2017 have.
inline constexpr std::uint64_t kNearCache = 32 * 1024;
inline constexpr std::uint64_t kFarCache = 512 * 1024;

// What running a streamed segment costs beside its arithmetic, in cycles of a core that does 16
// multiply-adds in one: a model that orders band heights, not a prediction of times.
struct SegmentCost {
    std::uint64_t far_bytes = 0;    // read or written beyond kFarCache
    std::uint64_t near_bytes = 0;   // beyond kNearCache
    std::uint64_t calls = 0;        // a step's turns
    std::uint64_t wasted_work = 0;  // multiply-adds that a turn's last tile has room for

    // 8 and 32 bytes a cycle, what a kernel's start takes, and a tile that is not full, whose
    // smaller variants save 50 % of what is missing.
    std::uint64_t cycles() const {
        return far_bytes / 8 + near_bytes / 32 + calls * 400 + wasted_work / 32;
    }
};

// Which numbers of bands are tried for a thread's share of so many rows: from the most to one.
inline constexpr std::uint64_t kMostBands = 64;  // planning takes time too
inline std::uint64_t fewer_bands(std::uint64_t bands) {
    return bands - (bands + 3) / 4;
}

// The cost of one thread's part of a streamed segment whose rings are set.
SegmentCost segment_cost(const Plan& plan, const Segment& segment);

// Fills a plan's segments, producers, rings and last uses, and says which steps overwrite an operand; the
// plan's steps must be there.
class SegmentBuilder {
  public:
    SegmentBuilder(const Graph& graph, const PlanRequest& request,
                   const Allocator& allocator, Plan* plan)
        : graph_(graph),
          request_(request),
          plan_(*plan),
          segment_of_(allocator),
          starts_segment_(allocator),
          last_writer_(allocator),
          first_writer_(allocator),
          counted_in_(allocator),
          options_(allocator),
          option_counts_(allocator) {}

    // FOVEA_ERROR_OUT_OF_MEMORY or, where the caller wishes to stop, FOVEA_ERROR_CANCELLED.
    [[nodiscard]] fovea_status build();

  private:
    static constexpr std::size_t kMostPlaces = 12;   // where a run may be cut, its ends included
    static constexpr std::size_t kMostOptions = 16;  // band heights that are tried
    enum class Exactness { kRough, kExact };
    struct Option {
        std::uint32_t band;  // 0 = whole tensors
        std::uint64_t cycles, bytes;
    };
    struct Choice {
        std::size_t to;  // place
        std::uint32_t band;
    };

    const Step& step(std::uint32_t s) const { return plan_.steps[s]; }
    std::uint32_t step_count() const { return static_cast<std::uint32_t>(plan_.step_count); }
    std::uint32_t operand(const Step& step, std::uint32_t i) const { return plan_.operand(step, i); }
    std::uint32_t last_use(std::uint32_t value) const { return plan_.values[plan_.root(value)].last_use; }

    const Step& last_step(const Segment& segment) const {
        return plan_.steps[segment.first_step + segment.step_count - 1];
    }

    void find_uses();
    bool reads_rows(const Step& step, std::uint32_t i) const;
    void find_first_cuts();
    bool pools_rows_of(std::uint32_t s, std::uint32_t writer) const;
    bool overwrites_any(const Segment& segment, std::uint32_t value) const;
    bool only_joins(const Step& step, std::uint32_t value) const;
    bool is_stored_whole(const Segment& segment, const Step& step) const;
    void number_segments();
    bool cut_where_whole();
    bool is_bottleneck(std::uint32_t first, std::uint32_t s, std::uint32_t end) const;
    void add_run(std::uint32_t first, std::uint32_t end);
    void add_segment(std::uint32_t first, std::uint32_t end, std::uint32_t band);
    Segment prepare(std::uint32_t first, std::uint32_t end);
    std::size_t list_options(std::uint32_t first, std::uint32_t end, std::uint32_t run_end,
                             Option* options);
    std::uint64_t cheapest(std::size_t places, std::uint64_t limit, Choice* choices) const;
    std::uint64_t bytes_beside_rings(const Segment& segment, std::uint32_t run_end);
    void set_producers(const Segment& segment);
    bool finds_slices(const Step& step) const;
    void note_slices(const Segment& segment, const BandWalk& walk, std::uint32_t p, std::uint64_t first, std::uint64_t* most) const;
    void count_live_rows(const Segment& segment, const Range& range, int skipped, std::uint64_t* most) const;
    void set_rings(const Segment& segment, Exactness exactness);
    std::uint64_t work_with_repetitions(const Segment& segment) const;
    std::uint32_t overwritable(const Segment& segment, std::uint32_t index) const;

    const Graph& graph_;
    const PlanRequest& request_;
    Plan& plan_;
    Buffer<std::uint32_t> segment_of_;     // by step
    Buffer<std::uint8_t> starts_segment_;  // by step
    Buffer<std::uint32_t> last_writer_;    // by value: step, or kNone
    Buffer<std::uint32_t> first_writer_;   // by root value: step, of it or the first of its slices; or kNone
    Buffer<std::uint32_t> counted_in_;     // by root value: the last count_ that it was counted in
    std::uint32_t count_ = 0;
    // By place where a segment begins and place where it ends:
    Buffer<Option> options_;
    Buffer<std::size_t> option_counts_;
};

}  // namespace fovea
