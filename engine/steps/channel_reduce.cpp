// SPDX-License-Identifier: Apache-2.0
#include "ops/channel_reduce/channel_reduce.h"

#include "engine/steps/operations.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

template <typename Element>
void run_channel_reduce(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    step.call(ops::ChannelReduceArgs<Element>{.input = run.operand<Element>(step, 0, pixels.begin, thread),
                                              .input_stride = run.operand_stride(step, 0),
                                              .output = run.output<Element>(step, pixels.begin, thread),
                                              .output_stride = run.output_stride(step),
                                              .pixels = static_cast<std::size_t>(pixels.count()),
                                              .channels = static_cast<int>(step.input_shape.channels),
                                              .kind = step.get_own<ops::PoolKind>()});
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, writer.operand(index, 0));
    with_element(writer.type(index + 1), [&]<typename Element>() {
        writer.use_kernel<ops::ChannelReduceArgs<Element>>(step, run_channel_reduce<Element>);
    });
    step.set_own(writer.node(index).variant == 1 ? ops::PoolKind::kMax : ops::PoolKind::kAverage);
    step.strides = true;
    writer.finish(step, Unit::kPixel);
    return ops::Activation::kNone;
}

}  // namespace

constinit const Operation channel_reduce_operation = {type_of_first, emit};

}  // namespace fovea
