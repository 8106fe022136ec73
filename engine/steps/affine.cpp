// SPDX-License-Identifier: Apache-2.0
// A factor and an offset for each channel, of a map or of the caller's pixels; and the input made elements.
#include "ops/affine/affine.h"

#include "engine/steps/convert.h"
#include "engine/steps/operations.h"
#include "engine/steps/run.h"
#include "engine/steps/weights.h"

namespace fovea {
namespace {

template <typename Element>
struct PixelAffine {
    LayerWeights layer;
    void (*of_floats)(const ops::AffineArgs<float, Element>&);  // beside the step's own kernel, of bytes
};

template <typename Input, typename Element>
ops::AffineArgs<Input, Element> arguments(const Run& run, const Step& step, const LayerWeights& layer,
                                          const Input* input, Range pixels, std::uint32_t thread) {
    return {.input = input,
            .output = run.output<Element>(step, pixels.begin, thread),
            .scale = static_cast<const float*>(layer.data),
            .offset = layer.bias_in<float>(run),
            .pixels = static_cast<std::size_t>(pixels.count()),
            .channels = static_cast<int>(step.output_shape.channels)};
}

template <typename Element>
void run_affine(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    auto args = arguments<Element, Element>(run, step, step.get_own<LayerWeights>(),
                                            run.operand<Element>(step, 0, pixels.begin, thread), pixels, thread);
    const auto* const input = args.input;
    auto* const output = args.output;
    run.for_each_packed(step, pixels.count(), [&](std::uint64_t from, std::uint64_t to, std::uint64_t count) {
        args.input = input + from;
        args.output = output + to;
        args.pixels = static_cast<std::size_t>(count);
        step.call(args);
    });
}

template <typename Element>
void run_pixel_affine(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto& own = step.get_own<PixelAffine<Element>>();
    const std::uint64_t first = pixels.begin * step.output_shape.channels;
    if (run.input.dtype == FOVEA_U8) {
        const auto* const input = static_cast<const std::uint8_t*>(run.input.data) + first;
        step.call(arguments<std::uint8_t, Element>(run, step, own.layer, input, pixels, thread));
    } else {
        const auto* const input = static_cast<const float*>(run.input.data) + first;
        own.of_floats(arguments<float, Element>(run, step, own.layer, input, pixels, thread));
    }
}

template <typename Element>
void run_input(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const std::uint32_t channels = step.output_shape.channels;
    const std::uint64_t first = pixels.begin * channels;
    auto* const output = run.output<Element>(step, pixels.begin, thread);
    if (run.input.dtype == FOVEA_F32) {
        convert_elements(static_cast<const float*>(run.input.data) + first, ElementType::kF32, output,
                         kElementType<Element>, static_cast<std::size_t>(pixels.count() * channels), run.features());
        return;
    }
    step.call(ops::AffineArgs<std::uint8_t, Element>{.input = static_cast<const std::uint8_t*>(run.input.data) + first,
                                                     .output = output,
                                                     .scale = run.ones(),
                                                     .offset = run.zeros(),
                                                     .pixels = static_cast<std::size_t>(pixels.count()),
                                                     .channels = static_cast<int>(channels)});
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    const std::uint32_t input = writer.operand(index, 0);
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, input);
    const LayerWeights layer = writer.read_weights(step, index, ElementType::kF32);
    with_element(writer.type(index + 1), [&]<typename Element>() {
        if (input == 0) {
            writer.read_caller_input(step);
            writer.use_kernel<ops::AffineArgs<std::uint8_t, Element>>(step, run_pixel_affine<Element>);
            step.set_own(PixelAffine<Element>{layer, writer.choose<ops::AffineArgs<float, Element>>()});
        } else {
            writer.use_kernel<ops::AffineArgs<Element, Element>>(step, run_affine<Element>);
            step.set_own(layer);
            step.may_overwrite = 1u << 0;
            step.strides = true;
        }
    });
    writer.finish(step, Unit::kPixel);
    return ops::Activation::kNone;
}

}  // namespace

void emit_input(StepWriter& writer) {
    Step& step = writer.begin(kNone, 0);
    step.input_shape = step.output_shape;
    step.reads_caller_input = true;
    with_element(writer.type(0), [&]<typename Element>() {
        writer.use_kernel<ops::AffineArgs<std::uint8_t, Element>>(step, run_input<Element>);
    });
    writer.finish(step, Unit::kPixel);
}

constinit const Operation affine_operation = {type_of_first, emit};

}  // namespace fovea
