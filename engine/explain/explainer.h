// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engine/explain/float_twin.h"
#include "engine/session.h"
#include "engine/steps/objective.h"
#include "fovea/fovea.h"
#include "preprocess/image.h"
#include "preprocess/photo.h"

// The public header's opaque explainer: a session whose plan goes back to the input. Of a network of codes the session's plan does not: its
// gradients are taken of its float twin, which has a plan of its own in the same workspace.
struct fovea_explainer {
    fovea_explainer(const fovea_model& model, const fovea_session_settings& session_settings,
                    const fovea_explain_settings& settings_, const fovea::ops::IsaLevel* level);

    fovea_session session;
    fovea::FloatTwin twin;
    fovea::Plan twin_plan;
    fovea::Executor* twin_executor = nullptr;  // as the session's
    alignas(fovea::Executor) unsigned char twin_executor_place[sizeof(fovea::Executor)];
    // explain_photo() for a screening, which reaches it by this alone: a program that never makes an explainer has none of it linked.
    fovea_status (*const explain_screened)(fovea_explainer& explainer, const fovea::preprocess::Photo& photo,
                                           fovea_explanation* explanation);
    fovea_explain_settings settings;  // without layer, which the caller may free
    fovea::Objective objective;
    std::uint32_t layer = fovea::kNone;  // value, of Grad-CAM and attention
    fovea::preprocess::Image picture;    // what the network saw of the last photo

    // Settings must have been checked. start() then makes everything that running needs.
    fovea_status plan(const fovea_session_settings& wanted, const char* layer_name);
    fovea_status start(const fovea_session_settings& wanted);
    fovea_status explain(const void* input, fovea_dtype dtype, float* logits, fovea_explanation* explanation);
    // The same of what the model's preset makes of a photo.
    fovea_status explain_photo(const fovea::preprocess::Photo& photo, float* logits, fovea_explanation* explanation);

    std::uint32_t logit_count() const { return session.file().labels.logit_count(); }
    std::size_t input_count() const { return session.input_shape().count(); }
    const fovea::Shape& layer_shape() const { return session.planned.plan.values[layer].shape; }
    // What maps are made of: the session's network, or its twin.
    const fovea::Graph& graph() const { return twin.exists() ? twin.graph : session.file().graph; }
    const fovea::Plan& map_plan() const { return twin.exists() ? twin_plan : session.planned.plan; }
    fovea::Executor& executor() const { return twin.exists() ? *twin_executor : *session.executor; }
    std::uint32_t map_value(std::uint32_t value) const { return twin.exists() ? twin.values[value] : value; }
    // The method's own memory, behind the plan's.
    float* extra() const { return reinterpret_cast<float*>(session.memory + session.planned.plan.workspace_size - extra_bytes()); }
    std::uint64_t extra_bytes() const;

    // Runs once what maps are made of; `backward` or not. FOVEA_ERROR_BAD_MODEL, not logged yet, where the logits are no numbers.
    fovea_status run(const void* input, fovea_dtype dtype, bool backward);
    // Of the last run:
    const float* logits() const { return executor().value(graph().logits); }
    const float* layer_values() const { return executor().value(map_value(layer)); }
    // Of a value of the session's network; null where the objective does not depend on it.
    const float* gradient_of(std::uint32_t value) const;

  private:
    fovea_status plan_twin(const fovea_session_settings& wanted);
    // Of results that are no numbers: `of_method` = what the method made of the caller's input, and of its baseline where it has one.
    fovea_status refuse(const char* results, const void* input, fovea_dtype dtype, bool of_method) const;
    // explain() with the objective's class filled in.
    fovea_status explain_as_asked(const void* input, fovea_dtype dtype, float* logits, fovea_explanation* explanation);
};

namespace fovea {

fovea_status check_explain_settings(const fovea_model& model, const fovea_explain_settings& settings, const Log& log);

// The methods, each in its file, after a run at the input. *map receives what fovea_explanation::map points to.
fovea_status smooth_gradient(fovea_explainer& explainer, const void* input, fovea_dtype dtype, const float** map);
fovea_status integrated_gradients(fovea_explainer& explainer, const void* input, fovea_dtype dtype, double scalar,
                                  const float** map, double* gap);
fovea_status occlusion(fovea_explainer& explainer, const void* input, fovea_dtype dtype, double scalar, const float** map);
const float* grad_cam(fovea_explainer& explainer);

// Squares that cover an input of that side: at 0, stride, ... and, where that leaves a rest, at the end.
struct Squares {
    std::uint32_t side, stride, length;

    std::uint32_t count() const { return (length - side) / stride + ((length - side) % stride != 0) + 1; }
    std::uint32_t begin(std::uint32_t i) const { return i + 1 < count() ? i * stride : length - side; }
};
Squares squares_along(const fovea_explain_settings& settings, const Shape& input, std::uint32_t length);

// The input's value i as a float.
inline float input_value(const void* input, fovea_dtype dtype, std::size_t i) {
    return dtype == FOVEA_U8 ? static_cast<float>(static_cast<const std::uint8_t*>(input)[i])
                             : static_cast<const float*>(input)[i];
}

// What the caller's baseline has there.
inline double baseline_value(const fovea_explain_settings& settings, std::size_t i) {
    return settings.baseline_values != nullptr ? static_cast<double>(settings.baseline_values[i]) : settings.baseline;
}

}  // namespace fovea
