// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "engine/align.h"
#include "engine/explain/explainer.h"

namespace fovea {

// (x - x0) times the mean of the gradients at x0 + (k + 1/2) / m * (x - x0).
fovea_status integrated_gradients(fovea_explainer& explainer, const void* input, fovea_dtype dtype, double scalar,
                                  const float** map, double* gap) {
    const std::size_t count = explainer.input_count();
    const std::uint32_t steps = explainer.settings.steps;
    const fovea_explain_settings& settings = explainer.settings;
    const auto begin = [&](std::size_t i) { return baseline_value(settings, i); };
    float* const between = explainer.extra();
    float* const sum = between + align_up(count * sizeof(float)) / sizeof(float);
    for (std::size_t i = 0; i < count; ++i) between[i] = static_cast<float>(begin(i));
    fovea_status status = explainer.run(between, FOVEA_F32, false);
    if (status != FOVEA_OK) return status;
    const double difference = scalar - objective_value(explainer.objective, explainer.logits(), explainer.logit_count());
    std::fill_n(sum, count, 0.0f);
    for (std::uint32_t k = 0; k < steps; ++k) {
        const double way = (k + 0.5) / steps;
        for (std::size_t i = 0; i < count; ++i) {
            between[i] = static_cast<float>(begin(i) + way * (input_value(input, dtype, i) - begin(i)));
        }
        status = explainer.run(between, FOVEA_F32, true);
        if (status != FOVEA_OK) return status;
        const float* const gradient = explainer.gradient_of(0);
        for (std::size_t i = 0; i < count; ++i) sum[i] += gradient[i];
    }
    double total = 0;
    for (std::size_t i = 0; i < count; ++i) {
        sum[i] = static_cast<float>(sum[i] * (input_value(input, dtype, i) - begin(i)) / steps);
        total += static_cast<double>(sum[i]);
    }
    *gap = difference != 0 ? (total - difference) / std::fabs(difference) : 0;
    *map = sum;
    return FOVEA_OK;
}

}  // namespace fovea
