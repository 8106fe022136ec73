// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/gradient/gradient_writer.h"

#include <algorithm>
#include <cstring>

#include "engine/steps/operations.h"
#include "engine/steps/run.h"
#include "ops/binary/binary.h"

namespace fovea {
namespace {

// The same for all pixels.
void run_spread(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto* const vector = run.operand<float>(step, 0);
    auto* output = run.output<float>(step, pixels.begin, thread);
    for (std::uint64_t p = 0; p < pixels.count(); ++p, output += run.output_stride(step)) {
        std::memcpy(output, vector, step.output_shape.channels * sizeof(float));
    }
}

void run_scaled(const Run& run, const Step& step, Range, std::uint32_t) {
    const auto* const vector = run.operand<float>(step, 0);
    auto* const output = run.output<float>(step);
    const float factor = step.get_own<float>();
    for (std::uint32_t c = 0; c < step.output_shape.channels; ++c) output[c] = vector[c] * factor;
}

}  // namespace

std::uint32_t GradientWriter::floats_of(std::uint32_t index, std::uint32_t original) {
    const std::uint32_t value = known(original <= graph().node_count() ? original - 1 : index, original);
    if (writer_.type(value) == ElementType::kF32) return value;
    Step& step = begin(index, shape(value));
    writer_.read(step, value);
    use_widening(writer_, step);
    writer_.finish(step, Unit::kPixel);
    return step.output;
}

void GradientWriter::contribute(std::uint32_t index, std::uint32_t value, std::uint32_t gradient) {
    std::uint32_t& sum = gradients_[value];
    if (sum == kNone) {
        sum = gradient;
        return;
    }
    // The map first: a vector can be added to it.
    const bool map_first = !shape(sum).is_vector() || shape(gradient).is_vector();
    const std::uint32_t left = map_first ? sum : gradient, right = map_first ? gradient : sum;
    sum = writer_.add_value(shape(left), ElementType::kF32);
    emit_binary(writer_, index, sum, left, right, ops::BinaryKind::kAdd);
}

std::uint32_t GradientWriter::complete(std::uint32_t index, std::uint32_t value) {
    std::uint32_t& gradient = gradients_[value];
    if (gradient == kNone || shape(gradient) == shape(value)) return gradient;
    Step& step = begin(index, shape(value));
    writer_.read(step, gradient);
    step.reads_whole = 1u << 0;
    writer_.use(step, "copy", run_spread);
    writer_.finish(step, Unit::kPixel);
    return gradient = step.output;
}

std::uint32_t emit_scaled(GradientWriter& writer, std::uint32_t index, std::uint32_t vector, float factor) {
    Step& step = writer.begin(index, writer.shape(vector));
    writer.steps().read(step, vector);
    writer.steps().use(step, "scale", run_scaled);
    step.set_own(factor);
    step.streams = false;
    step.may_overwrite = 1u << 0;
    writer.steps().finish(step, Unit::kWhole);
    return step.output;
}

}  // namespace fovea
