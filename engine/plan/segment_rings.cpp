// SPDX-License-Identifier: Apache-2.0
// How many rows of each value a streamed segment keeps: the part of SegmentBuilder that walks through
// the bands.
#include <algorithm>
#include <cstdint>

#include "engine/align.h"
#include "engine/plan/segment_measures.h"
#include "engine/plan/segments.h"

namespace fovea {
namespace {

bool has_windows(const Plan& plan, const Segment& segment) {
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        if (!plan.steps[segment.first_step + i].rows.is_identity()) return true;
    }
    return false;
}

}  // namespace

void SegmentBuilder::set_producers(const Segment& segment) {
    for (std::uint32_t s = segment.first_step; s < segment.first_step + segment.step_count; ++s) {
        for (std::uint32_t i = 0; i < step(s).operand_count; ++i) {
            std::uint32_t& producer = plan_.producers[step(s).first_operand + i];
            producer = kNone;
            if (!reads_rows(step(s), i)) continue;
            // What changes a value where it lies comes right after what makes it.
            const std::uint32_t value = operand(step(s), i);
            std::uint32_t writer = last_writer_[value];
            if (writer == s) writer = s > 0 && step(s - 1).output == value ? s - 1 : kNone;
            if (writer != kNone && writer >= segment.first_step && writer < s) producer = writer;
        }
    }
}

// Every row that a segment makes, each thread its own, in multiply-adds: what two make counts
// twice.
std::uint64_t SegmentBuilder::work_with_repetitions(const Segment& segment) const {
    const std::uint64_t rows = last_step(segment).output_shape.height;
    std::uint64_t work = 0;
    for (std::uint32_t thread = 0; thread < segment.threads; ++thread) {
        const Range range = share_of(rows, 1, thread, segment.threads);
        Segment whole = segment;
        whole.band = static_cast<std::uint32_t>(rows);
        BandWalk walk(plan_, whole, range.begin, range.end);
        walk.next_band();
        for (std::uint32_t i = 0; i < segment.step_count; ++i) {
            const Step& current = step(segment.first_step + i);
            work +=
                step_work(current) / current.output_shape.height * (walk.target(i) - walk.done(i));
        }
    }
    return work;
}

// Notes that rows from `first` on are needed of the slices that step p of the segment found in their places.
void SegmentBuilder::note_slices(const Segment& segment, const BandWalk& walk, std::uint32_t p, std::uint64_t first,
                                 std::uint64_t* most) const {
    const Step& made = step(segment.first_step + p);
    for (std::uint32_t i = 0; i < made.operand_count; ++i) {
        const std::uint32_t producer = plan_.producers[made.first_operand + i];
        if (producer == kNone || (made.joins && !only_joins(made, operand(made, i)))) continue;
        const std::uint32_t part = producer - segment.first_step;
        if (walk.target(part) > first) most[part] = std::max(most[part], walk.target(part) - first);
        if (finds_slices(step(producer))) note_slices(segment, walk, part, first, most);
    }
}

// Whether a part of what the step makes lay there before, or may have.
bool SegmentBuilder::finds_slices(const Step& step) const {
    return step.joins || is_in_place(plan_, step);
}

// Follows a segment's bands and notes how many rows of each step's output are needed at once,
// leaving out the first `skipped` bands.
void SegmentBuilder::count_live_rows(const Segment& segment, const Range& range, int skipped,
                            std::uint64_t* most) const {
    BandWalk walk(plan_, segment, range.begin, range.end);
    while (walk.next_band()) {
        if (skipped-- > 0) continue;
        for (std::uint32_t i = 0; i < segment.step_count; ++i) {
            const RowMap& map = step(segment.first_step + i).rows;
            walk.for_each_producer(i, [&](std::uint32_t p) {
                const std::uint64_t first = map.first(walk.done(i));
                if (walk.target(p) > first) most[p] = std::max(most[p], walk.target(p) - first);
                if (finds_slices(step(segment.first_step + p))) note_slices(segment, walk, p, first, most);
            });
        }
    }
}

// What is needed after the segment, or had slices before it.
bool SegmentBuilder::is_stored_whole(const Segment& segment, const Step& step) const {
    const std::uint32_t root = plan_.root(step.output);
    return last_use(root) >= segment.first_step + segment.step_count || first_writer_[root] < segment.first_step;
}

// Whether the value takes the storage of another one: the step that first writes it does, steps
// that then change it where it lies do not.
bool SegmentBuilder::overwrites_any(const Segment& segment, std::uint32_t value) const {
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        const Step& writer = step(segment.first_step + i);
        if (writer.output == value && writer.overwrites != kNone) return true;
    }
    return false;
}

// As many rows as are needed at once of each value that stays in the segment. Roughly: from a few
// bands in the middle, which is enough to compare band heights.
void SegmentBuilder::set_rings(const Segment& segment, Exactness exactness) {
    std::uint64_t most[kMaxSegmentSteps] = {};
    const std::uint64_t rows = last_step(segment).output_shape.height;
    const std::uint64_t sample = std::uint64_t{segment.band} * 3;
    if (exactness == Exactness::kRough && rows / segment.threads > 2 * sample) {
        // A walk that begins in the middle has made no rows yet; its second band is like all
        // others.
        const std::uint64_t middle = rows / 2 / segment.band * segment.band;
        count_live_rows(segment, {middle, middle + sample}, 1, most);
    } else {
        for (std::uint32_t thread = 0; thread < segment.threads; ++thread) {
            count_live_rows(segment, share_of(rows, 1, thread, segment.threads), 0, most);
        }
    }
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        plan_.values[plan_.root(step(segment.first_step + i).output)].ring_rows = 0;
    }
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        const Step& current = step(segment.first_step + i);
        if (is_stored_whole(segment, current) || overwrites_any(segment, current.output)) continue;
        Value& value = plan_.values[plan_.root(current.output)];
        value.ring_rows = static_cast<std::uint32_t>(
            std::max({most[i], std::uint64_t{value.ring_rows}, std::uint64_t{1}}));
        value.thread_bytes = align_up(value.ring_rows * value.row_bytes());
    }
}

// The value whose storage the step may write its result over, or kNone: one that the kernel's
// contract lets the output be equal to, that dies here, and that nothing else in the segment reads.
std::uint32_t SegmentBuilder::overwritable(const Segment& segment, std::uint32_t index) const {
    const Step& current = step(index);
    std::uint32_t candidate = kNone;
    for (std::uint32_t i = 0; i < current.operand_count; ++i) {
        const bool whole = !plan_.values[operand(current, i)].is_slice();
        if (whole && i < 32 && (current.may_overwrite >> i & 1) != 0) candidate = plan_.root(operand(current, i));
    }
    if (candidate == kNone || last_use(candidate) != index || plan_.values[current.output].is_slice()) return kNone;
    std::uint32_t readings = 0;  // through another operand it would be read after it was overwritten
    for (std::uint32_t i = 0; i < current.operand_count; ++i) {
        readings += plan_.root(operand(current, i)) == candidate ? 1 : 0;
    }
    if (readings > 1) return kNone;
    const std::uint32_t end = segment.first_step + segment.step_count;
    for (std::uint32_t s = segment.first_step; s < end; ++s) {
        if (plan_.root(step(s).output) == candidate) return kNone;  // a ring, or written where it lies
        for (std::uint32_t i = 0; s != index && i < step(s).operand_count; ++i) {
            if (plan_.root(operand(step(s), i)) == candidate) return kNone;
        }
    }
    // Before the last step, rows may be made by two threads, the second of which would find them
    // overwritten.
    const bool once = index + 1 == end || segment.threads == 1 || !has_windows(plan_, segment);
    return once ? candidate : kNone;
}

// Everything but rings that is needed at once while the segment runs, of what its run of steps,
// which ends before run_end, reads and makes.
std::uint64_t SegmentBuilder::bytes_beside_rings(const Segment& segment, std::uint32_t run_end) {
    std::uint64_t bytes = 0;
    ++count_;
    for (std::uint32_t s = segment.first_step; s < segment.first_step + segment.step_count; ++s) {
        if (is_in_place(plan_, step(s)) || step(s).overwrites != kNone || !is_stored_whole(segment, step(s))) continue;
        const std::uint32_t root = plan_.root(step(s).output);
        if (counted_in_[root] != count_) bytes += plan_.values[root].bytes();
        counted_in_[root] = count_;  // its slices are counted with it
    }
    // Values made before it that it or a later step reads, each once.
    for (std::uint32_t s = segment.first_step; s < run_end; ++s) {
        const bool reads = !step(s).reads_caller_input && !is_in_place(plan_, step(s));
        for (std::uint32_t i = 0; i < step(s).operand_count && reads; ++i) {
            const std::uint32_t value = plan_.root(operand(step(s), i));
            if (counted_in_[value] != count_) bytes += plan_.values[value].bytes();
        }
        for (std::uint32_t i = 0; i < step(s).operand_count; ++i) {
            counted_in_[plan_.root(operand(step(s), i))] = count_;
        }
        counted_in_[plan_.root(step(s).output)] = count_;
    }
    return bytes;
}

}  // namespace fovea
