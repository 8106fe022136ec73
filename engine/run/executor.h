// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "engine/plan/plan.h"
#include "engine/steps/run.h"
#include "engine/run/threads.h"
#include "fovea/fovea.h"
#include "preprocess/cancel.h"

namespace fovea {

// Runs a plan in a workspace. Allocates nothing. One thread at a time. Knows segments, bands and rings; what a step does
// is the step's own business.
class Executor {
  public:
    // Everything must outlive the executor. workspace is plan.workspace_size bytes, 64-byte
    // aligned, with the plan's constants written.
    Executor(const Plan& plan, ThreadPool& pool, std::uint8_t* workspace);

    // Asked before each step, in streamed segments before each of its turns, and in both before each piece of
    // a long one, of a row too where that is a convolution's and long; stops the run with FOVEA_ERROR_CANCELLED.
    void set_cancel(const Cancel& cancel) { cancel_ = cancel; }
    // Null, or plan.step_count places for the seconds that each step of a run takes the caller's
    // thread.
    void set_step_seconds(double* seconds) { step_seconds_ = seconds; }

    fovea_status run(const RunInput& input);

    // The value's elements of the last run; the value must be kept by the plan. Those that are no floats are
    // converted into their copy first.
    const float* value(std::uint32_t value) const;

  private:
    struct Part;

    // Whether to stop: the caller's thread asks, the others find its answer.
    bool cancelled(std::uint32_t thread);
    // So many of `count` units, a multiple of `granule`, may run between two questions.
    std::uint64_t units_at_once(const Step& step, std::uint64_t count, std::uint64_t granule) const;
    static void run_part(void* context, std::uint32_t thread);
    // A thread's share of a streamed segment.
    void run_bands(const Segment& segment, std::uint32_t thread);
    void run_rows(const Step& step, std::uint64_t begin, std::uint64_t end, std::uint32_t thread);

    const Plan& plan_;
    ThreadPool& pool_;
    std::uint8_t* workspace_;
    Run run_;
    Cancel cancel_;
    double* step_seconds_ = nullptr;
    std::atomic<bool> stop_{false};
};

}  // namespace fovea
