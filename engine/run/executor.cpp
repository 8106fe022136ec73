// SPDX-License-Identifier: Apache-2.0
#include "engine/run/executor.h"

#include <algorithm>

#include "engine/plan/band_walk.h"
#include "engine/clock.h"
#include "engine/range.h"
#include "engine/steps/convert.h"

namespace fovea {
namespace {

// Multiply-adds between two questions whether to stop: some 30 milliseconds on the slowest of phones, and more
// than any layer of the detectors has, so that asking costs none of them anything.
constexpr std::uint64_t kWorkBetweenQuestions = std::uint64_t{64} << 20;

}  // namespace

struct Executor::Part {
    Executor& executor;
    const Segment& segment;
};

Executor::Executor(const Plan& plan, ThreadPool& pool, std::uint8_t* workspace)
    : plan_(plan),
      pool_(pool),
      workspace_(workspace),
      run_(plan, reinterpret_cast<const float*>(workspace + plan.constants_offset),
           workspace + plan.row_pointers_offset, plan.row_pointers, workspace + plan.arena_offset) {}

void Executor::run_part(void* context, std::uint32_t thread) {
    const Part& part = *static_cast<const Part*>(context);
    const Segment& segment = part.segment;
    if (segment.band != 0) return part.executor.run_bands(segment, thread);
    const Step& step = part.executor.plan_.steps[segment.first_step];
    const Range range = share_of(step.unit_count, step.granule, thread, step.threads);
    Executor& executor = part.executor;
    const std::uint64_t most = executor.units_at_once(step, step.unit_count, step.granule);
    for (std::uint64_t begin = range.begin, end = 0; begin < range.end; begin = end) {
        if (executor.cancelled(thread)) return;
        end = begin + std::min(most, range.end - begin);
        step.run(executor.run_, step, {begin, end}, thread);
    }
}

bool Executor::cancelled(std::uint32_t thread) {
    const bool stopped = stop_.load(std::memory_order_relaxed);
    if (stopped || thread != 0 || !cancel_.asked()) return stopped;
    stop_.store(true, std::memory_order_relaxed);
    return true;
}

std::uint64_t Executor::units_at_once(const Step& step, std::uint64_t count,
                                      std::uint64_t granule) const {
    if (!cancel_.can_ask()) return count;
    const std::uint64_t pieces = step_work(step) / kWorkBetweenQuestions + 1;
    return (count / pieces / granule + 1) * granule;
}

fovea_status Executor::run(const RunInput& input) {
    run_.input = input;
    run_.stop = {};
    if (cancel_.can_ask()) {
        const auto ask = [](void* self, std::uint32_t thread) { return static_cast<Executor*>(self)->cancelled(thread); };
        run_.stop = {ask, this, kWorkBetweenQuestions};
    }
    stop_.store(false, std::memory_order_relaxed);
    if (step_seconds_ != nullptr) std::fill_n(step_seconds_, plan_.step_count, 0.0);
    for (std::size_t i = 0; i < plan_.segment_count; ++i) {
        const Segment& segment = plan_.segments[i];
        if (input.forward_only && segment.first_step >= plan_.forward_steps) break;
        const double start = step_seconds_ != nullptr ? monotonic_seconds() : 0;
        Part part{*this, segment};
        pool_.run(segment.threads, run_part, &part);
        if (stop_.load(std::memory_order_relaxed)) return FOVEA_ERROR_CANCELLED;
        if (step_seconds_ != nullptr && segment.band == 0) {
            step_seconds_[segment.first_step] = monotonic_seconds() - start;
        }
    }
    return FOVEA_OK;
}

void Executor::run_bands(const Segment& segment, std::uint32_t thread) {
    const Step* const steps = &plan_.steps[segment.first_step];
    const Range range =
        share_of(steps[segment.step_count - 1].output_shape.height, 1, thread, segment.threads);
    double* const seconds =
        step_seconds_ != nullptr && thread == 0 ? step_seconds_ + segment.first_step : nullptr;
    BandWalk walk(plan_, segment, range.begin, range.end);
    while (walk.next_band()) {
        for (std::uint32_t i = 0; i < segment.step_count; ++i) {
            if (cancelled(thread)) return;
            const double start = seconds != nullptr ? monotonic_seconds() : 0;
            run_rows(steps[i], walk.done(i), walk.target(i), thread);
            if (seconds != nullptr) seconds[i] += monotonic_seconds() - start;
        }
    }
}

// Rows [begin, end) of the step's output, in pieces that end where a ring does and of no more than may run
// between two questions.
void Executor::run_rows(const Step& step, std::uint64_t begin, std::uint64_t end,
                        std::uint32_t thread) {
    const bool by_rows = step.unit == Unit::kRow;
    const std::uint64_t unit = by_rows ? 1 : step.output_shape.width;  // units of a row
    const std::uint64_t most = units_at_once(step, step.output_shape.height, 1);
    std::uint64_t asked_at = begin;
    for (std::uint64_t y = begin; y < end;) {
        if (y - asked_at >= most) {
            if (cancelled(thread)) return;
            asked_at = y;
        }
        std::uint64_t piece = std::min(end, asked_at + most);
        const auto stop_at_ring = [&](std::uint32_t value) {
            const std::uint32_t rows = plan_.values[value].ring_rows;
            if (rows != 0) piece = std::min(piece, y + rows - y % rows);
        };
        if (!by_rows) stop_at_ring(step.output);
        for (std::uint32_t i = 0; i < step.operand_count && !by_rows; ++i) {
            stop_at_ring(plan_.operand(step, i));
        }
        step.run(run_, step, {y * unit, piece * unit}, thread);
        y = piece;
    }
}

const float* Executor::value(std::uint32_t index) const {
    const Value& value = plan_.values[index];
    if (value.type == ElementType::kF32) return run_.at<float>(index, 0, 0);
    auto* const copy =
        reinterpret_cast<float*>(workspace_ + plan_.arena_offset + plan_.arena_size + value.copy);
    if (is_code(value.type)) {
        codes_to_floats(run_, index, copy);
        return copy;
    }
    convert_elements(run_.at<std::uint8_t>(index, 0, 0), value.type, copy, ElementType::kF32, value.shape.count(),
                     plan_.features);
    return copy;
}

}  // namespace fovea
