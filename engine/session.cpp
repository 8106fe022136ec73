// SPDX-License-Identifier: Apache-2.0
#include "engine/session.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "engine/finite.h"
#include "engine/plan/layout.h"
#include "engine/plan/planner.h"
#include "engine/run/prefault.h"
#include "ops/softmax/softmax.h"

namespace fovea {
namespace {

#if defined(FOVEA_HAVE_SCREENING)
constexpr bool kHasScreening = true;
#else
constexpr bool kHasScreening = false;  // nobody asks for a typicality
#endif

}  // namespace

fovea_status check_session_settings(const fovea_session_settings* settings, const Log& log) {
    const auto bad = [&](const char* what) {
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "session settings: %s", what);
    };
    if ((settings->input_height == 0) != (settings->input_width == 0)) {
        return bad("input_height and input_width must be given both or neither");
    }
    if (settings->threads < 1 || settings->threads > kMaxThreads) {
        return bad("threads is outside 1 to 64");
    }
    if (!is_valid(settings->allocator)) {
        return bad("allocator needs both allocate and release, or neither");
    }
    if (reinterpret_cast<std::uintptr_t>(settings->workspace) % kMemoryAlignment != 0) {
        return bad("workspace is not 64-byte aligned");
    }
    if (settings->tap_count != 0 && settings->taps == nullptr) return bad("taps is null");
    for (std::uint32_t i = 0; i < settings->tap_count; ++i) {
        if (settings->taps[i] == nullptr) return bad("a tap's name is null");
    }
    return FOVEA_OK;
}

fovea_status check_run_input(const char* call, const void* input, fovea_dtype dtype, std::size_t count, const Log& log) {
    if (input == nullptr) return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "%s: input is null", call);
    if (dtype != FOVEA_U8 && dtype != FOVEA_F32) {
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "%s: unknown dtype %d", call, static_cast<int>(dtype));
    }
    if (dtype == FOVEA_F32 && reinterpret_cast<std::uintptr_t>(input) % alignof(float) != 0) {
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "%s: input is not aligned for floats", call);
    }
    // A rectifier or a maximum may swallow a NaN: the results do not tell.
    if (dtype == FOVEA_F32 && !all_finite(static_cast<const float*>(input), count)) {
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "%s: the input has values that are not finite", call);
    }
    return FOVEA_OK;
}

fovea_status refuse_results(const char* results, std::initializer_list<GivenValues> given, std::size_t count, const Log& log) {
    for (const auto& [name, values, dtype] : given) {
        if (values == nullptr || dtype == FOVEA_U8) continue;
        const auto* const floats = static_cast<const float*>(values);
        const auto [least, most] = std::minmax_element(floats, floats + count);
        if (*least >= 0 && *most <= 255) continue;
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "%s are not finite numbers: %s goes from %g to %g, pixels are from 0 to 255",
                        results, name, static_cast<double>(*least), static_cast<double>(*most));
    }
    return log.fail(FOVEA_ERROR_BAD_MODEL, "%s are not finite numbers", results);
}

fovea_status plan_session(const ModelFile& model, const fovea_session_settings& settings,
                          const Log& log, SessionPlan* session_plan) {
    const bool default_size = settings.input_height == 0;
    const std::uint32_t height = default_size ? model.graph.default_height : settings.input_height;
    const std::uint32_t width = default_size ? model.graph.default_width : settings.input_width;
    const Typicality& typicality = model.typicality;
    session_plan->measures_typicality = kHasScreening && settings.typicality != 0 && typicality.holds_at(height, width);
    session_plan->caller_taps = settings.tap_count;
    const std::uint32_t own_taps = session_plan->measures_typicality ? typicality.tap_count : 0;
    Buffer<std::uint32_t>& taps = session_plan->taps;
    if (!taps.allocate(std::size_t{settings.tap_count} + own_taps)) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for %u taps", settings.tap_count);
    }
    for (std::uint32_t i = 0; i < settings.tap_count; ++i) {
        const std::uint32_t node = model.graph.find_layer(settings.taps[i]);
        if (node == kNone) {
            return log.fail(FOVEA_ERROR_UNKNOWN_TAP, "tap '%.200s': the model has no such layer",
                            settings.taps[i]);
        }
        taps[i] = node + 1;
    }
    for (std::uint32_t i = 0; i < own_taps; ++i) {
        taps[std::size_t{settings.tap_count} + i] = typicality.taps[i].value;
    }
    const PlanRequest request{
        .height = height,
        .width = width,
        .threads = settings.threads,
        .kept = taps.data(),
        .kept_count = taps.size(),
        .cancel = {settings.cancel, settings.cancel_cookie},
        .backward = session_plan->backward};
    return make_plan(model.graph, request, log, &session_plan->plan);
}

void probabilities_from_logits(const Labels& labels, const float* logits, double temperature,
                               float* probabilities) {
    if (labels.form == OutputForm::kSoftmax) {
        ops::softmax_fp32(logits, probabilities, static_cast<int>(labels.class_count()),
                          static_cast<float>(temperature));
        return;
    }
    const auto sigmoid = [&](float logit) {
        return static_cast<float>(1.0 /
                                  (1.0 + std::exp(-static_cast<double>(logit) / temperature)));
    };
    if (labels.form == OutputForm::kOneSigmoid) {
        probabilities[1] = sigmoid(logits[0]);
        probabilities[0] = 1.0f - probabilities[1];
        return;
    }
    for (std::uint32_t i = 0; i < labels.class_count(); ++i) probabilities[i] = sigmoid(logits[i]);
}

}  // namespace fovea

fovea_status fovea_session::prepare(const fovea_session_settings& wanted) {
    const fovea_status status = fovea::plan_session(file(), wanted, log, &planned);
    return status == FOVEA_OK ? start(wanted) : status;
}

fovea_status fovea_session::start(const fovea_session_settings& wanted) {
    using namespace fovea;
    const Plan& plan = planned.plan;
    memory = static_cast<std::uint8_t*>(wanted.workspace);
    if (memory != nullptr && wanted.workspace_size < plan.workspace_size) {
        return log.fail(
            FOVEA_ERROR_WORKSPACE_TOO_SMALL, "the workspace has %zu bytes, this session needs %llu",
            wanted.workspace_size, static_cast<unsigned long long>(plan.workspace_size));
    }
    if (memory == nullptr) {
        if (plan.workspace_size > wanted.max_workspace_bytes) {
            return log.fail(FOVEA_ERROR_MEMORY_LIMIT,
                            "the session needs a workspace of %llu bytes, its limit is %llu",
                            static_cast<unsigned long long>(plan.workspace_size),
                            static_cast<unsigned long long>(wanted.max_workspace_bytes));
        }
        if (!workspace.allocate(static_cast<std::size_t>(plan.workspace_size))) {
            return log.fail(FOVEA_ERROR_OUT_OF_MEMORY,
                            "out of memory for a workspace of %llu bytes",
                            static_cast<unsigned long long>(plan.workspace_size));
        }
        memory = workspace.data();
    }
    if (!step_seconds.allocate(plan.step_count)) {
        return log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the session");
    }
    std::fill(step_seconds.begin(), step_seconds.end(), 0.0);
    const fovea_status status = pool.start(wanted.threads);
    if (status != FOVEA_OK) {
        return log.fail(status, "%u threads could not be started", wanted.threads);
    }
    prefault(memory, static_cast<std::size_t>(plan.workspace_size));
    write_constants(plan, memory);
    executor = new (executor_place) Executor(plan, pool, memory);
    executor->set_cancel({wanted.cancel, wanted.cancel_cookie});
    return FOVEA_OK;
}

fovea_status fovea_session::run(const void* input, fovea_dtype dtype, float* logits,
                                float* probabilities) {
    using namespace fovea;
    has_run = false;
    pool.notice_fork();
    const fovea_status status = executor->run({input, dtype});
    if (status != FOVEA_OK) return log.fail(status, "the run was cancelled");
    has_run = true;
    const Graph& graph = file().graph;
    const Labels& labels = file().labels;
    const float* values = executor->value(graph.logits);
    if (logits != nullptr) {
        std::memcpy(logits, values, labels.logit_count() * sizeof(float));
    }
    if (probabilities == nullptr) return FOVEA_OK;
    if (graph.probabilities == graph.logits) {
        probabilities_from_logits(labels, values, 1.0, probabilities);
        return FOVEA_OK;
    }
    const float* own = executor->value(graph.probabilities);
    if (labels.form == OutputForm::kOneSigmoid) {
        probabilities[0] = 1.0f - own[0];
        probabilities[1] = own[0];
    } else {
        std::memcpy(probabilities, own, labels.class_count() * sizeof(float));
    }
    return FOVEA_OK;
}
