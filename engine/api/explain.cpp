// SPDX-License-Identifier: Apache-2.0
// C entry points: explanations.
#include <algorithm>
#include <cmath>

#include "engine/api/common.h"
#include "engine/explain/explainer.h"
#include "engine/isa.h"
#include "engine/plan/print.h"

using namespace fovea;

namespace {

// What workspace_size and create are given, null replaced by defaults, checked; and what is made of it.
struct Asked {
    fovea_session_settings session_defaults;
    fovea_explain_settings explain_defaults;
    const fovea_session_settings* session;
    const fovea_explain_settings* explain;

    Asked(const fovea_session_settings* session_settings, const fovea_explain_settings* settings)
        : session(session_settings), explain(settings) {
        if (session == nullptr) {
            fovea_session_settings_init(&session_defaults);
            session = &session_defaults;
        }
        if (explain == nullptr) {
            fovea_explain_settings_init(&explain_defaults);
            explain = &explain_defaults;
        }
    }

    fovea_status check(const fovea_model* model, const ops::IsaLevel** level) const {
        if (model == nullptr || !is_initialised(session) || !is_initialised(explain)) return FOVEA_ERROR_INVALID_ARGUMENT;
        const Log log(session->log);
        fovea_status status = check_session_settings(session, log);
        if (status == FOVEA_OK) status = check_explain_settings(*model, *explain, log);
        if (status != FOVEA_OK) return status;
        *level = choose_isa(session->isa, log);
        return *level == nullptr ? FOVEA_ERROR_UNSUPPORTED_ISA : FOVEA_OK;
    }
};

fovea_explainer* make(const Asked& asked, const fovea_model& model, const ops::IsaLevel* level) {
    auto* const made =
        create<fovea_explainer>(to_internal(asked.session->allocator), model, *asked.session, *asked.explain, level);
    if (made == nullptr) Log(asked.session->log).write(FOVEA_LOG_ERROR, "out of memory for an explainer");
    return made;
}

}  // namespace

void fovea_explain_settings_init(fovea_explain_settings* settings) {
    if (settings == nullptr) return;
    *settings = {};
    settings->size = sizeof(*settings);
    settings->target_class = FOVEA_DEFAULT_CLASS;
    settings->samples = 25;
    settings->noise = 0.15;
    settings->seed = 1;
    settings->steps = 50;
    settings->baseline = 128;
}

void fovea_explanation_init(fovea_explanation* explanation) {
    if (explanation == nullptr) return;
    *explanation = {};
    explanation->size = sizeof(*explanation);
}

fovea_status fovea_explainer_workspace_size(const fovea_model* model, const fovea_session_settings* session_settings,
                                            const fovea_explain_settings* settings, size_t* bytes) {
    if (bytes == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    const Asked asked(session_settings, settings);
    const ops::IsaLevel* level = nullptr;
    fovea_status status = asked.check(model, &level);
    if (status != FOVEA_OK) return status;
    fovea_explainer* const made = make(asked, *model, level);
    if (made == nullptr) return FOVEA_ERROR_OUT_OF_MEMORY;
    status = made->plan(*asked.session, asked.explain->layer);
    if (status == FOVEA_OK) *bytes = static_cast<std::size_t>(made->session.planned.plan.workspace_size);
    destroy(to_internal(asked.session->allocator), made);
    return status;
}

fovea_status fovea_explainer_create(const fovea_model* model, const fovea_session_settings* session_settings,
                                    const fovea_explain_settings* settings, fovea_explainer** explainer) {
    if (explainer == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    *explainer = nullptr;
    const Asked asked(session_settings, settings);
    const ops::IsaLevel* level = nullptr;
    fovea_status status = asked.check(model, &level);
    if (status != FOVEA_OK) return status;
    fovea_explainer* const made = make(asked, *model, level);
    if (made == nullptr) return FOVEA_ERROR_OUT_OF_MEMORY;
    status = made->plan(*asked.session, asked.explain->layer);
    if (status == FOVEA_OK) status = made->session.start(*asked.session);
    if (status != FOVEA_OK) {
        destroy(to_internal(asked.session->allocator), made);
        return status;
    }
    *explainer = made;
    return FOVEA_OK;
}

void fovea_explainer_close(fovea_explainer** explainer) {
    if (explainer == nullptr || *explainer == nullptr) return;
    fovea_explainer* const closing = *explainer;
    // Busy to the end: the allocator's callback may call, too.
    if (closing->session.busy.exchange(true, std::memory_order_acquire)) return;
    *explainer = nullptr;
    const Allocator allocator = closing->session.allocator;
    destroy(allocator, closing);
}

fovea_status fovea_explain(fovea_explainer* explainer, const void* input, fovea_dtype dtype, float* logits,
                           fovea_explanation* explanation) {
    if (explainer == nullptr || !is_initialised(explanation)) return FOVEA_ERROR_INVALID_ARGUMENT;
    const SessionCall call(explainer->session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    const Log& log = explainer->session.log;
    const fovea_status status = check_run_input("explain", input, dtype, log);
    if (status != FOVEA_OK) return status;
    if (dtype == FOVEA_F32) {
        const auto* const values = static_cast<const float*>(input);
        const bool finite = std::all_of(values, values + explainer->input_count(), [](float v) { return std::isfinite(v); });
        if (!finite) return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "explain: the input has values that are not finite");
    }
    return explainer->explain(input, dtype, logits, explanation);
}

fovea_status fovea_explainer_print_plan(const fovea_explainer* explainer, void (*write)(void* cookie, const char* line),
                                        void* cookie) {
    if (explainer == nullptr || write == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    const SessionCall call(explainer->session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    print_plan(explainer->session.file().graph, explainer->session.planned.plan, write, cookie);
    return FOVEA_OK;
}
