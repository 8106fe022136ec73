// SPDX-License-Identifier: Apache-2.0
// C entry points: explanations.
#include <utility>

#include "engine/api/common.h"
#include "engine/api/pixels.h"
#include "engine/explain/explainer.h"
#include "engine/isa.h"
#include "engine/plan/print.h"

using namespace fovea;

namespace {

// What workspace_size and create are given, over the defaults.
struct Asked {
    fovea_session_settings session;
    fovea_explain_settings explain;
    const ops::IsaLevel* level = nullptr;

    fovea_status read(const fovea_model* model, const fovea_session_settings* session_settings,
                      const fovea_explain_settings* settings) {
        if (model == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
        fovea_session_settings_init(&session);
        fovea_explain_settings_init(&explain);
        const char* problem = read_struct(session_settings, &session);
        const Log log(session.log);
        if (problem != nullptr) return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "session settings: %s", problem);
        problem = read_struct(settings, &explain);
        if (problem != nullptr) return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "explain settings: %s", problem);
        fovea_status status = check_session_settings(&session, log);
        if (status == FOVEA_OK) status = check_explain_settings(*model, explain, log);
        if (status != FOVEA_OK) return status;
        level = choose_isa(session.isa, log);
        return level == nullptr ? FOVEA_ERROR_UNSUPPORTED_ISA : FOVEA_OK;
    }
};

// An explainer with its plan.
fovea_status make_planned(const Asked& asked, const fovea_model& model, fovea_explainer** made) {
    const Allocator allocator = to_internal(asked.session.allocator);
    *made = create<fovea_explainer>(allocator, model, asked.session, asked.explain, asked.level);
    if (*made == nullptr) return Log(asked.session.log).fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for an explainer");
    const fovea_status status = (*made)->plan(asked.session, asked.explain.layer);
    if (status != FOVEA_OK) destroy(allocator, *made);
    return status;
}

}  // namespace

void fovea_explain_settings_init_sized(fovea_explain_settings* settings, size_t size) {
    fovea_explain_settings defaults = {};
    defaults.method = FOVEA_EXPLAIN_INTEGRATED_GRADIENTS;
    defaults.target_class = FOVEA_DEFAULT_CLASS;
    defaults.samples = 25;
    defaults.noise = 0.15;
    defaults.seed = 1;
    defaults.steps = 16;
    defaults.baseline = 128;
    set_defaults(defaults, settings, size);
}

fovea_status fovea_explainer_workspace_size(const fovea_model* model, const fovea_session_settings* session_settings,
                                            const fovea_explain_settings* settings, size_t* bytes) {
    if (bytes == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    const DefaultFloats floats;
    Asked asked;
    fovea_status status = asked.read(model, session_settings, settings);
    if (status != FOVEA_OK) return status;
    fovea_explainer* made = nullptr;
    status = make_planned(asked, *model, &made);
    if (status != FOVEA_OK) return status;
    *bytes = static_cast<std::size_t>(made->session.planned.plan.workspace_size);
    destroy(to_internal(asked.session.allocator), made);
    return FOVEA_OK;
}

fovea_status fovea_explainer_create(const fovea_model* model, const fovea_session_settings* session_settings,
                                    const fovea_explain_settings* settings, fovea_explainer** explainer) {
    if (explainer == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    *explainer = nullptr;
    const DefaultFloats floats;
    Asked asked;
    fovea_status status = asked.read(model, session_settings, settings);
    if (status != FOVEA_OK) return status;
    fovea_explainer* made = nullptr;
    status = make_planned(asked, *model, &made);
    if (status != FOVEA_OK) return status;
    status = made->start(asked.session);
    if (status != FOVEA_OK) {
        destroy(to_internal(asked.session.allocator), made);
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
    if (explainer == nullptr || !can_be_filled(explanation)) return FOVEA_ERROR_INVALID_ARGUMENT;
    const SessionCall call(explainer->session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    const fovea_status status = check_run_input("explain", input, dtype, explainer->input_count(), explainer->session.log);
    if (status != FOVEA_OK) return status;
    fovea_explanation made = {};
    const fovea_status explained = explainer->explain(input, dtype, logits, &made);
    if (explained == FOVEA_OK) fill_struct(made, explanation);
    return explained;
}

fovea_status fovea_explain_photo(fovea_explainer* explainer, const fovea_pixels* photo, float* logits,
                                 fovea_explanation* explanation) {
    if (explainer == nullptr || !can_be_filled(explanation)) return FOVEA_ERROR_INVALID_ARGUMENT;
    const SessionCall call(explainer->session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    const PictureContext context(explainer->session.settings);
    preprocess::Image upright(context.allocator);
    fovea_explanation made = {};
    fovea_status status = read_pixels(photo, context, &upright);
    if (status == FOVEA_OK) status = explainer->explain_photo(preprocess::Photo(std::move(upright)), logits, &made);
    if (status == FOVEA_OK) fill_struct(made, explanation);
    return status;
}

fovea_status fovea_explain_bytes(fovea_explainer* explainer, const void* data, size_t data_size, float* logits,
                                 fovea_explanation* explanation) {
    if (explainer == nullptr || !can_be_filled(explanation)) return FOVEA_ERROR_INVALID_ARGUMENT;
    const SessionCall call(explainer->session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    const PictureContext context(explainer->session.settings);
    if (data == nullptr) return context.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "explain: data is null");
    preprocess::Photo photo(context.allocator);
    fovea_explanation made = {};
    const preprocess::PresetSettings preset =
        model_preset(explainer->session.file().preprocessing, explainer->session.input_shape().height);
    fovea_status status = decode_photo(data, data_size, preset, context, &photo, nullptr);
    if (status == FOVEA_OK) status = explainer->explain_photo(photo, logits, &made);
    if (status == FOVEA_OK) fill_struct(made, explanation);
    return status;
}

fovea_status fovea_explainer_print_plan(const fovea_explainer* explainer, void (*write)(void* cookie, const char* line),
                                        void* cookie) {
    if (explainer == nullptr || write == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    const SessionCall call(explainer->session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    print_plan(explainer->session.file().graph, explainer->session.planned.plan, write, cookie);
    if (explainer->twin.exists()) print_plan(explainer->twin.graph, explainer->twin_plan, write, cookie);
    return FOVEA_OK;
}
