// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/explain/explainer.h"

namespace fovea {

// map[p] = max(0, sum over c of w[c] * layer[p][c]), w[c] the mean over the pixels of the layer's gradient.
const float* grad_cam(fovea_explainer& explainer) {
    const Shape& shape = explainer.layer_shape();
    const float* values = explainer.layer_values();
    const float* const gradient = explainer.gradient_of(explainer.layer);
    const std::size_t pixels = shape.pixels(), channels = shape.channels;
    float* const map = explainer.extra();
    float* const weights = map + pixels;
    for (std::size_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (std::size_t p = 0; p < pixels; ++p) sum += static_cast<double>(gradient[p * channels + c]);
        weights[c] = static_cast<float>(sum / static_cast<double>(pixels));
    }
    for (std::size_t p = 0; p < pixels; ++p, values += channels) {
        double sum = 0;
        for (std::size_t c = 0; c < channels; ++c) sum += static_cast<double>(weights[c]) * values[c];
        map[p] = static_cast<float>(std::max(sum, 0.0));
    }
    return map;
}

}  // namespace fovea
