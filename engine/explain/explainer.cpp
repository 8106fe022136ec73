// SPDX-License-Identifier: Apache-2.0
#include "engine/explain/explainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/align.h"
#include "engine/steps/backward_pass.h"

namespace fovea {
namespace {

constexpr std::uint32_t kMostRuns = 10000;
constexpr double kMostNoise = 10;

// Which classes the scalar is of, where the caller names none.
Objective objective_of(const fovea_explain_settings& settings, const Labels& labels) {
    Objective objective;
    objective.form = labels.form;
    switch (settings.scalar) {
        case FOVEA_SCALAR_LOSS:
            objective.kind = Objective::Kind::kLoss;
            break;
        case FOVEA_SCALAR_LOGIT:
            objective.kind = Objective::Kind::kLogit;
            break;
        case FOVEA_SCALAR_PROBABILITY:
            objective.kind = Objective::Kind::kProbability;
            break;
        default:
            objective.kind = Objective::Kind::kMargin;
            break;
    }
    if (settings.target_class != FOVEA_DEFAULT_CLASS) {
        objective.first_class = objective.last_class = settings.target_class;
    } else if (objective.kind == Objective::Kind::kMargin) {
        objective.first_class = std::min(labels.first_positive(), labels.class_count() - 1);
        objective.last_class = labels.class_count() - 1;
    } else {
        objective.first_class = objective.last_class = Objective::kPredicted;
    }
    return objective;
}

}  // namespace

fovea_status check_explain_settings(const fovea_model& model, const fovea_explain_settings& settings, const Log& log) {
    const auto bad = [&](const char* what) {
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "explain settings: %s", what);
    };
    const std::uint32_t classes = model.file.labels.class_count();
    if (settings.method < FOVEA_EXPLAIN_GRADIENT || settings.method > FOVEA_EXPLAIN_GRAD_CAM) return bad("unknown method");
    if (settings.scalar < FOVEA_SCALAR_MARGIN || settings.scalar > FOVEA_SCALAR_PROBABILITY) return bad("unknown scalar");
    if (settings.target_class != FOVEA_DEFAULT_CLASS && settings.target_class >= classes) {
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "explain settings: there is no class %u, the model has %u",
                        settings.target_class, classes);
    }
    if (model.file.graph.has_codes()) {
        return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL,
                        "explain: the model computes in whole numbers of 8 bits, which have no gradient; explain the one it was made of");
    }
    if (classes < 2) {
        return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL, "explain: the model has one class, which is always certain");
    }
    if (settings.samples < 1 || settings.samples > kMostRuns) return bad("samples is outside 1 to 10000");
    if (settings.steps < 1 || settings.steps > kMostRuns) return bad("steps is outside 1 to 10000");
    if (!(settings.noise >= 0 && settings.noise <= kMostNoise)) return bad("noise is outside 0 to 10");
    if (!(settings.baseline >= 0 && settings.baseline <= 255)) return bad("baseline is outside 0 to 255");
    if (settings.method == FOVEA_EXPLAIN_GRAD_CAM && settings.layer == nullptr) return bad("Grad-CAM needs a layer");
    return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

fovea_explainer::fovea_explainer(const fovea_model& model, const fovea_session_settings& session_settings,
                                 const fovea_explain_settings& settings_, const ops::IsaLevel* level)
    : session(model, session_settings, level),
      settings(settings_),
      objective(objective_of(settings_, model.file.labels)),
      picture(session.allocator) {
    settings.layer = nullptr;
    session.planned.backward = &kBackwardPass;
}

fovea_status fovea_explainer::plan(const fovea_session_settings& wanted, const char* layer_name) {
    const bool needs_layer = settings.method == FOVEA_EXPLAIN_GRAD_CAM;
    fovea_session_settings kept = wanted;
    kept.taps = needs_layer ? &layer_name : nullptr;
    kept.tap_count = needs_layer ? 1 : 0;
    kept.typicality = 0;
    const fovea_status status = plan_session(session.file(), kept, session.log, &session.planned);
    if (status != FOVEA_OK) return status;
    Plan& plan = session.planned.plan;
    if (needs_layer) layer = session.planned.taps[0];
    if (plan.gradients[needs_layer ? layer : 0] == kNone) {
        return session.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "explain: the logits do not depend on %s",
                                needs_layer ? NodeLabel(session.file().graph, layer - 1).text : "the input");
    }
    plan.workspace_size += extra_bytes();
    return FOVEA_OK;
}

std::uint64_t fovea_explainer::extra_bytes() const {
    switch (settings.method) {
        case FOVEA_EXPLAIN_SMOOTH_GRADIENT:  // a changed input, and the sum of gradients
        case FOVEA_EXPLAIN_INTEGRATED_GRADIENTS:
            return 2 * align_up(input_count() * sizeof(float));
        case FOVEA_EXPLAIN_GRAD_CAM:  // the map, and the weights of its channels
            return align_up((layer_shape().pixels() + layer_shape().channels) * sizeof(float));
        default:
            return 0;
    }
}

const float* fovea_explainer::gradient_of(std::uint32_t value) const {
    const std::uint32_t gradient = session.planned.plan.gradients[value];
    return gradient == kNone ? nullptr : session.executor->value(gradient);
}

fovea_status fovea_explainer::run(const void* input, fovea_dtype dtype, bool backward) {
    session.pool.notice_fork();
    const fovea_status status = session.executor->run({input, dtype, objective, !backward});
    if (status != FOVEA_OK) return session.log.fail(status, "the explanation was cancelled");
    const float* const values = logits();
    if (std::all_of(values, values + logit_count(), [](float logit) { return std::isfinite(logit); })) return FOVEA_OK;
    return session.log.fail(FOVEA_ERROR_BAD_MODEL, "explain: the network's output is not a number");
}

fovea_status fovea_explainer::explain(const void* input, fovea_dtype dtype, float* out_logits, fovea_explanation* explanation) {
    const Objective asked = objective;
    const bool by_gradient = settings.method == FOVEA_EXPLAIN_GRADIENT || settings.method == FOVEA_EXPLAIN_GRAD_CAM;
    fovea_status status = run(input, dtype, by_gradient);
    if (status != FOVEA_OK) return status;
    const Objective everything = {Objective::Kind::kLogit, objective.form, Objective::kPredicted, 0};
    objective = with_class(objective, logits(), logit_count());
    fovea_explanation made = {};
    made.target_class = objective.first_class;
    made.predicted_class = with_class(everything, logits(), logit_count()).first_class;
    made.scalar = objective_value(objective, logits(), logit_count());
    float first_logits[kMaxClasses];
    std::copy_n(logits(), logit_count(), first_logits);
    Shape shape = session.input_shape();
    switch (settings.method) {
        case FOVEA_EXPLAIN_SMOOTH_GRADIENT:
            status = smooth_gradient(*this, input, dtype, &made.map);
            break;
        case FOVEA_EXPLAIN_INTEGRATED_GRADIENTS:
            status = integrated_gradients(*this, input, dtype, made.scalar, &made.map, &made.completeness_gap);
            break;
        case FOVEA_EXPLAIN_GRAD_CAM:
            shape = layer_shape();
            shape.channels = 1;
            made.map = grad_cam(*this);
            break;
        default:
            made.map = gradient_of(0);
            break;
    }
    objective = asked;
    if (status != FOVEA_OK) return status;
    const auto finite = [](float value) { return std::isfinite(value); };
    if (!std::all_of(made.map, made.map + shape.count(), finite)) {
        return session.log.fail(FOVEA_ERROR_BAD_MODEL, "explain: the map has values that are not finite");
    }
    if (dtype == FOVEA_U8 && session.input_shape().channels == 3) made.picture = static_cast<const std::uint8_t*>(input);
    made.photo_width = session.input_shape().width;
    made.photo_height = session.input_shape().height;
    made.height = shape.height;
    made.width = shape.width;
    made.channels = shape.channels;
    if (out_logits != nullptr) std::copy_n(first_logits, logit_count(), out_logits);
    *explanation = made;
    return FOVEA_OK;
}
