// SPDX-License-Identifier: Apache-2.0
#include "ops/binary/binary.h"

#include "engine/steps/operations.h"
#include "engine/steps/run.h"

namespace fovea {
namespace {

// How the right operand is broadcast: one of one pixel is the same for all, of one channel for all channels.
struct Binary {
    ops::BinaryKind kind;
    bool same_for_all_pixels, same_for_all_channels;
};

void run_floats(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto& own = step.get_own<Binary>();
    const std::uint64_t right_pixel = own.same_for_all_pixels ? 0 : pixels.begin;
    step.call(ops::BinaryFp32Args{.left = run.operand<float>(step, 0, pixels.begin, thread),
                                  .left_stride = run.operand_stride(step, 0),
                                  .right = run.operand<float>(step, 1, right_pixel, thread),
                                  .right_pixel_stride = own.same_for_all_pixels ? 0 : run.operand_stride(step, 1),
                                  .right_channel_stride = own.same_for_all_channels ? 0 : 1,
                                  .output = run.output<float>(step, pixels.begin, thread),
                                  .output_stride = run.output_stride(step),
                                  .pixels = static_cast<std::size_t>(pixels.count()),
                                  .channels = static_cast<int>(step.output_shape.channels),
                                  .kind = own.kind});
}

// The right operand may be a vector of floats.
void run_halves(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto& own = step.get_own<Binary>();
    const bool halves = run.operand_value(step, 1).type == ElementType::kF16;
    const std::uint64_t right_pixel = own.same_for_all_pixels ? 0 : pixels.begin;
    const bool moves = halves && !own.same_for_all_pixels;
    step.call(ops::BinaryFp16Args{.left = run.operand<ops::Half>(step, 0, pixels.begin, thread),
                                  .left_stride = run.operand_stride(step, 0),
                                  .right = halves ? run.operand<ops::Half>(step, 1, right_pixel, thread) : nullptr,
                                  .right_vector = halves ? nullptr : run.operand<float>(step, 1, 0, thread),
                                  .right_pixel_stride = moves ? run.operand_stride(step, 1) : 0,
                                  .right_channel_stride = own.same_for_all_channels ? 0 : 1,
                                  .output = run.output<ops::Half>(step, pixels.begin, thread),
                                  .output_stride = run.output_stride(step),
                                  .pixels = static_cast<std::size_t>(pixels.count()),
                                  .channels = static_cast<int>(step.output_shape.channels),
                                  .kind = own.kind});
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    const bool adds = writer.node(index).kind == NodeKind::kAdd;
    emit_binary(writer, index, writer.result_of(index), writer.operand(index, 0), writer.operand(index, 1),
                adds ? ops::BinaryKind::kAdd : ops::BinaryKind::kMultiply);
    return ops::Activation::kNone;
}

bool result_type(const TypeQuestion& question, ElementType* type) {
    if (type_of_all(question, type)) return true;
    return question.operand(0) == ElementType::kF16 && question.operand(1) == ElementType::kF32 &&
           question.shape(1).is_vector();
}

}  // namespace

void emit_binary(StepWriter& writer, std::uint32_t index, std::uint32_t output, std::uint32_t left, std::uint32_t right,
                 ops::BinaryKind kind) {
    Step& step = writer.begin(index, output);
    writer.read(step, left);
    writer.read(step, right);
    const Shape& other = writer.shape(right);
    const bool broadcast = other.is_vector() && !step.output_shape.is_vector();
    if (broadcast) step.reads_whole = 1u << 1;
    step.may_overwrite = 1u << 0;
    if (writer.type(output) == ElementType::kF16) {
        writer.use(step, ops::kBinaryFp16, run_halves);
    } else {
        writer.use(step, ops::kBinaryFp32, run_floats);
    }
    step.set_own(Binary{kind, broadcast, other.channels == 1});
    step.strides = true;
    writer.finish(step, Unit::kPixel);
}

constinit const Operation binary_operation = {result_type, emit};

}  // namespace fovea
