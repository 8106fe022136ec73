// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>

#include "engine/default_floats.h"
#include "engine/log.h"
#include "engine/model/model.h"
#include "engine/plan/plan.h"
#include "engine/run/executor.h"
#include "engine/run/threads.h"
#include "engine/settings.h"
#include "fovea/fovea.h"
#include "ops/cpu_features.h"
#include "preprocess/memory.h"

namespace fovea {

// Settings with every field checked: sizes, ranges, pairs that belong together.
fovea_status check_session_settings(const fovea_session_settings* settings, const Log& log);

// What every call that runs the network on the caller's values is given: `count` of them, all finite.
fovea_status check_run_input(const char* call, const void* input, fovea_dtype dtype, std::size_t count, const Log& log);

// `count` values that a caller gave; null for none.
struct GivenValues {
    const char* name;
    const void* values;
    fovea_dtype dtype;
};

// Whose fault it is that what a network made of what was given is no numbers: pixels overflow in no network that works.
fovea_status refuse_results(const char* results, std::initializer_list<GivenValues> given, std::size_t count, const Log& log);

// What a session decides before it takes memory for running.
struct SessionPlan {
    SessionPlan(const Allocator& allocator, const ops::IsaLevel* level)
        : isa(level),
          taps(allocator),
          plan(allocator, level->allowed & ops::detect_cpu_features()) {}

    const ops::IsaLevel* isa;
    Buffer<std::uint32_t> taps;  // values; the caller's, then those of the typicality statistics
    std::uint32_t caller_taps = 0;
    bool measures_typicality = false;
    const BackwardPass* backward = nullptr;
    Plan plan;
};

// settings must have been checked.
fovea_status plan_session(const ModelFile& model, const fovea_session_settings& settings,
                          const Log& log, SessionPlan* session_plan);

// Probabilities of the classes from the logits at a temperature.
void probabilities_from_logits(const Labels& labels, const float* logits, double temperature,
                               float* probabilities);

}  // namespace fovea

// The public header's opaque session: a plan, threads and memory to run it.
struct fovea_session {
    fovea_session(const fovea_model& model_, const fovea_session_settings& settings_,
                  const fovea::ops::IsaLevel* level)
        : model(model_),
          settings(fovea::without_pointers(settings_)),
          allocator(fovea::to_internal(settings_.allocator)),
          log(settings_.log),
          planned(allocator, level),
          pool(allocator),
          workspace(allocator),
          step_seconds(allocator) {}

    const fovea_model& model;
    fovea_session_settings settings;  // without isa, taps and workspace, which the caller may free
    fovea::Allocator allocator;
    fovea::Log log;
    fovea::SessionPlan planned;
    fovea::ThreadPool pool;
    fovea::Buffer<std::uint8_t> workspace;  // empty when the caller gave one
    fovea::Buffer<double> step_seconds;
    std::uint8_t* memory = nullptr;  // the workspace, whoever's it is
    fovea::Executor* executor = nullptr;  // in executor_place, once everything else exists
    alignas(fovea::Executor) unsigned char executor_place[sizeof(fovea::Executor)];
    bool profiled = false;
    bool has_run = false;  // taps hold the values of a whole run
    mutable std::atomic<bool> busy{false};  // a call has it, see SessionCall

    const fovea::ModelFile& file() const { return model.file; }
    const fovea::Shape& input_shape() const { return planned.plan.values[0].shape; }

    // Makes everything that running needs; `wanted` are the caller's settings, checked.
    fovea_status prepare(const fovea_session_settings& wanted);
    // The same with a plan that is there.
    fovea_status start(const fovea_session_settings& wanted);
    // Runs once; logits and probabilities (either may be null) as fovea_run.
    fovea_status run(const void* input, fovea_dtype dtype, float* logits, float* probabilities);
};

namespace fovea {

// What every call of a session begins with. A callback of a call may call the library again, and a program
// may share a session between threads by mistake: the second call must find the first one's mark.
class SessionCall {
  public:
    explicit SessionCall(const fovea_session& session)
        : session_(session), may_go_on_(!session.busy.exchange(true, std::memory_order_acquire)) {}
    SessionCall(const SessionCall&) = delete;
    SessionCall& operator=(const SessionCall&) = delete;
    ~SessionCall() {
        if (may_go_on_) session_.busy.store(false, std::memory_order_release);
    }

    // False: FOVEA_ERROR_BUSY.
    bool may_go_on() const { return may_go_on_; }

  private:
    const DefaultFloats floats_;
    const fovea_session& session_;
    const bool may_go_on_;
};

}  // namespace fovea
