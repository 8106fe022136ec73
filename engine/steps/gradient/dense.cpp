// SPDX-License-Identifier: Apache-2.0
#include "ops/dense/dense.h"

#include <algorithm>

#include "engine/steps/gradient/taken_back.h"

namespace fovea {
namespace {

void run_dense_gradient(const Run& run, const Step& step, Range panels, std::uint32_t thread) {
    const auto& layer = step.get_own<LayerWeights>();
    auto* const scratch = run.scratch<float>(step, thread);
    const auto out_features = static_cast<int>(step.input_shape.channels);
    const auto in_features = static_cast<int>(step.output_shape.channels);
    for (std::uint64_t p = panels.begin; p < panels.end; ++p) {
        const auto first = static_cast<int>(p * 8);
        make_transposed_panel(layer, 0,
                              {nullptr, scratch, 1, 1, in_features, out_features, first, {0, 1, 1}, {0, 1, 1}});
        step.call(ops::DenseFp32Args{.input = run.operand<float>(step, 0),
                                     .output = run.output<float>(step) + first,
                                     .weights = scratch,
                                     .bias = run.zeros(),
                                     .in_features = out_features,
                                     .out_features = std::min(in_features - first, 8),
                                     .panel_begin = 0,
                                     .panel_end = 1});
    }
}

}  // namespace

void emit_dense_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    const std::uint32_t operand = writer.operand(index, 0);
    Step& step = writer.begin(index, writer.shape(operand));
    writer.steps().read(step, gradient);
    step.set_own(weights_of(writer, step, index));
    writer.steps().use_kernel<ops::DenseFp32Args>(step, run_dense_gradient);
    step.scratch_bytes = std::uint64_t{step.input_shape.channels} * 8 * sizeof(float);
    step.streams = false;
    writer.steps().finish(step, Unit::kPanel);
    writer.contribute(index, operand, step.output);
}

}  // namespace fovea
