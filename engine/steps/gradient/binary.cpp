// SPDX-License-Identifier: Apache-2.0
// Additions and products, the right operand broadcast or not.
#include "ops/binary/binary.h"

#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/operations.h"
#include "engine/steps/run.h"
#include "ops/product_sum/product_sum.h"

namespace fovea {
namespace {

// left and, if there is one, right: the operands of a sum over pixels or channels.
template <typename Args>
Args arguments(const Run& run, const Step& step, std::uint64_t pixel, std::uint64_t count, float* output, std::uint32_t thread) {
    Args args = {};
    args.left = run.operand<float>(step, 0, pixel, thread);
    args.left_stride = run.operand_stride(step, 0);
    if (step.operand_count > 1) {
        args.right = run.operand<float>(step, 1, pixel, thread);
        args.right_stride = run.operand_stride(step, 1);
    }
    args.output = output;
    args.pixels = static_cast<std::size_t>(count);
    args.channels = static_cast<int>(step.input_shape.channels);
    return args;
}

// Each row's sum.
void run_rows(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const std::uint64_t width = step.input_shape.width;
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        step.call(arguments<ops::ProductSumOverPixelsArgs>(run, step, y * width, width, run.output<float>(step, y, thread), thread));
    }
}

void run_all(const Run& run, const Step& step, Range, std::uint32_t thread) {
    step.call(arguments<ops::ProductSumOverPixelsArgs>(run, step, 0, step.input_shape.pixels(), run.output<float>(step), thread));
}

void run_channels(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    auto args = arguments<ops::ProductSumOverChannelsArgs>(run, step, pixels.begin, pixels.count(),
                                                           run.output<float>(step, pixels.begin, thread), thread);
    args.output_stride = run.output_stride(step);
    step.call(args);
}

// One of the two, of left times right (or left alone where right is kNone).
std::uint32_t sum_over_channels(GradientWriter& writer, std::uint32_t index, std::uint32_t left, std::uint32_t right) {
    const Shape& in = writer.shape(left);
    Step& step = writer.begin(index, {in.height, in.width, 1});
    writer.steps().read(step, left);
    if (right != kNone) writer.steps().read(step, right);
    writer.steps().use_kernel<ops::ProductSumOverChannelsArgs>(step, run_channels);
    writer.steps().finish(step, Unit::kPixel);
    return step.output;
}

// Row by row as they come, and then the rows'.
std::uint32_t sum_over_pixels(GradientWriter& writer, std::uint32_t index, std::uint32_t left, std::uint32_t right) {
    const Shape& in = writer.shape(left);
    Step& rows = writer.begin(index, {in.height, 1, in.channels});
    writer.steps().read(rows, left);
    if (right != kNone) writer.steps().read(rows, right);
    writer.steps().use_kernel<ops::ProductSumOverPixelsArgs>(rows, run_rows);
    rows.sums_rows = true;
    writer.steps().finish(rows, Unit::kRow);
    const std::uint32_t value = rows.output;
    Step& step = writer.begin(index, {1, 1, in.channels});
    writer.steps().read(step, value);
    writer.steps().use_kernel<ops::ProductSumOverPixelsArgs>(step, run_all);
    step.streams = false;
    writer.steps().finish(step, Unit::kWhole);
    return step.output;
}

}  // namespace

void emit_binary_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    const std::uint32_t left = writer.operand(index, 0), right = writer.operand(index, 1);
    const bool multiplies = writer.node(index).kind == NodeKind::kMultiply;
    const Shape map = writer.shape(left), other = writer.shape(right);
    const bool of_all_pixels = other.is_vector() && !map.is_vector();
    const bool of_all_channels = other.channels == 1 && map.channels > 1;
    // The right operand's part first: it reads the gradient as it comes.
    std::uint32_t part = gradient, factor = multiplies ? writer.floats_of(index, left) : kNone;
    if (of_all_channels) {
        part = sum_over_channels(writer, index, part, factor);
        factor = kNone;
    }
    if (of_all_pixels) {
        part = sum_over_pixels(writer, index, part, factor);
        if (factor != kNone) writer.forget(left);
        factor = kNone;
    }
    if (factor != kNone) {
        part = writer.steps().add_value(map, ElementType::kF32);
        emit_binary(writer.steps(), index, part, gradient, factor, ops::BinaryKind::kMultiply);
    }
    writer.contribute(index, right, part);
    if (!multiplies) return writer.contribute(index, left, gradient);
    const std::uint32_t by = writer.floats_of(index, right);
    const std::uint32_t product = writer.steps().add_value(map, ElementType::kF32);
    emit_binary(writer.steps(), index, product, gradient, by, ops::BinaryKind::kMultiply);
    writer.contribute(index, left, product);
}

}  // namespace fovea
