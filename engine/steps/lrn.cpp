// SPDX-License-Identifier: Apache-2.0
#include "ops/lrn/lrn.h"

#include "engine/steps/operations.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

struct Lrn {
    int radius;
    float bias, alpha, beta;
};

void run_lrn(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto& own = step.get_own<Lrn>();
    step.call(ops::LrnFp32Args{.input = run.operand<float>(step, 0, pixels.begin, thread),
                               .input_stride = run.operand_stride(step, 0),
                               .output = run.output<float>(step, pixels.begin, thread),
                               .output_stride = run.output_stride(step),
                               .pixels = static_cast<std::size_t>(pixels.count()),
                               .channels = static_cast<int>(step.output_shape.channels),
                               .radius = own.radius,
                               .bias = own.bias,
                               .alpha = own.alpha,
                               .beta = own.beta});
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    const Node& node = writer.node(index);
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, writer.operand(index, 0));
    writer.use(step, ops::kLrnFp32, run_lrn);
    const float* const numbers = writer.graph().tensors[node.weights].floats();
    step.set_own(Lrn{static_cast<int>(node.variant), numbers[0], numbers[1], numbers[2]});
    step.multiply_adds = std::uint64_t{step.output_shape.count()} * (2 * node.variant + 1);
    step.strides = true;
    writer.finish(step, Unit::kPixel);
    return ops::Activation::kNone;
}

}  // namespace

constinit const Operation lrn_operation = {type_of_floats, emit};

}  // namespace fovea
