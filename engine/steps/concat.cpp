// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "engine/steps/operations.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

void run_concat(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const std::size_t element = element_bytes(run.value(step.output).type);
    const std::size_t stride = static_cast<std::size_t>(run.output_stride(step)) * element;
    auto* output = run.output<std::uint8_t>(step, pixels.begin, thread);
    for (std::uint32_t i = 0; i < step.operand_count; ++i) {
        const std::size_t bytes = run.operand_value(step, i).shape.channels * element;
        const std::size_t input_stride = static_cast<std::size_t>(run.operand_stride(step, i)) * element;
        const auto* const input = run.operand<std::uint8_t>(step, i, pixels.begin, thread);
        for (std::uint64_t p = 0; input != output && p < pixels.count(); ++p) {
            std::memcpy(output + p * stride, input + p * input_stride, bytes);
        }
        output += bytes;
    }
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    Step& step = writer.begin(index, writer.result_of(index));
    for (std::uint32_t i = 0; i < writer.node(index).operand_count; ++i) writer.read(step, writer.operand(index, i));
    writer.use(step, "copy", run_concat);
    step.strides = step.joins = true;
    writer.finish(step, Unit::kPixel);
    return ops::Activation::kNone;
}

}  // namespace

constinit const Operation concat_operation = {type_of_all, emit};

}  // namespace fovea
