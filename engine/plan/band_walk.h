// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/plan/plan.h"

namespace fovea {

// The order in which a streamed segment makes its rows: what the executor follows, and the planner
// to see how many rows of each value are needed at once.
//
// A band is the next few rows of the segment's last value. Each step before it goes just as far as
// the steps after it need for that, from where it stopped in the band before:
//
//   BandWalk walk(plan, segment, begin, end);
//   while (walk.next_band()) {
//       // for each step i in order: rows [walk.done(i), walk.target(i)) of its output
//   }
//
// [begin, end) are rows of the last value. The rows above `begin` that the first band needs of the
// values before it are made too, so that threads can each take a range of rows.
class BandWalk {
  public:
    BandWalk(const Plan& plan, const Segment& segment, std::uint64_t begin, std::uint64_t end)
        : plan_(plan), segment_(segment), end_(end) {
        const std::uint32_t last = segment.step_count - 1;
        std::fill_n(target_, last, std::uint64_t{kMaxValueElements});  // needed by nobody yet
        target_[last] = begin;
        for (std::uint32_t i = last + 1; i-- > 0;) {
            if (ends_beside_last(i)) target_[i] = begin;
            const RowMap& rows = step(i).rows;
            for_each_producer(i, [&](std::uint32_t p) {
                target_[p] = std::min(target_[p], rows.first(target_[i]));
            });
        }
        std::copy_n(target_, segment.step_count, done_);
    }

    // Sets the targets of the next band; false when there is none.
    bool next_band() {
        const std::uint32_t last = segment_.step_count - 1;
        std::copy_n(target_, segment_.step_count, done_);
        if (done_[last] >= end_) return false;
        target_[last] = std::min(done_[last] + segment_.band, end_);
        for (std::uint32_t i = last + 1; i-- > 0;) {
            if (ends_beside_last(i)) target_[i] = target_[last];
            const RowMap& rows = step(i).rows;
            for_each_producer(i, [&](std::uint32_t p) {
                target_[p] = std::max(target_[p], rows.end(target_[i]));
            });
        }
        return true;
    }

    // Rows of step i's output (i counted from the segment's first) before and after this band.
    std::uint64_t done(std::uint32_t i) const { return done_[i]; }
    std::uint64_t target(std::uint32_t i) const { return target_[i]; }

    // visit(p) for each step p of the segment whose output step i reads row by row.
    template <typename Visit>
    void for_each_producer(std::uint32_t i, const Visit& visit) const {
        const Step& s = step(i);
        for (std::uint32_t k = 0; k < s.operand_count; ++k) {
            const std::uint32_t producer = plan_.producers[s.first_operand + k];
            if (producer != kNone) visit(producer - segment_.first_step);
        }
    }

  private:
    // They come last, and two of them read the same map.
    bool ends_beside_last(std::uint32_t i) const { return step(i).sums_rows; }
    const Step& step(std::uint32_t i) const { return plan_.steps[segment_.first_step + i]; }

    const Plan& plan_;
    const Segment& segment_;
    const std::uint64_t end_;
    std::uint64_t done_[kMaxSegmentSteps];
    std::uint64_t target_[kMaxSegmentSteps];
};

}  // namespace fovea
