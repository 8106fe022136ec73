// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/run.h"
#include "engine/steps/window.h"
#include "ops/pool_gradient/pool_gradient.h"

namespace fovea {
namespace {

struct PoolGradient {
    Window window;
    Shape pooled;
    bool count_padding;
};

// The gradient is the first operand; of maxima the pool's input is the second.
void run_pool_gradient(const Run& run, const Step& step, Range rows, std::uint32_t) {
    const auto& own = step.get_own<PoolGradient>();
    const Shape& in = step.output_shape;
    const bool maximum = step.operand_count > 1;
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        ops::pool_gradient_fp32({.gradient = run.operand<float>(step, 0),
                                 .input = maximum ? run.operand<float>(step, 1) : nullptr,
                                 .row = run.output<float>(step, y * in.width),
                                 .y = static_cast<std::ptrdiff_t>(y),
                                 .input_height = static_cast<std::ptrdiff_t>(in.height),
                                 .input_width = static_cast<std::ptrdiff_t>(in.width),
                                 .output_height = static_cast<std::ptrdiff_t>(own.pooled.height),
                                 .output_width = static_cast<std::ptrdiff_t>(own.pooled.width),
                                 .channels = static_cast<std::ptrdiff_t>(in.channels),
                                 .window_height = own.window.kernel_height,
                                 .window_width = own.window.kernel_width,
                                 .stride_y = own.window.stride_y,
                                 .stride_x = own.window.stride_x,
                                 .pad_top = own.window.pad_top,
                                 .pad_left = own.window.pad_left,
                                 .kind = maximum ? ops::PoolKind::kMax : ops::PoolKind::kAverage,
                                 .count_padding = own.count_padding});
    }
}

void run_first_maximum(const Run& run, const Step& step, Range channels, std::uint32_t) {
    ops::first_maximum_fp32({.input = run.operand<float>(step, 0),
                             .input_stride = run.operand_stride(step, 0),
                             .places = run.output<std::uint32_t>(step),
                             .pixels = step.input_shape.pixels(),
                             .channel_begin = static_cast<int>(channels.begin),
                             .channel_end = static_cast<int>(channels.end)});
}

// Each channel's gradient at its place, zeros everywhere else.
void run_place(const Run& run, const Step& step, Range pixels, std::uint32_t thread) {
    const auto* const gradient = run.operand<float>(step, 0);
    const auto* const places = run.operand<std::uint32_t>(step, 1);
    auto* const output = run.output<float>(step, pixels.begin, thread);
    const std::uint32_t channels = step.output_shape.channels;
    std::fill_n(output, pixels.count() * channels, 0.0f);
    for (std::uint32_t c = 0; c < channels; ++c) {
        const std::uint64_t place = places[c];
        if (place >= pixels.begin && place < pixels.end) output[(place - pixels.begin) * channels + c] = gradient[c];
    }
}

void emit_global_maximum(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    StepWriter& steps = writer.steps();
    const std::uint32_t map = writer.operand(index, 0);
    const std::uint32_t floats = writer.floats_of(index, map);
    const std::uint32_t places = steps.add_value(writer.shape(gradient), ElementType::kI32);
    Step& find = steps.begin(index, places);
    steps.read(find, floats);
    steps.use(find, "first_maximum_fp32", run_first_maximum);
    find.streams = false;
    steps.finish(find, Unit::kChannel);
    Step& step = writer.begin(index, writer.shape(map));
    steps.read(step, gradient);
    steps.read(step, places);
    step.reads_whole = 1u << 0 | 1u << 1;
    steps.use(step, "copy", run_place);
    steps.finish(step, Unit::kPixel);
    writer.contribute(index, map, step.output);
}

}  // namespace

void emit_pool_gradient(GradientWriter& writer, std::uint32_t index, std::uint32_t gradient) {
    StepWriter& steps = writer.steps();
    const Node& node = writer.node(index);
    const std::uint32_t map = writer.operand(index, 0);
    const Shape in = writer.shape(map);
    const bool maximum = node.variant == 1;
    if (is_global_pool_node(node, in)) {
        if (maximum) return emit_global_maximum(writer, index, gradient);
        const float part = 1.0f / static_cast<float>(in.pixels());
        return writer.contribute(index, map, emit_scaled(writer, index, gradient, part));
    }
    const std::uint32_t input = maximum ? writer.floats_of(index, map) : kNone;
    Step& step = writer.begin(index, in);
    steps.read(step, gradient);
    if (maximum) steps.read(step, input);
    steps.use(step, "pool_gradient_fp32", run_pool_gradient);
    const Padding padding = resolve_padding(node, in);
    const Window window = {static_cast<int>(node.kernel_height), static_cast<int>(node.kernel_width),
                           static_cast<int>(node.stride_y),      static_cast<int>(node.stride_x),
                           1,                                    1,
                           static_cast<int>(padding.top),        static_cast<int>(padding.left)};
    step.set_own(PoolGradient{window, writer.shape(gradient), node.variant == 2});
    step.streams = false;  // its operands differ in height
    steps.finish(step, Unit::kRow);
    writer.contribute(index, map, step.output);
}

}  // namespace fovea
