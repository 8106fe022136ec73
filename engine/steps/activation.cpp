// SPDX-License-Identifier: Apache-2.0
#include "ops/activation/activation.h"

#include "engine/steps/operations.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

struct Activation {
    ops::Activation kind;
    float parameter;
};

template <typename Element>
void run_activation(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto& own = step.get_own<Activation>();
    const auto* const input = run.operand<Element>(step, 0, pixels.begin, thread);
    auto* const output = run.output<Element>(step, pixels.begin, thread);
    run.for_each_packed(step, pixels.count(), [&](std::uint64_t from, std::uint64_t to, std::uint64_t count) {
        step.call(ops::ActivationArgs<Element>{.input = input + from,
                                               .output = output + to,
                                               .count = static_cast<std::size_t>(count) * step.output_shape.channels,
                                               .activation = own.kind,
                                               .parameter = own.parameter});
    });
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    emit_activation(writer, index, writer.operand(index, 0));
    return writer.node(index).activation;
}

}  // namespace

void emit_activation(StepWriter& writer, std::uint32_t index, std::uint32_t value) {
    const Node& node = writer.node(index);
    Step& step = writer.begin(index, index + 1);
    writer.read(step, value);
    with_element(writer.type(value), [&]<typename Element>() {
        writer.use_kernel<ops::ActivationArgs<Element>>(step, run_activation<Element>);
    });
    step.may_overwrite = 1u << 0;
    step.strides = true;
    step.set_own(Activation{node.activation, node.activation_parameter});
    writer.finish(step, Unit::kPixel);
}

constinit const Operation activation_operation = {type_of_first, emit};

}  // namespace fovea
