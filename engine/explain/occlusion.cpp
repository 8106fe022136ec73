// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "engine/align.h"
#include "engine/explain/explainer.h"

namespace fovea {
namespace {

constexpr std::uint32_t kSquaresPerSide = 8;

// How many of the squares lie over the pixel.
std::uint32_t squares_over(const Squares& squares, std::uint32_t pixel) {
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < squares.count(); ++i) {
        const std::uint32_t begin = squares.begin(i);
        if (begin <= pixel && pixel - begin < squares.side) ++count;
    }
    return count;
}

}  // namespace

Squares squares_along(const fovea_explain_settings& settings, const Shape& input, std::uint32_t length) {
    const std::uint32_t own = std::max(std::min(input.height, input.width) / kSquaresPerSide, 1u);
    const std::uint32_t side = settings.patch != 0 ? settings.patch : own;
    return {side, settings.stride != 0 ? settings.stride : std::max(side / 2, 1u), length};
}

// map[p] = the mean, over the squares that cover p, of the scalar of the input less that of the input with the square covered.
fovea_status occlusion(fovea_explainer& explainer, const void* input, fovea_dtype dtype, double scalar, const float** map) {
    const Shape& shape = explainer.session.input_shape();
    const fovea_explain_settings& settings = explainer.settings;
    const Squares rows = squares_along(settings, shape, shape.height), columns = squares_along(settings, shape, shape.width);
    const std::size_t count = explainer.input_count(), width = shape.width, channels = shape.channels;
    float* const covered = explainer.extra();
    float* const falls = covered + align_up(count * sizeof(float)) / sizeof(float);
    std::fill_n(falls, shape.pixels(), 0.0f);
    for (std::size_t i = 0; i < count; ++i) covered[i] = input_value(input, dtype, i);
    const auto for_each_pixel = [&](std::uint32_t top, std::uint32_t left, const auto& visit) {
        for (std::size_t y = top; y < std::size_t{top} + rows.side; ++y) {
            for (std::size_t x = left; x < std::size_t{left} + columns.side; ++x) visit(y * width + x);
        }
    };
    for (std::uint32_t i = 0; i < rows.count(); ++i) {
        for (std::uint32_t j = 0; j < columns.count(); ++j) {
            const std::uint32_t top = rows.begin(i), left = columns.begin(j);
            for_each_pixel(top, left, [&](std::size_t p) {
                for (std::size_t c = p * channels; c < (p + 1) * channels; ++c) {
                    covered[c] = static_cast<float>(baseline_value(settings, c));
                }
            });
            const fovea_status status = explainer.run(covered, FOVEA_F32, false);
            if (status != FOVEA_OK) return status;
            const double fall = scalar - objective_value(explainer.objective, explainer.logits(), explainer.logit_count());
            for_each_pixel(top, left, [&](std::size_t p) {
                falls[p] += static_cast<float>(fall);
                for (std::size_t c = p * channels; c < (p + 1) * channels; ++c) covered[c] = input_value(input, dtype, c);
            });
        }
    }
    for (std::uint32_t y = 0; y < shape.height; ++y) {
        const std::uint32_t of_row = squares_over(rows, y);
        for (std::uint32_t x = 0; x < shape.width; ++x) {
            const std::uint32_t over = of_row * squares_over(columns, x);
            // Squares farther apart than they are large leave gaps, of which nothing is known.
            if (over != 0) falls[y * width + x] /= static_cast<float>(over);
        }
    }
    *map = falls;
    return FOVEA_OK;
}

}  // namespace fovea
