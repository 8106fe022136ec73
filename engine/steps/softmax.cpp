// SPDX-License-Identifier: Apache-2.0
#include "ops/softmax/softmax.h"

#include "engine/steps/operations.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

void run_softmax(const Run& run, const Step& step, Range, std::uint32_t) {
    ops::softmax_fp32(run.operand<float>(step, 0), run.output<float>(step),
                      static_cast<int>(step.output_shape.channels), 1.0f);
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, writer.operand(index, 0));
    writer.use(step, "softmax_fp32", run_softmax);
    step.streams = false;
    step.may_overwrite = 1u << 0;
    writer.finish(step, Unit::kWhole);
    return ops::Activation::kNone;
}

}  // namespace

constinit const Operation softmax_operation = {type_of_floats, emit};

}  // namespace fovea
