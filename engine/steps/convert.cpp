// SPDX-License-Identifier: Apache-2.0
// Elements of one type made elements of another, and the reshape that has to do that.
#include "engine/steps/convert.h"

#include <cstring>

#include "engine/steps/operations.h"
#include "engine/steps/run.h"
#include "ops/widen/widen.h"

namespace fovea {

void convert_elements(const void* from, ElementType from_type, void* to, ElementType to_type, std::size_t count,
                      ops::CpuFeatureSet features) {
    if (from_type == to_type) {
        std::memcpy(to, from, count * element_bytes(to_type));
    } else if (to_type == ElementType::kF32) {
        ops::kWidenFp16.select(features).function(
            {.input = static_cast<const ops::Half*>(from), .output = static_cast<float*>(to), .count = count});
    } else {
        ops::kNarrowFp16.select(features).function(
            {.input = static_cast<const float*>(from), .output = static_cast<ops::Half*>(to), .count = count});
    }
}

namespace {

// Of a map pixels, of a vector channels.
void run_widen(const Run& run, const Step& step, Range units, std::uint32_t thread) {
    const bool by_pixels = step.unit == Unit::kPixel;
    const std::uint64_t pixel = by_pixels ? units.begin : 0, channel = by_pixels ? 0 : units.begin;
    const std::uint64_t elements = units.count() * (by_pixels ? step.output_shape.channels : 1);
    step.call(ops::WidenFp16Args{.input = run.operand<ops::Half>(step, 0, pixel, thread) + channel,
                                 .output = run.output<float>(step, pixel, thread) + channel,
                                 .count = static_cast<std::size_t>(elements)});
}

// A vector, which is of floats.
bool result_type(const TypeQuestion&, ElementType* type) {
    *type = ElementType::kF32;
    return true;
}

// A reshape that cannot be a view, because vectors are floats.
ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, writer.operand(index, 0));
    use_widening(writer, step);
    writer.finish(step, Unit::kChannel);
    return ops::Activation::kNone;
}

}  // namespace

void use_widening(StepWriter& writer, Step& step) {
    writer.use(step, ops::kWidenFp16, run_widen);
}

constinit const Operation reshape_operation = {result_type, emit};

}  // namespace fovea
