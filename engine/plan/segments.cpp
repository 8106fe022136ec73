// SPDX-License-Identifier: Apache-2.0
#include "engine/plan/segments.h"

#include <algorithm>
#include <cstdint>

#include "engine/plan/segment_measures.h"

namespace fovea {
namespace {

// Bands and cuts may cost this part of the arithmetic more than the best ones if that saves memory. Measured, one thread, the
// four networks of bench/ (Small and Large at 224 and 512): a tenth, 10, saves 15 % of one workspace, none or 9 % of the others;
// 140 costs two of them 5 and 13 %.
constexpr std::uint64_t kTolerance = 70;

// Threads that make some rows twice are worth it up to this part of the work. Measured, four threads: at 16 Large at 512 falls
// into whole layers, 21.0 MB where it takes 6.0; at 4 Small at 512 takes 2.5 MB where it takes 5.9, an eighth of its rows made twice.
constexpr std::uint64_t kRepeatable = 8;

std::uint64_t segment_work(const Plan& plan, const Segment& segment) {
    std::uint64_t work = 0;
    for (std::uint32_t i = 0; i < segment.step_count; ++i) {
        work += step_work(plan.steps[segment.first_step + i]);
    }
    return work;
}

}  // namespace

// What a step reads row by row; else one vector for all its pixels, or the caller's pixels.
bool SegmentBuilder::reads_rows(const Step& step, std::uint32_t i) const {
    return !step.reads_caller_input && !step.reads_whole_operand(i);
}

// Runs of steps that make rows, as long as none needs the whole of what another one makes.
void SegmentBuilder::find_first_cuts() {
    std::uint32_t first = 0;
    for (std::uint32_t s = 0; s < step_count(); ++s) {
        const Step& current = step(s);
        bool cut = s == 0 || !is_streamable(current) || !is_streamable(step(s - 1));
        for (std::uint32_t i = 0; i < current.operand_count && !cut; ++i) {
            const std::uint32_t value = operand(current, i);
            const std::uint32_t origin = plan_.root(value);
            if (reads_rows(current, i) && (origin == value || plan_.values[value].is_slice())) continue;
            for (std::uint32_t p = first; p < s; ++p) cut = cut || plan_.root(step(p).output) == origin;
        }
        // Room for one more: an activation in place belongs to the step before it.
        cut = cut || (s - first >= kMaxSegmentSteps - 1 && !is_in_place(plan_, current));
        starts_segment_[s] = cut;
        if (cut) first = s;
    }
}

// Whether step s pools the rows that `writer` makes, or, if that is such a pool too, the same ones.
bool SegmentBuilder::pools_rows_of(std::uint32_t s, std::uint32_t writer) const {
    const Step& before = step(writer);
    const std::uint32_t map = before.sums_rows ? operand(before, 0) : before.output;
    return starts_segment_[s] == 0 && step(s).sums_rows && operand(step(s), 0) == map;
}

void SegmentBuilder::number_segments() {
    std::uint32_t number = 0;
    for (std::uint32_t s = 0; s < step_count(); ++s) {
        if (s > 0 && starts_segment_[s] != 0) ++number;
        segment_of_[s] = number;
    }
}

// Whether the step reads the value just to join it to the one that it is a slice of.
bool SegmentBuilder::only_joins(const Step& step, std::uint32_t value) const {
    return step.joins && plan_.values[value].is_slice() && plan_.root(step.output) == plan_.root(value);
}

// A value that is needed outside the segment that makes it is stored whole, and a segment ends with
// it: that costs no memory, and what comes after it then needs none beside it. Only pools of its rows
// still belong to the segment. So it is with the slices of such a value, whose rows must not be made twice; but the step that joins
// them makes just those rows. True if this cut any.
bool SegmentBuilder::cut_where_whole() {
    bool any = false;
    const auto end_after = [&](std::uint32_t writer) {
        if (writer == kNone) return;
        std::uint32_t next = writer + 1;
        while (next < step_count() && pools_rows_of(next, writer)) ++next;
        if (next == step_count() || starts_segment_[next] != 0) return;
        starts_segment_[next] = 1;
        any = true;
    };
    for (std::uint32_t value = 0; value < plan_.value_count(); ++value) {
        if (plan_.values[value].last_use == step_count()) end_after(last_writer_[value]);
    }
    const auto leaves_segment = [&](std::uint32_t root) {
        const std::uint32_t last = plan_.values[root].last_use;
        return last == step_count() || segment_of_[first_writer_[root]] != segment_of_[last];
    };
    for (std::uint32_t s = 0; s < step_count(); ++s) {
        for (std::uint32_t i = 0; i < step(s).operand_count; ++i) {
            const std::uint32_t value = operand(step(s), i), root = plan_.root(value);
            const std::uint32_t writer = last_writer_[plan_.values[value].is_slice() ? value : root];
            if (writer == kNone || writer >= s) continue;
            const bool here = segment_of_[writer] == segment_of_[s];
            if (!here || (!only_joins(step(s), value) && leaves_segment(root))) end_after(writer);
        }
    }
    return any;
}

// A place to cut a run after step s: one value alone crosses it, and the next step's is larger.
bool SegmentBuilder::is_bottleneck(std::uint32_t first, std::uint32_t s, std::uint32_t end) const {
    if (is_in_place(plan_, step(s + 1)) || plan_.values[step(s).output].is_slice()) return false;
    for (std::uint32_t p = first; p < s && step(s).joins; ++p) {  // a value whose slices are read by others is no value alone
        for (std::uint32_t i = 0; i < step(p).operand_count; ++i) {
            const std::uint32_t value = operand(step(p), i);
            if (plan_.root(value) == step(s).output && !only_joins(step(p), value)) return false;
        }
    }
    if (step(s).output_shape.count() >= step(s + 1).output_shape.count()) return false;
    for (std::uint32_t later = s + 1; later < end; ++later) {
        for (std::uint32_t i = 0; i < step(later).operand_count; ++i) {
            const std::uint32_t value = operand(step(later), i);
            if (value == step(s).output) continue;
            for (std::uint32_t p = first; p < s; ++p) {
                if (step(p).output == value) return false;
            }
        }
    }
    return true;
}

// The segment of these steps with its threads, ready for rings of any band; band 0 where whole
// tensors are better.
Segment SegmentBuilder::prepare(std::uint32_t first, std::uint32_t end) {
    Segment segment = {first, end - first, 1, 1};
    for (std::uint32_t s = first; s < end; ++s) {
        plan_.values[plan_.root(step(s).output)].ring_rows = 0;
        plan_.steps[s].overwrites = kNone;
    }
    set_producers(segment);
    if (end - first == 1) {
        segment.band = 0;
        segment.threads = step(first).threads;
    } else {
        const std::uint64_t work = segment_work(plan_, segment);
        const Sharing sharing = {request_.threads, request_.work_per_thread};
        segment.threads = std::min(sharing.worthwhile(work), last_step(segment).output_shape.height);
        if (segment.threads > 1 && work_with_repetitions(segment) > work + work / kRepeatable) {
            segment.band = 0;
        }
    }
    for (std::uint32_t s = first; s < end; ++s)
        plan_.steps[s].overwrites = overwritable(segment, s);
    return segment;
}

// Fills in what each band height of steps [first, end) costs and needs.
std::size_t SegmentBuilder::list_options(std::uint32_t first, std::uint32_t end,
                                         std::uint32_t run_end, Option* options) {
    Segment segment = prepare(first, end);
    // What a value that is stored whole costs more than one in a ring: going out and coming back.
    const std::uint64_t out = plan_.values[last_step(segment).output].bytes();
    const std::uint64_t stored = end == run_end        ? 0
                                 : out > kFarCache / 2 ? 2 * out / 8
                                                       : 2 * out / 32;
    const std::uint64_t beside_rings = bytes_beside_rings(segment, run_end);
    if (segment.band == 0) {
        options[0] = {0, stored, beside_rings};
        for (std::uint32_t s = first; s < end; ++s) {
            options[0].cycles += step(s).weight_bytes / 8;
            if (s + 1 < end) options[0].bytes += plan_.values[step(s).output].bytes();
        }
        return 1;
    }
    const std::uint64_t rows = last_step(segment).output_shape.height;
    const std::uint64_t share = (rows + segment.threads - 1) / segment.threads;
    std::size_t count = 0;
    for (std::uint64_t bands = std::min(kMostBands, share); bands >= 1;
         bands = fewer_bands(bands)) {
        std::uint64_t band = (share + bands - 1) / bands;
        if (request_.band != 0) band = std::min<std::uint64_t>(request_.band, share);
        if (count > 0 && options[count - 1].band == band) continue;
        segment.band = static_cast<std::uint32_t>(band);
        set_rings(segment, Exactness::kRough);
        options[count++] = {segment.band, segment_cost(plan_, segment).cycles() + stored,
                            beside_rings + ring_bytes(plan_, segment) * segment.threads};
    }
    return count;
}

// The cheapest way to run everything from each place on that never needs more than `limit` bytes;
// UINT64_MAX when there is none.
std::uint64_t SegmentBuilder::cheapest(std::size_t places, std::uint64_t limit,
                                       Choice* choices) const {
    std::uint64_t best[kMostPlaces];
    best[places - 1] = 0;
    for (std::size_t from = places - 1; from-- > 0;) {
        best[from] = UINT64_MAX;
        for (std::size_t to = from + 1; to < places; ++to) {
            if (best[to] == UINT64_MAX) continue;
            const std::size_t pair = from * kMostPlaces + to;
            for (std::size_t i = 0; i < option_counts_[pair]; ++i) {
                const Option& option = options_[pair * kMostOptions + i];
                if (option.bytes > limit || option.cycles + best[to] >= best[from]) continue;
                best[from] = option.cycles + best[to];
                choices[from] = {to, option.band};
            }
        }
    }
    return best[0];
}

// Cuts a run of steps at its bottlenecks and chooses band heights: with the least memory that costs
// hardly more than the fastest way.
void SegmentBuilder::add_run(std::uint32_t first, std::uint32_t end) {
    std::uint32_t at[kMostPlaces] = {first};
    std::size_t places = 1;
    std::uint64_t work = 0;
    for (std::uint32_t s = first; s < end; ++s) {
        work += step_work(step(s));
        if (s + 1 < end && places + 1 < kMostPlaces && is_bottleneck(first, s, end))
            at[places++] = s + 1;
    }
    at[places++] = end;
    std::uint64_t low = UINT64_MAX, high = 0;
    for (std::size_t from = 0; from + 1 < places; ++from) {
        for (std::size_t to = from + 1; to < places; ++to) {
            const std::size_t pair = from * kMostPlaces + to;
            Option* const options = &options_[pair * kMostOptions];
            option_counts_[pair] = list_options(at[from], at[to], end, options);
            for (std::size_t i = 0; i < option_counts_[pair]; ++i) {
                low = std::min(low, options[i].bytes);
                high = std::max(high, options[i].bytes);
            }
        }
    }
    Choice choices[kMostPlaces] = {};
    const std::uint64_t affordable = cheapest(places, high, choices) + work / 16 / kTolerance;
    while (low < high) {  // the least memory with which it is affordable
        const std::uint64_t middle = low + (high - low) / 2;
        if (cheapest(places, middle, choices) <= affordable) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    cheapest(places, high, choices);
    for (std::size_t from = 0; from + 1 < places; from = choices[from].to) {
        add_segment(at[from], at[choices[from].to], choices[from].band);
    }
}

void SegmentBuilder::add_segment(std::uint32_t first, std::uint32_t end, std::uint32_t band) {
    if (band == 0) {
        for (std::uint32_t s = first; s < end; ++s) {
            plan_.segments[plan_.segment_count++] = prepare(s, s + 1);
        }
        return;
    }
    Segment segment = prepare(first, end);
    segment.band = band;
    if (request_.band_of != nullptr && request_.band_of[first] != 0) {
        segment.band = request_.band_of[first];
    }
    set_rings(segment, Exactness::kExact);
    plan_.segments[plan_.segment_count++] = segment;
}

void SegmentBuilder::find_uses() {
    std::fill(last_writer_.begin(), last_writer_.end(), kNone);
    std::fill(first_writer_.begin(), first_writer_.end(), kNone);
    const auto use = [&](std::uint32_t value, std::uint32_t s) { plan_.values[plan_.root(value)].last_use = s; };
    for (std::uint32_t s = 0; s < step_count(); ++s) {
        for (std::uint32_t i = 0; i < step(s).operand_count; ++i) use(operand(step(s), i), s);
        use(step(s).output, s);
        last_writer_[step(s).output] = s;
        std::uint32_t& first = first_writer_[plan_.root(step(s).output)];
        first = std::min(first, s);
    }
    use(graph_.logits, step_count());
    use(graph_.probabilities, step_count());
    for (std::size_t i = 0; i < request_.kept_count; ++i) use(request_.kept[i], step_count());
    const auto use_gradient = [&](std::uint32_t value) {
        if (plan_.gradients[value] != kNone) use(plan_.gradients[value], step_count());
    };
    if (request_.backward == nullptr) return;
    use_gradient(0);
    for (std::size_t i = 0; i < request_.kept_count; ++i) use_gradient(request_.kept[i]);
}

fovea_status SegmentBuilder::build() {
    const std::uint32_t values = plan_.value_count();
    if (!segment_of_.allocate(plan_.step_count) || !starts_segment_.allocate(plan_.step_count) ||
        !last_writer_.allocate(values) || !first_writer_.allocate(values) || !plan_.segments.allocate(plan_.step_count) ||
        !plan_.producers.allocate(plan_.operands.size()) ||
        !options_.allocate(kMostPlaces * kMostPlaces * kMostOptions) ||
        !option_counts_.allocate(kMostPlaces * kMostPlaces) || !counted_in_.allocate(values)) {
        return FOVEA_ERROR_OUT_OF_MEMORY;
    }
    std::fill(counted_in_.begin(), counted_in_.end(), count_);
    find_uses();
    find_first_cuts();
    do {
        number_segments();
    } while (cut_where_whole());
    for (std::uint32_t s = 0; s < step_count();) {
        std::uint32_t end = s + 1;
        while (end < step_count() && starts_segment_[end] == 0) ++end;
        if (request_.cancel.asked()) return FOVEA_ERROR_CANCELLED;
        if (end - s == 1) {
            add_segment(s, end, 0);
        } else {
            add_run(s, end);
        }
        s = end;
    }
    return FOVEA_OK;
}

}  // namespace fovea
