// SPDX-License-Identifier: Apache-2.0
// C entry points: session, run, self-test.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/api/common.h"
#include "engine/finite.h"
#include "engine/isa.h"
#include "engine/plan/print.h"
#include "engine/session.h"

using namespace fovea;

namespace {

// Arguments that workspace_size and create share. *settings receives the caller's, *level the instruction set.
fovea_status check_arguments(const fovea_model* model, const fovea_session_settings* given,
                             fovea_session_settings* settings, const ops::IsaLevel** level) {
    if (model == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    fovea_session_settings_init(settings);
    const char* problem = read_struct(given, settings);
    const Log log(settings->log);
    if (problem != nullptr) {
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "session settings: %s", problem);
    }
    const fovea_status status = check_session_settings(settings, log);
    if (status != FOVEA_OK) return status;
    *level = choose_isa(settings->isa, log);
    return *level == nullptr ? FOVEA_ERROR_UNSUPPORTED_ISA : FOVEA_OK;
}

// Of the step's operands and weights, each once; the caller's pixels as bytes.
std::uint64_t bytes_read(const Plan& plan, const Step& step) {
    std::uint64_t bytes = step.weight_bytes;
    if (step.reads_caller_input) return bytes + plan.values[0].shape.count();
    for (std::uint32_t i = 0; i < step.operand_count; ++i) {
        bytes += plan.values[plan.operand(step, i)].bytes();
    }
    return bytes;
}

}  // namespace

void fovea_session_settings_init_sized(fovea_session_settings* settings, size_t size) {
    fovea_session_settings defaults = {};
    defaults.threads = 1;
    defaults.max_image_side = 16384;
    defaults.max_image_pixels = 100'000'000;
    defaults.max_decode_bytes = std::uint64_t{1} << 30;
    defaults.max_workspace_bytes = std::uint64_t{1} << 30;
    defaults.typicality = 1;
    set_defaults(defaults, settings, size);
}

fovea_status fovea_session_workspace_size(const fovea_model* model,
                                          const fovea_session_settings* given, size_t* bytes) {
    if (bytes == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    const DefaultFloats floats;
    fovea_session_settings settings;
    const ops::IsaLevel* level = nullptr;
    fovea_status status = check_arguments(model, given, &settings, &level);
    if (status != FOVEA_OK) return status;
    SessionPlan planned(to_internal(settings.allocator), level);
    status = plan_session(model->file, settings, Log(settings.log), &planned);
    if (status == FOVEA_OK) *bytes = static_cast<std::size_t>(planned.plan.workspace_size);
    return status;
}

fovea_status fovea_session_create(const fovea_model* model, const fovea_session_settings* given,
                                  fovea_session** session) {
    if (session == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    *session = nullptr;
    const DefaultFloats floats;
    fovea_session_settings settings;
    const ops::IsaLevel* level = nullptr;
    fovea_status status = check_arguments(model, given, &settings, &level);
    if (status != FOVEA_OK) return status;
    const Allocator allocator = to_internal(settings.allocator);
    auto* made = create<fovea_session>(allocator, *model, settings, level);
    if (made == nullptr) {
        return Log(settings.log).fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for a session");
    }
    status = made->prepare(settings);
    if (status != FOVEA_OK) {
        destroy(allocator, made);
        return status;
    }
    *session = made;
    return FOVEA_OK;
}

void fovea_session_close(fovea_session** session) {
    if (session == nullptr || *session == nullptr) return;
    fovea_session* const closing = *session;
    // Busy to the end: the allocator's callback may call, too.
    if (closing->busy.exchange(true, std::memory_order_acquire)) return;
    *session = nullptr;
    const Allocator allocator = closing->allocator;
    destroy(allocator, closing);
}

fovea_status fovea_session_describe(const fovea_session* session, fovea_session_info* info) {
    if (session == nullptr || !can_be_filled(info)) return FOVEA_ERROR_INVALID_ARGUMENT;
    const SessionCall call(*session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    const Plan& plan = session->planned.plan;
    const Shape& input = session->input_shape();
    fill_struct({.size = 0,
                 .input_height = input.height,
                 .input_width = input.width,
                 .input_channels = input.channels,
                 .threads = plan.threads,
                 .isa = session->planned.isa->name,
                 .workspace_bytes = static_cast<std::size_t>(plan.workspace_size),
                 .multiply_adds = plan.multiply_adds},
                info);
    return FOVEA_OK;
}

fovea_status fovea_session_print_plan(const fovea_session* session,
                                      void (*write)(void* cookie, const char* line), void* cookie) {
    if (session == nullptr || write == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    const SessionCall call(*session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    print_plan(session->file().graph, session->planned.plan, write, cookie);
    return FOVEA_OK;
}

fovea_status fovea_run(fovea_session* session, const void* input, fovea_dtype dtype, float* logits,
                       float* probabilities) {
    if (session == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    const SessionCall call(*session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    fovea_status status = check_run_input("run", input, dtype, session->input_shape().count(), session->log);
    if (status != FOVEA_OK) return status;
    float made_logits[kMaxClasses], made_probabilities[kMaxClasses];
    status = session->run(input, dtype, made_logits, probabilities == nullptr ? nullptr : made_probabilities);
    if (status != FOVEA_OK) return status;
    const std::size_t logit_count = session->file().labels.logit_count();
    const std::size_t class_count = probabilities == nullptr ? 0 : session->file().labels.class_count();
    if (!all_finite(made_logits, logit_count) || !all_finite(made_probabilities, class_count)) {
        return refuse_results("the network's results", {{"the input", input, dtype}}, session->input_shape().count(), session->log);
    }
    if (logits != nullptr) std::copy_n(made_logits, logit_count, logits);
    std::copy_n(made_probabilities, class_count, probabilities);
    return FOVEA_OK;
}

fovea_status fovea_session_tap(const fovea_session* session, const char* name,
                               fovea_tensor* tensor) {
    if (session == nullptr || name == nullptr || !can_be_filled(tensor)) {
        return FOVEA_ERROR_INVALID_ARGUMENT;
    }
    const SessionCall call(*session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    const std::uint32_t node = session->file().graph.find_layer(name);
    const Buffer<std::uint32_t>& taps = session->planned.taps;
    const std::uint32_t* const callers_end = taps.begin() + session->planned.caller_taps;
    if (node == kNone || std::find(taps.begin(), callers_end, node + 1) == callers_end) {
        return session->log.fail(FOVEA_ERROR_UNKNOWN_TAP,
                                 "tap '%.200s': not among the taps of this session", name);
    }
    if (!session->has_run) {
        return session->log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "tap '%.200s': nothing was run yet",
                                 name);
    }
    const Shape& shape = session->planned.plan.values[node + 1].shape;
    fill_struct({.size = 0,
                 .data = session->executor->value(node + 1),
                 .height = shape.height,
                 .width = shape.width,
                 .channels = shape.channels,
                 .reserved = 0},
                tensor);
    return FOVEA_OK;
}

void fovea_session_profile(fovea_session* session, int on) {
    if (session == nullptr) return;
    const SessionCall call(*session);
    if (!call.may_go_on()) return;
    session->profiled = on != 0;
    session->executor->set_step_seconds(session->profiled ? session->step_seconds.data() : nullptr);
}

uint32_t fovea_session_step_times(const fovea_session* session, fovea_step_time* times,
                                  uint32_t capacity) {
    if (session == nullptr) return 0;
    const SessionCall call(*session);
    if (!call.may_go_on() || !session->profiled) return 0;
    const Plan& plan = session->planned.plan;
    const Graph& graph = session->file().graph;
    const auto count = static_cast<std::uint32_t>(plan.step_count);
    const std::size_t entry_size = capacity != 0 && can_be_filled(times) ? times->size : 0;
    for (std::uint32_t i = 0; entry_size != 0 && i < std::min(count, capacity); ++i) {
        const Step& step = plan.steps[i];
        const char* name = step.node == kNone ? "(input)" : graph.name_of(step.node);
        if (name == nullptr) name = node_kind_name(graph.nodes[step.node].kind);
        set_defaults<fovea_step_time>({.size = 0,
                                       .name = name,
                                       .kernel = step.kernel,
                                       .seconds = session->step_seconds[i],
                                       .multiply_adds = step.multiply_adds,
                                       .bytes_read = bytes_read(plan, step),
                                       .bytes_written = plan.values[step.output].bytes()},
                                      entry_of(times, entry_size, i), entry_size);
    }
    return count;
}

fovea_status fovea_selftest(fovea_session* session, double* worst_difference) {
    if (session == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    const SessionCall call(*session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    const Golden& golden = session->file().golden;
    const Log& log = session->log;
    if (golden.count == 0) {
        return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL, "the model has no golden vectors");
    }
    const Shape& input = session->input_shape();
    if (golden.height != input.height || golden.width != input.width) {
        return log.fail(FOVEA_ERROR_INPUT_SIZE,
                        "the golden vectors are %u x %u, this session runs %u x %u", golden.height,
                        golden.width, input.height, input.width);
    }
    double worst = 0;
    for (std::uint32_t i = 0; i < golden.count; ++i) {
        float logits[kMaxClasses];
        const fovea_status status = session->run(golden.pixels(i), FOVEA_U8, logits, nullptr);
        if (status != FOVEA_OK) return status;
        for (std::uint32_t j = 0; j < golden.output_count; ++j) {
            const double difference =
                std::fabs(static_cast<double>(logits[j]) - golden.logits(i)[j]);
            // A NaN stays: it compares false with everything and must not look small.
            if (!(difference <= worst)) worst = difference;
            if (std::isnan(worst)) break;
        }
        if (std::isnan(worst)) break;
    }
    if (worst_difference != nullptr) *worst_difference = worst;
    if (worst <= golden.tolerance) return FOVEA_OK;
    return log.fail(FOVEA_ERROR_SELFTEST_FAILED, "a logit is off by %g, the file allows %g", worst,
                    static_cast<double>(golden.tolerance));
}
