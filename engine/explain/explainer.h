// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engine/session.h"
#include "engine/steps/objective.h"
#include "fovea/fovea.h"
#include "preprocess/image.h"
#include "preprocess/photo.h"

// The public header's opaque explainer: a session whose plan goes back to the input.
struct fovea_explainer {
    fovea_explainer(const fovea_model& model, const fovea_session_settings& session_settings,
                    const fovea_explain_settings& settings_, const fovea::ops::IsaLevel* level);

    fovea_session session;
    fovea_explain_settings settings;  // without layer, which the caller may free
    fovea::Objective objective;
    std::uint32_t layer = fovea::kNone;  // value, of Grad-CAM
    fovea::preprocess::Image picture;    // what the network saw of the last photo

    // Settings must have been checked. session.start() then makes everything that running needs.
    fovea_status plan(const fovea_session_settings& wanted, const char* layer_name);
    fovea_status explain(const void* input, fovea_dtype dtype, float* logits, fovea_explanation* explanation);
    // The same of what the model's preset makes of a photo.
    fovea_status explain_photo(const fovea::preprocess::Photo& photo, float* logits, fovea_explanation* explanation);

    std::uint32_t logit_count() const { return session.file().labels.logit_count(); }
    std::size_t input_count() const { return session.input_shape().count(); }
    const fovea::Shape& layer_shape() const { return session.planned.plan.values[layer].shape; }
    // The method's own memory, behind the plan's.
    float* extra() const { return reinterpret_cast<float*>(session.memory + session.planned.plan.workspace_size - extra_bytes()); }
    std::uint64_t extra_bytes() const;

    // Runs once; `backward` or not.
    fovea_status run(const void* input, fovea_dtype dtype, bool backward);
    // Of the last run:
    const float* logits() const { return session.executor->value(session.file().graph.logits); }
    // null where the objective does not depend on it.
    const float* gradient_of(std::uint32_t value) const;
};

namespace fovea {

fovea_status check_explain_settings(const fovea_model& model, const fovea_explain_settings& settings, const Log& log);

// The methods, each in its file, after a run at the input. *map receives what fovea_explanation::map points to.
fovea_status smooth_gradient(fovea_explainer& explainer, const void* input, fovea_dtype dtype, const float** map);
fovea_status integrated_gradients(fovea_explainer& explainer, const void* input, fovea_dtype dtype, double scalar,
                                  const float** map, double* gap);
const float* grad_cam(fovea_explainer& explainer);

// The input's value i as a float.
inline float input_value(const void* input, fovea_dtype dtype, std::size_t i) {
    return dtype == FOVEA_U8 ? static_cast<float>(static_cast<const std::uint8_t*>(input)[i])
                             : static_cast<const float*>(input)[i];
}

}  // namespace fovea
