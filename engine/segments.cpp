// SPDX-License-Identifier: Apache-2.0
#include "engine/segments.h"

#include <algorithm>
#include <cstdint>

#include "engine/arena.h"
#include "engine/band_walk.h"
#include "engine/plan_steps.h"
#include "engine/threads.h"

namespace fovea {
namespace {

// A band may cost this part of the segment's arithmetic more than the best one if that saves memory.
constexpr std::uint64_t kTolerance = 100;

// Threads that make some rows twice are worth it up to this part of the work.
constexpr std::uint64_t kRepeatable = 8;

// More bands than this are not tried: planning takes time too.
constexpr std::uint64_t kMostBands = 64;

std::uint64_t row_floats(const Shape& shape) {
    return std::uint64_t{shape.width} * shape.channels;
}

bool is_in_place(const Plan& plan, const Step& step) {
    return step.operand_count == 1 && plan.operands[step.first_operand] == step.output;
}

bool has_windows(const Plan& plan, const Segment& segment) {
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        if (!plan.steps[segment.first_step + i].rows.is_identity()) return true;
    }
    return false;
}

std::uint64_t ring_bytes(const Plan& plan, const Segment& segment) {
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i + 1 < segment.step_count; ++i) {
        const Step& step = plan.steps[segment.first_step + i];
        if (!is_in_place(plan, step)) bytes += plan.rings[step.output].thread_floats * sizeof(float);
    }
    return bytes;
}

std::uint64_t segment_work(const Plan& plan, const Segment& segment) {
    std::uint64_t work = 0;
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        work += step_work(plan.steps[segment.first_step + i]);
    }
    return work;
}

}  // namespace

SegmentCost segment_cost(const Plan& plan, const Segment& segment) {
    const std::uint64_t rows =
        plan.steps[segment.first_step + segment.step_count - 1].output_shape.height;
    const std::uint64_t share = (rows + segment.threads - 1) / segment.threads;
    const std::uint64_t bands = (share + segment.band - 1) / segment.band;
    std::uint64_t weights = 0;
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        weights += plan.steps[segment.first_step + i].weight_bytes;
    }
    const bool stays = weights + ring_bytes(plan, segment) <= kFarCache;
    SegmentCost cost;
    cost.calls = bands * segment.step_count;
    cost.far_bytes = stays ? weights : weights * bands;
    for (std::uint32_t i = 0; i + 1 < segment.step_count; ++i) {
        const Step& step = plan.steps[segment.first_step + i];
        const Step& next = plan.steps[segment.first_step + i + 1];
        const std::uint64_t row = row_floats(step.output_shape) * sizeof(float);
        const std::uint64_t all = row * step.output_shape.height / segment.threads;
        const std::uint64_t band = (all + bands - 1) / bands;
        const std::uint64_t ring = plan.rings[step.output].thread_floats * sizeof(float);
        const std::uint64_t next_band =
            row_floats(next.output_shape) * sizeof(float) * next.output_shape.height / segment.threads / bands;
        if (band + next.weight_bytes + next_band > kFarCache) {
            cost.far_bytes += 2 * all;
        } else if (!stays && ring > band) {
            cost.far_bytes += (ring - band) * bands;  // what the next band finds again
        }
        if (band + next_band > kNearCache) cost.near_bytes += 2 * all;
    }
    return cost;
}

// What a step reads row by row; else one vector for all its pixels, or the caller's pixels.
bool SegmentBuilder::reads_rows(const Step& step, std::uint32_t i) const {
    if (step.reads_caller_input) return false;
    if (step.kind != StepKind::kBinary || i == 0) return true;
    return !plan_.shapes[operand(step, i)].is_vector() || step.output_shape.is_vector();
}

bool SegmentBuilder::is_streamable(const Step& step) const {
    switch (step.kind) {
        case StepKind::kDense:
        case StepKind::kGlobalPool:
        case StepKind::kSoftmax:
            return false;
        default:
            return step.output_shape.height > 1;
    }
}

// Runs of steps that make rows, as long as none needs the whole of what another one makes.
void SegmentBuilder::find_first_cuts() {
    std::uint32_t first = 0;
    for (std::uint32_t s = 0; s < step_count(); ++s) {
        const Step& current = step(s);
        bool cut = s == 0 || !is_streamable(current) || !is_streamable(step(s - 1));
        for (std::uint32_t i = 0; i < current.operand_count && !cut; ++i) {
            const std::uint32_t value = operand(current, i);
            const std::uint32_t origin = root_[value];
            if (reads_rows(current, i) && origin == value) continue;
            for (std::uint32_t p = first; p < s; ++p) cut = cut || step(p).output == origin;
        }
        // Room for one more: an activation in place belongs to the step before it.
        cut = cut || (s - first >= kMaxSegmentSteps - 1 && !is_in_place(plan_, current));
        starts_segment_[s] = cut;
        if (cut) first = s;
    }
}

void SegmentBuilder::number_segments() {
    std::uint32_t number = 0;
    for (std::uint32_t s = 0; s < step_count(); ++s) {
        if (s > 0 && starts_segment_[s] != 0) ++number;
        segment_of_[s] = number;
    }
}

// A value that is needed outside the segment that makes it is stored whole, and a segment ends with
// it: that costs no memory, and what comes after it then needs none beside it. True if this cut any.
bool SegmentBuilder::cut_where_whole() {
    bool any = false;
    const auto end_after = [&](std::uint32_t writer) {
        if (writer == kNone || writer + 1 == step_count() || starts_segment_[writer + 1] != 0) return;
        starts_segment_[writer + 1] = 1;
        any = true;
    };
    for (std::uint32_t value = 0; value < graph_.value_count(); ++value) {
        if (last_use_[value] == step_count()) end_after(last_writer_[value]);
    }
    for (std::uint32_t s = 0; s < step_count(); ++s) {
        for (std::uint32_t i = 0; i < step(s).operand_count; ++i) {
            const std::uint32_t writer = last_writer_[root_[operand(step(s), i)]];
            if (writer != kNone && segment_of_[writer] != segment_of_[s]) end_after(writer);
        }
    }
    return any;
}

void SegmentBuilder::set_producers(const Segment& segment) {
    for (std::uint32_t s = segment.first_step; s < segment.first_step + segment.step_count; ++s) {
        for (std::uint32_t i = 0; i < step(s).operand_count; ++i) {
            std::uint32_t& producer = plan_.producers[step(s).first_operand + i];
            producer = kNone;
            if (!reads_rows(step(s), i)) continue;
            for (std::uint32_t p = segment.first_step; p < s; ++p) {
                if (step(p).output == operand(step(s), i)) producer = p;
            }
        }
    }
}

// Every row that a segment makes, each thread its own, in multiply-adds: what two make counts twice.
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
            work += step_work(current) / current.output_shape.height * (walk.target(i) - walk.done(i));
        }
    }
    return work;
}

// As many rows as are needed at once of each value that stays in the segment.
void SegmentBuilder::set_rings(const Segment& segment) {
    std::uint64_t most[kMaxSegmentSteps] = {};
    const std::uint64_t rows = last_step(segment).output_shape.height;
    for (std::uint32_t thread = 0; thread < segment.threads; ++thread) {
        const Range range = share_of(rows, 1, thread, segment.threads);
        BandWalk walk(plan_, segment, range.begin, range.end);
        while (walk.next_band()) {
            for (std::uint32_t i = 0; i < segment.step_count; ++i) {
                const RowMap& map = step(segment.first_step + i).rows;
                walk.for_each_producer(i, [&](std::uint32_t p) {
                    const std::uint64_t first = map.first(walk.done(i));
                    if (walk.target(p) > first) most[p] = std::max(most[p], walk.target(p) - first);
                });
            }
        }
    }
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        plan_.rings[step(segment.first_step + i).output] = {0, 0};
    }
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        const Step& current = step(segment.first_step + i);
        const bool is_last = last_writer_[current.output] == segment.first_step + segment.step_count - 1;
        if (is_last || current.overwrites != kNone) continue;
        Ring& ring = plan_.rings[current.output];
        ring.rows = static_cast<std::uint32_t>(std::max({most[i], std::uint64_t{ring.rows}, std::uint64_t{1}}));
        ring.thread_floats = round_up_to_line(ring.rows * row_floats(current.output_shape));
    }
}

// The value whose storage the step may write its result over, or kNone: one that the kernel's
// contract lets the output be equal to, that dies here, and that nothing else in the segment reads.
std::uint32_t SegmentBuilder::overwritable(const Segment& segment, std::uint32_t index) const {
    const Step& current = step(index);
    if (current.reads_caller_input || current.operand_count == 0) return kNone;
    const std::uint32_t first = root_[operand(current, 0)];
    std::uint32_t candidate = kNone;
    switch (current.kind) {
        case StepKind::kAffine:
        case StepKind::kActivation:
        case StepKind::kSoftmax:
            candidate = first;
            break;
        case StepKind::kBinary:
            if (root_[operand(current, 1)] != first) candidate = first;
            break;
        case StepKind::kPointwise:
            if (current.residual != kNone && root_[current.residual] != first) {
                candidate = root_[current.residual];
            }
            break;
        default:
            break;
    }
    if (candidate == kNone || last_use_[candidate] != index) return kNone;
    const std::uint32_t end = segment.first_step + segment.step_count;
    for (std::uint32_t s = segment.first_step; s < end; ++s) {
        if (root_[step(s).output] == candidate) return kNone;  // a ring, or written where it lies
        for (std::uint32_t i = 0; s != index && i < step(s).operand_count; ++i) {
            if (root_[operand(step(s), i)] == candidate) return kNone;
        }
    }
    // Before the last step, rows may be made by two threads, the second of which would find them
    // overwritten.
    const bool once = index + 1 == end || segment.threads == 1 || !has_windows(plan_, segment);
    return once ? candidate : kNone;
}

// The band that costs least, or, among those that cost hardly more, the one with the smallest rings.
void SegmentBuilder::choose_band(Segment* segment) {
    const std::uint64_t rows = last_step(*segment).output_shape.height;
    const std::uint64_t share = (rows + segment->threads - 1) / segment->threads;
    if (request_.band != 0) {
        segment->band = static_cast<std::uint32_t>(std::min<std::uint64_t>(request_.band, share));
        set_rings(*segment);
        return;
    }
    struct Candidate {
        std::uint64_t band, cycles, bytes;
    } candidates[32];
    std::size_t count = 0;
    std::uint64_t best = UINT64_MAX;
    for (std::uint64_t bands = std::min(kMostBands, share); bands >= 1; bands -= (bands + 3) / 4) {
        const std::uint64_t band = (share + bands - 1) / bands;
        if (count > 0 && candidates[count - 1].band == band) continue;
        segment->band = static_cast<std::uint32_t>(band);
        set_rings(*segment);
        const std::uint64_t cycles = segment_cost(plan_, *segment).cycles();
        candidates[count++] = {band, cycles, ring_bytes(plan_, *segment)};
        best = std::min(best, cycles);
    }
    const std::uint64_t limit = best + segment_work(plan_, *segment) / 16 / kTolerance;
    const Candidate* chosen = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
        const Candidate& c = candidates[i];
        if (c.cycles <= limit && (chosen == nullptr || c.bytes < chosen->bytes)) chosen = &c;
    }
    segment->band = static_cast<std::uint32_t>(chosen->band);
    set_rings(*segment);
}

void SegmentBuilder::add_whole(std::uint32_t index) {
    const Segment segment = {index, 1, 0, step(index).threads};
    set_producers(segment);
    plan_.steps[index].overwrites = overwritable(segment, index);
    plan_.segments[plan_.segment_count++] = segment;
}

void SegmentBuilder::add_streamed(std::uint32_t first, std::uint32_t count) {
    Segment segment = {first, count, 1, 1};
    segment.threads = static_cast<std::uint32_t>(
        std::min(worthwhile_threads(request_, segment_work(plan_, segment)),
                 std::uint64_t{last_step(segment).output_shape.height}));
    set_producers(segment);
    if (segment.threads > 1) {
        const std::uint64_t work = segment_work(plan_, segment);
        if (work_with_repetitions(segment) > work + work / kRepeatable) {
            for (std::uint32_t s = first; s < first + count; ++s) add_whole(s);
            return;
        }
    }
    for (std::uint32_t s = first; s < first + count; ++s) {
        plan_.steps[s].overwrites = overwritable(segment, s);
    }
    choose_band(&segment);
    plan_.segments[plan_.segment_count++] = segment;
}

void SegmentBuilder::find_uses() {
    std::fill(last_use_.begin(), last_use_.end(), 0u);
    std::fill(last_writer_.begin(), last_writer_.end(), kNone);
    for (std::uint32_t s = 0; s < step_count(); ++s) {
        for (std::uint32_t i = 0; i < step(s).operand_count; ++i) {
            last_use_[root_[operand(step(s), i)]] = s;
        }
        last_use_[root_[step(s).output]] = s;
        last_writer_[step(s).output] = s;
    }
    const auto keep = [&](std::uint32_t value) { last_use_[root_[value]] = step_count(); };
    keep(graph_.logits);
    keep(graph_.probabilities);
    for (std::size_t i = 0; i < request_.kept_count; ++i) keep(request_.kept[i]);
}

bool SegmentBuilder::build() {
    const std::uint32_t values = graph_.value_count();
    if (!segment_of_.allocate(plan_.step_count) || !starts_segment_.allocate(plan_.step_count) ||
        !last_writer_.allocate(values) || !last_use_.allocate(values) ||
        !plan_.segments.allocate(plan_.step_count) || !plan_.rings.allocate(values) ||
        !plan_.producers.allocate(plan_.operands.size())) {
        return false;
    }
    std::fill(plan_.rings.begin(), plan_.rings.end(), Ring{0, 0});
    find_uses();
    find_first_cuts();
    do {
        number_segments();
    } while (cut_where_whole());
    for (std::uint32_t s = 0; s < step_count();) {
        std::uint32_t end = s + 1;
        while (end < step_count() && starts_segment_[end] == 0) ++end;
        if (end - s == 1) {
            add_whole(s);
        } else {
            add_streamed(s, end - s);
        }
        s = end;
    }
    return true;
}

}  // namespace fovea
