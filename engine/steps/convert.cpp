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

void run_widen(const Run& run, const Step& step, Range units, std::uint32_t) {
    step.call(ops::WidenFp16Args{.input = run.operand<ops::Half>(step, 0) + units.begin,
                                 .output = run.output<float>(step) + units.begin,
                                 .count = static_cast<std::size_t>(units.count())});
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
    writer.use(step, ops::kWidenFp16, run_widen);
    writer.finish(step, Unit::kChannel);
    return ops::Activation::kNone;
}

}  // namespace

constinit const Operation reshape_operation = {result_type, emit};

}  // namespace fovea
