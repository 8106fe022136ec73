// SPDX-License-Identifier: Apache-2.0
#include "engine/explain/explainer.h"

#include <algorithm>
#include <iterator>
#include <new>

#include "engine/align.h"
#include "engine/finite.h"
#include "engine/plan/layout.h"
#include "engine/plan/planner.h"
#include "engine/steps/backward_pass.h"

namespace fovea {
namespace {

constexpr std::uint32_t kMostRuns = 10000;
constexpr double kMostNoise = 10;
constexpr const char* kResults = "the network's results";

bool takes_gradients(fovea_explain_method method) {
    return method != FOVEA_EXPLAIN_ATTENTION && method != FOVEA_EXPLAIN_OCCLUSION;
}

bool is_of_layer(fovea_explain_method method) {
    return method == FOVEA_EXPLAIN_GRAD_CAM || method == FOVEA_EXPLAIN_ATTENTION;
}

bool has_baseline(fovea_explain_method method) {
    return method == FOVEA_EXPLAIN_INTEGRATED_GRADIENTS || method == FOVEA_EXPLAIN_OCCLUSION;
}

// A map of one channel by which the node multiplies all channels of another: that value, else kNone.
std::uint32_t gate_of(const Graph& graph, const Node& node, const Buffer<Shape>& shapes) {
    if (node.kind != NodeKind::kMultiply) return kNone;
    const std::uint32_t left = graph.operand(node, 0), right = graph.operand(node, 1);
    const bool is_gate = shapes[right].channels == 1 && shapes[left].channels > 1 && !shapes[right].is_vector();
    return is_gate ? right : kNone;
}

// The name of the layer that the method takes where the caller names none, or null.
const char* default_layer(const Graph& graph, fovea_explain_method method, const Buffer<Shape>& shapes) {
    for (std::uint32_t index = graph.node_count(); index-- > 0;) {
        std::uint32_t value = index + 1;
        if (method == FOVEA_EXPLAIN_ATTENTION) {
            value = gate_of(graph, graph.nodes[index], shapes);
        } else if (shapes[value].is_vector() || shapes[value].channels == 1) {
            value = kNone;
        }
        const char* const name = value == kNone || value == 0 ? nullptr : graph.name_of(value - 1);
        if (name != nullptr) return name;
    }
    return nullptr;
}

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
    if (settings.method < FOVEA_EXPLAIN_GRADIENT || settings.method > FOVEA_EXPLAIN_OCCLUSION) return bad("unknown method");
    if (settings.scalar < FOVEA_SCALAR_MARGIN || settings.scalar > FOVEA_SCALAR_PROBABILITY) return bad("unknown scalar");
    if (settings.target_class != FOVEA_DEFAULT_CLASS && settings.target_class >= classes) {
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "explain settings: there is no class %u, the model has %u",
                        settings.target_class, classes);
    }
    if (classes < 2) {
        return log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL, "explain: the model has one class, which is always certain");
    }
    if (settings.samples < 1 || settings.samples > kMostRuns) return bad("samples is outside 1 to 10000");
    if (settings.steps < 1 || settings.steps > kMostRuns) return bad("steps is outside 1 to 10000");
    if (!(settings.noise >= 0 && settings.noise <= kMostNoise)) return bad("noise is outside 0 to 10");
    if (!(settings.baseline >= 0 && settings.baseline <= 255)) return bad("baseline is outside 0 to 255");
    return FOVEA_OK;
}

}  // namespace fovea

using namespace fovea;

fovea_explainer::fovea_explainer(const fovea_model& model, const fovea_session_settings& session_settings,
                                 const fovea_explain_settings& settings_, const ops::IsaLevel* level)
    : session(model, session_settings, level),
      twin(session.allocator),
      twin_plan(session.allocator, session.planned.plan.features),
      explain_screened([](fovea_explainer& explainer, const preprocess::Photo& photo, fovea_explanation* explanation) {
          return explainer.explain_photo(photo, nullptr, explanation);
      }),
      settings(settings_),
      objective(objective_of(settings_, model.file.labels)),
      picture(session.allocator) {
    settings.layer = nullptr;
    if (takes_gradients(settings.method) && !model.file.graph.has_codes()) session.planned.backward = &kBackwardPass;
}

fovea_status fovea_explainer::plan_twin(const fovea_session_settings& wanted) {
    const Graph& codes = session.file().graph;
    fovea_status status = make_float_twin(codes, session.log, &twin);
    if (status != FOVEA_OK) return status;
    const std::uint32_t kept = layer == kNone ? kNone : twin.values[layer];
    const Shape& input = session.input_shape();
    const PlanRequest request{.height = input.height,
                              .width = input.width,
                              .threads = wanted.threads,
                              .kept = &kept,
                              .kept_count = layer == kNone ? 0u : 1u,
                              .cancel = {wanted.cancel, wanted.cancel_cookie},
                              .backward = &kBackwardPass};
    status = make_plan(twin.graph, request, session.log, &twin_plan);
    if (status != FOVEA_OK) return status;
    Plan* const plans[] = {&session.planned.plan, &twin_plan};
    share_workspace(plans, std::size(plans));
    return FOVEA_OK;
}

fovea_status fovea_explainer::plan(const fovea_session_settings& wanted, const char* layer_name) {
    const bool needs_layer = is_of_layer(settings.method);
    const Graph& graph = session.file().graph;
    fovea_session_settings kept = wanted;
    if (needs_layer && layer_name == nullptr) {
        const bool own_size = wanted.input_height == 0;
        Buffer<Shape> shapes(session.allocator);
        const fovea_status status = infer_shapes(graph, own_size ? graph.default_height : wanted.input_height,
                                                 own_size ? graph.default_width : wanted.input_width, FOVEA_ERROR_INPUT_SIZE,
                                                 session.log, &shapes);
        if (status != FOVEA_OK) return status;
        layer_name = default_layer(graph, settings.method, shapes);
        if (layer_name == nullptr) {
            return session.log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL, "explain: the model has no %s that has a name",
                                    settings.method == FOVEA_EXPLAIN_ATTENTION ? "gate over the places of a map" : "map");
        }
    }
    kept.taps = needs_layer ? &layer_name : nullptr;
    kept.tap_count = needs_layer ? 1 : 0;
    kept.typicality = 0;
    fovea_status status = plan_session(session.file(), kept, session.log, &session.planned);
    if (status != FOVEA_OK) return status;
    if (needs_layer) layer = session.planned.taps[0];
    if (takes_gradients(settings.method) && graph.has_codes()) status = plan_twin(wanted);
    if (status != FOVEA_OK) return status;
    if (takes_gradients(settings.method) && map_plan().gradients[map_value(needs_layer ? layer : 0)] == kNone) {
        return session.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "explain: the logits do not depend on %s",
                                needs_layer ? NodeLabel(graph, layer - 1).text : "the input");
    }
    if (settings.method == FOVEA_EXPLAIN_ATTENTION && layer_shape().channels != 1) {
        return session.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "explain: %s has %u channels: it is no map of attention",
                                NodeLabel(graph, layer - 1).text, layer_shape().channels);
    }
    if (settings.method == FOVEA_EXPLAIN_OCCLUSION) {
        const Shape& input = session.input_shape();
        const Squares rows = squares_along(settings, input, input.height), columns = squares_along(settings, input, input.width);
        if (rows.side > std::min(input.height, input.width) || std::uint64_t{rows.count()} * columns.count() > kMostRuns) {
            return session.log.fail(FOVEA_ERROR_INVALID_ARGUMENT,
                                    "explain: squares of %u pixels, one every %u, are larger than the input or more than %u", rows.side,
                                    rows.stride, kMostRuns);
        }
    }
    session.planned.plan.workspace_size += extra_bytes();
    return FOVEA_OK;
}

fovea_status fovea_explainer::start(const fovea_session_settings& wanted) {
    const fovea_status status = session.start(wanted);
    if (status != FOVEA_OK || !twin.exists()) return status;
    write_constants(twin_plan, session.memory);
    twin_executor = new (twin_executor_place) Executor(twin_plan, session.pool, session.memory);
    twin_executor->set_cancel({wanted.cancel, wanted.cancel_cookie});
    return FOVEA_OK;
}

std::uint64_t fovea_explainer::extra_bytes() const {
    switch (settings.method) {
        case FOVEA_EXPLAIN_SMOOTH_GRADIENT:  // a changed input, and the sum of gradients
        case FOVEA_EXPLAIN_INTEGRATED_GRADIENTS:
            return 2 * align_up(input_count() * sizeof(float));
        case FOVEA_EXPLAIN_GRAD_CAM:  // the map, and the weights of its channels
            return align_up((layer_shape().pixels() + layer_shape().channels) * sizeof(float));
        case FOVEA_EXPLAIN_OCCLUSION:  // a changed input, and the map
            return align_up(input_count() * sizeof(float)) + align_up(session.input_shape().pixels() * sizeof(float));
        default:
            return 0;
    }
}

const float* fovea_explainer::gradient_of(std::uint32_t value) const {
    const std::uint32_t gradient = map_plan().gradients[map_value(value)];
    return gradient == kNone ? nullptr : executor().value(gradient);
}

fovea_status fovea_explainer::refuse(const char* results, const void* input, fovea_dtype dtype, bool of_method) const {
    const float* const baseline = of_method && has_baseline(settings.method) ? settings.baseline_values : nullptr;
    return refuse_results(results, {{"the input", input, dtype}, {"the baseline", baseline, FOVEA_F32}}, input_count(), session.log);
}

fovea_status fovea_explainer::run(const void* input, fovea_dtype dtype, bool backward) {
    session.pool.notice_fork();
    const fovea_status status = executor().run({input, dtype, objective, !backward});
    if (status != FOVEA_OK) return session.log.fail(status, "the explanation was cancelled");
    return all_finite(logits(), logit_count()) ? FOVEA_OK : FOVEA_ERROR_BAD_MODEL;
}

fovea_status fovea_explainer::explain(const void* input, fovea_dtype dtype, float* out_logits, fovea_explanation* explanation) {
    const Objective asked = objective;
    const fovea_status status = explain_as_asked(input, dtype, out_logits, explanation);
    objective = asked;
    return status;
}

fovea_status fovea_explainer::explain_as_asked(const void* input, fovea_dtype dtype, float* out_logits, fovea_explanation* explanation) {
    const bool by_gradient = settings.method == FOVEA_EXPLAIN_GRADIENT || settings.method == FOVEA_EXPLAIN_GRAD_CAM;
    float first_logits[kMaxClasses];
    fovea_status status = FOVEA_OK;
    if (twin.exists()) {  // what is explained is the answer of the codes
        status = session.run(input, dtype, first_logits, nullptr);
        if (status != FOVEA_OK) return status;
        if (!all_finite(first_logits, logit_count())) return refuse(kResults, input, dtype, false);
        objective = with_class(objective, first_logits, logit_count());
    }
    status = run(input, dtype, by_gradient);
    if (status == FOVEA_ERROR_BAD_MODEL) return refuse(kResults, input, dtype, false);
    if (status != FOVEA_OK) return status;
    if (!twin.exists()) std::copy_n(logits(), logit_count(), first_logits);
    const Objective everything = {Objective::Kind::kLogit, objective.form, Objective::kPredicted, 0};
    objective = with_class(objective, first_logits, logit_count());
    const double scalar = objective_value(objective, logits(), logit_count());
    fovea_explanation made = {};
    made.target_class = objective.first_class;
    made.predicted_class = with_class(everything, first_logits, logit_count()).first_class;
    made.scalar = objective_value(objective, first_logits, logit_count());
    made.weights_as_floats = twin.exists() ? 1 : 0;
    Shape shape = session.input_shape();
    const float* const baseline = settings.baseline_values;
    if (baseline != nullptr && !all_finite(baseline, input_count())) {
        return session.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "explain: the baseline has values that are not finite");
    }
    switch (settings.method) {
        case FOVEA_EXPLAIN_SMOOTH_GRADIENT:
            status = smooth_gradient(*this, input, dtype, &made.map);
            break;
        case FOVEA_EXPLAIN_INTEGRATED_GRADIENTS:
            status = integrated_gradients(*this, input, dtype, scalar, &made.map, &made.completeness_gap);
            break;
        case FOVEA_EXPLAIN_GRAD_CAM:
            shape = layer_shape();
            shape.channels = 1;
            made.map = grad_cam(*this);
            break;
        case FOVEA_EXPLAIN_ATTENTION:
            shape = layer_shape();
            made.map = layer_values();
            break;
        case FOVEA_EXPLAIN_OCCLUSION:
            shape.channels = 1;
            status = occlusion(*this, input, dtype, scalar, &made.map);
            break;
        default:
            made.map = gradient_of(0);
            break;
    }
    // What the method changed is not the caller's: what was asked about is judged.
    if (status == FOVEA_ERROR_BAD_MODEL) return refuse(kResults, input, dtype, true);
    if (status != FOVEA_OK) return status;
    if (!all_finite(made.map, shape.count())) return refuse("the map's values", input, dtype, true);
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
