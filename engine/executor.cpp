// SPDX-License-Identifier: Apache-2.0
#include "engine/executor.h"

#include <algorithm>
#include <cstring>

#include "engine/band_walk.h"
#include "engine/clock.h"
#include "engine/plan_steps.h"
#include "engine/weight_parts.h"
#include "ops/softmax/softmax.h"

namespace fovea {
namespace {

// Multiply-adds between two questions whether to stop: some 30 milliseconds on the slowest of phones, and more
// than any layer of the detectors has, so that asking costs none of them anything.
constexpr std::uint64_t kWorkBetweenQuestions = std::uint64_t{64} << 20;

}  // namespace

struct Executor::Part {
    Executor& executor;
    const Segment& segment;
};

void Executor::run_part(void* context, std::uint32_t thread) {
    const Part& part = *static_cast<const Part*>(context);
    const Segment& segment = part.segment;
    if (segment.band != 0) return part.executor.run_bands(segment, thread);
    const Step& step = part.executor.plan_.steps[segment.first_step];
    const Range range = share_of(step.unit_count, step.granule, thread, step.threads);
    Executor& executor = part.executor;
    const std::uint64_t most = executor.units_at_once(step, step.unit_count, step.granule);
    for (std::uint64_t begin = range.begin, end = 0; begin < range.end; begin = end) {
        if (executor.cancelled(thread)) return;
        end = begin + std::min(most, range.end - begin);
        executor.run_units(step, begin, end, thread);
    }
}

bool Executor::cancelled(std::uint32_t thread) {
    const bool stopped = stop_.load(std::memory_order_relaxed);
    if (stopped || thread != 0 || !cancel_.asked()) return stopped;
    stop_.store(true, std::memory_order_relaxed);
    return true;
}

std::uint64_t Executor::units_at_once(const Step& step, std::uint64_t count,
                                      std::uint64_t granule) const {
    if (!cancel_.can_ask()) return count;
    const std::uint64_t pieces = step_work(step) / kWorkBetweenQuestions + 1;
    return (count / pieces / granule + 1) * granule;
}

fovea_status Executor::run(const RunInput& input) {
    input_ = input;
    stop_.store(false, std::memory_order_relaxed);
    if (step_seconds_ != nullptr) std::fill_n(step_seconds_, plan_.step_count, 0.0);
    for (std::size_t i = 0; i < plan_.segment_count; ++i) {
        const Segment& segment = plan_.segments[i];
        const double start = step_seconds_ != nullptr ? monotonic_seconds() : 0;
        Part part{*this, segment};
        pool_.run(segment.threads, run_part, &part);
        if (stop_.load(std::memory_order_relaxed)) return FOVEA_ERROR_CANCELLED;
        if (step_seconds_ != nullptr && segment.band == 0) {
            step_seconds_[segment.first_step] = monotonic_seconds() - start;
        }
    }
    return FOVEA_OK;
}

void Executor::run_bands(const Segment& segment, std::uint32_t thread) {
    const Step* const steps = &plan_.steps[segment.first_step];
    const Range range =
        share_of(steps[segment.step_count - 1].output_shape.height, 1, thread, segment.threads);
    double* const seconds =
        step_seconds_ != nullptr && thread == 0 ? step_seconds_ + segment.first_step : nullptr;
    BandWalk walk(plan_, segment, range.begin, range.end);
    while (walk.next_band()) {
        for (std::uint32_t i = 0; i < segment.step_count; ++i) {
            if (cancelled(thread)) return;
            const double start = seconds != nullptr ? monotonic_seconds() : 0;
            run_rows(steps[i], walk.done(i), walk.target(i), thread);
            if (seconds != nullptr) seconds[i] += monotonic_seconds() - start;
        }
    }
}

// Rows [begin, end) of the step's output, in pieces that end where a ring does and of no more than may run
// between two questions.
void Executor::run_rows(const Step& step, std::uint64_t begin, std::uint64_t end,
                        std::uint32_t thread) {
    const bool by_rows = step.unit == StepUnit::kRow;
    const std::uint64_t unit = by_rows ? 1 : step.output_shape.width;  // units of a row
    const std::uint64_t most = units_at_once(step, step.output_shape.height, 1);
    std::uint64_t asked_at = begin;
    for (std::uint64_t y = begin; y < end;) {
        if (y - asked_at >= most) {
            if (cancelled(thread)) return;
            asked_at = y;
        }
        std::uint64_t piece = std::min(end, asked_at + most);
        const auto stop_at_ring = [&](std::uint32_t value) {
            const std::uint32_t rows = plan_.rings[value].rows;
            if (rows != 0) piece = std::min(piece, y + rows - y % rows);
        };
        if (!by_rows) stop_at_ring(step.output);
        for (std::uint32_t i = 0; i < step.operand_count && !by_rows; ++i) {
            stop_at_ring(plan_.operands[step.first_operand + i]);
        }
        run_units(step, y * unit, piece * unit, thread);
        y = piece;
    }
}

void Executor::run_units(const Step& step, std::uint64_t begin, std::uint64_t end,
                         std::uint32_t thread) const {
    if (step.half) {
        run_kernel<ops::Half>(step, begin, end, thread);
    } else {
        run_kernel<float>(step, begin, end, thread);
    }
}

template <typename Element>
void Executor::run_kernel(const Step& step, std::uint64_t begin, std::uint64_t end,
                          std::uint32_t thread) const {
    switch (step.kind) {
        case StepKind::kInput:
            return run_input<Element>(step, begin, end, thread);
        case StepKind::kPointwise:
            return run_pointwise<Element>(step, begin, end, thread);
        case StepKind::kConv2d:
            return run_conv2d<Element>(step, begin, end, thread);
        case StepKind::kDepthwise:
            return run_depthwise<Element>(step, begin, end, thread);
        case StepKind::kDense:
            return run_dense(step, begin, end);
        case StepKind::kPool:
            return run_pool<Element>(step, begin, end, thread);
        case StepKind::kRowPool:
            return run_row_pool<Element>(step, begin, end, thread);
        case StepKind::kGlobalPool:
            return run_global_pool<Element>(step, begin, end);
        case StepKind::kChannelReduce:
            return run_channel_reduce<Element>(step, begin, end, thread);
        case StepKind::kConcat:
            return run_concat<Element>(step, begin, end, thread);
        case StepKind::kBinary:
            return run_binary<Element>(step, begin, end, thread);
        case StepKind::kAffine:
            return run_affine<Element>(step, begin, end, thread);
        case StepKind::kActivation:
            return run_activation<Element>(step, begin, end, thread);
        case StepKind::kSoftmax:
            return run_softmax(step);
        case StepKind::kPad:
            return run_pad<Element>(step, begin, end, thread);
        case StepKind::kWiden:
            return run_widen(step, begin, end);
    }
}

std::uint8_t* Executor::address(std::uint32_t value, std::uint64_t pixel,
                                std::uint32_t thread) const {
    const ArenaBlock& block = plan_.blocks[plan_.block_of[value]];
    std::uint8_t* const first = workspace_ + plan_.arena_offset + block.offset;
    const Shape& shape = plan_.shapes[value];
    const Ring& ring = plan_.rings[value];
    const std::uint64_t pixel_bytes = std::uint64_t{shape.channels} * plan_.element_bytes[value];
    if (ring.rows == 0) return first + pixel * pixel_bytes;
    const std::uint64_t row = pixel / shape.width % ring.rows;
    return first + thread * ring.thread_bytes + row * shape.width * pixel_bytes;
}

const float* Executor::value(std::uint32_t value) const {
    if (!plan_.is_half(value)) return at<float>(value, 0, 0);
    auto* const copy = reinterpret_cast<float*>(workspace_ + plan_.copies[value]);
    plan_.kernels.widen.function({.input = at<ops::Half>(value, 0, 0),
                                  .output = copy,
                                  .count = plan_.shapes[value].count()});
    return copy;
}

template <typename Element>
const Element** Executor::row_pointers(std::uint32_t thread) const {
    auto* lists = reinterpret_cast<const Element**>(workspace_ + plan_.row_pointers_offset);
    return lists + thread * plan_.row_pointers;
}

// The input rows under the window of an output row; null where the window is in the padding.
template <typename Element>
const Element** Executor::window_rows(const Step& step, std::uint64_t output_row,
                                      std::uint32_t channel, std::uint32_t thread) const {
    const Node& node = graph_.nodes[step.node];
    const Shape& in = step.input_shape;
    const Element** rows = row_pointers<Element>(thread);
    const std::int64_t dilation = std::max(node.dilation_y, 1u);
    std::int64_t y = static_cast<std::int64_t>(output_row) * node.stride_y - step.padding.top;
    for (std::uint32_t a = 0; a < node.kernel_height; ++a, y += dilation) {
        const bool inside = y >= 0 && y < static_cast<std::int64_t>(in.height);
        rows[a] =
            inside ? operand<Element>(step, 0, static_cast<std::uint64_t>(y) * in.width, thread) +
                         channel
                   : nullptr;
    }
    return rows;
}

// The thread's memory for weights that are not used as they lie in the file; null if the step needs
// none.
template <typename Element>
Element* Executor::scratch(const Step& step, std::uint32_t thread) const {
    if (step.scratch_block == kNone) return nullptr;
    const ArenaBlock& block = plan_.blocks[step.scratch_block];
    std::uint8_t* const memory = workspace_ + plan_.arena_offset + block.offset;
    return reinterpret_cast<Element*>(memory + thread * step.scratch_bytes);
}

template <typename Element, typename Use>
void Executor::for_each_part(const Step& step, std::uint64_t first_panel, std::uint64_t end_panel,
                             std::uint32_t thread, const Use& use) const {
    const float* const gate = step.gate != kNone ? at<float>(step.gate, 0, thread) : nullptr;
    for_each_weight_part(step, plan_.kernels, gate, scratch<Element>(step, thread), first_panel,
                         end_panel, use);
}

template <typename Element>
void Executor::run_input(const Step& step, std::uint64_t begin, std::uint64_t end,
                         std::uint32_t thread) const {
    const std::uint32_t channels = step.output_shape.channels;
    Element* output = at<Element>(step.output, begin, thread);
    const auto pixels = static_cast<std::size_t>(end - begin);
    if (input_.dtype == FOVEA_F32) {
        const float* const input = static_cast<const float*>(input_.data) + begin * channels;
        if constexpr (sizeof(Element) == sizeof(float)) {
            std::memcpy(output, input, pixels * channels * sizeof(float));
        } else {
            plan_.kernels.narrow.function(
                {.input = input, .output = output, .count = pixels * channels});
        }
        return;
    }
    plan_.kernels.of<Element>().affine_u8.function(
        {.input = static_cast<const std::uint8_t*>(input_.data) + begin * channels,
         .output = output,
         .scale = constants() + plan_.zero_floats,
         .offset = constants(),
         .pixels = pixels,
         .channels = static_cast<int>(channels)});
}

template <typename Element>
void Executor::run_pointwise(const Step& step, std::uint64_t begin, std::uint64_t end,
                             std::uint32_t thread) const {
    const std::uint32_t in = step.input_shape.channels;
    const std::uint32_t out = step.output_shape.channels;
    const bool adds = step.residual != kNone;
    const Element* const input = operand<Element>(step, 0, begin, thread);
    Element* const output = at<Element>(step.output, begin, thread);
    const Element* const residual = adds ? at<Element>(step.residual, begin, thread) : nullptr;
    for_each_part<Element>(step, 0, step.group_panels, thread,
                           [&](const WeightPart<Element>& part) {
                               plan_.kernels.of<Element>().pointwise.function(
                                   {.input = input,
                                    .input_stride = in,
                                    .output = output + part.channel,
                                    .output_stride = out,
                                    .residual = adds ? residual + part.channel : nullptr,
                                    .residual_stride = adds ? static_cast<std::ptrdiff_t>(out) : 0,
                                    .weights = part.weights,
                                    .bias = bias<Element>(step) + part.bias,
                                    .pixels = static_cast<std::size_t>(end - begin),
                                    .in_channels = static_cast<int>(in),
                                    .out_channels = static_cast<int>(part.channels),
                                    .activation = step.activation});
                           });
}

// Rows of a convolution that reads the caller's pixels, from output row `first` on.
template <typename Element>
void Executor::convolve_pixels(const Step& step, std::uint64_t first, std::uint64_t count,
                               const ops::Conv2dArgs<Element>& args) const {
    const Node& node = graph_.nodes[step.node];
    const auto& kernels = plan_.kernels.of<Element>();
    const auto pixels = [&]<typename Pixel>(const Pixel* image) {
        return ops::Conv2dRescaledArgs<Pixel, Element>{
            .image = image,
            .input_height = static_cast<int>(step.input_shape.height),
            .first_row = static_cast<int>(static_cast<std::int64_t>(first) * node.stride_y -
                                          step.padding.top),
            .stride_y = static_cast<int>(node.stride_y),
            .dilation_y = static_cast<int>(std::max(node.dilation_y, 1u)),
            .output_rows = static_cast<int>(count),
            .output_row_stride = args.output_width * args.output_stride,
            .scale = step.scale != nullptr ? step.scale : constants() + plan_.zero_floats,
            .offset = step.offset != nullptr ? step.offset : constants(),
            .convolution = args};
    };
    if (input_.dtype == FOVEA_U8) {
        kernels.conv2d_u8.function(pixels(static_cast<const std::uint8_t*>(input_.data)));
    } else {
        ops::conv2d_rescaled(pixels(static_cast<const float*>(input_.data)),
                             kernels.affine_floats.function, kernels.conv2d.function);
    }
}

template <typename Element>
void Executor::run_conv2d(const Step& step, std::uint64_t begin, std::uint64_t end,
                          std::uint32_t thread) const {
    const Node& node = graph_.nodes[step.node];
    const Shape& in = step.input_shape;
    const Shape& out = step.output_shape;
    const std::uint32_t in_group = in.channels / step.groups;
    const std::uint32_t ring = plan_.rings[step.output].rows;
    for_each_part<Element>(
        step, 0, step.group_panels, thread, [&](const WeightPart<Element>& part) {
            for (std::uint64_t y = begin; y < end;) {
                ops::Conv2dArgs<Element> args = {
                    .rows = nullptr,
                    .input_stride = in.channels,
                    .output = at<Element>(step.output, y * out.width, thread) + part.channel,
                    .output_stride = out.channels,
                    .weights = part.weights,
                    .bias = bias<Element>(step) + part.bias,
                    .input_width = static_cast<int>(in.width),
                    .output_width = static_cast<int>(out.width),
                    .in_channels = static_cast<int>(part.groups * in_group),
                    .out_channels = static_cast<int>(part.channels),
                    .groups = static_cast<int>(part.groups),
                    .kernel_height = static_cast<int>(node.kernel_height),
                    .kernel_width = static_cast<int>(node.kernel_width),
                    .stride_x = static_cast<int>(node.stride_x),
                    .dilation_x = static_cast<int>(node.dilation_x),
                    .pad_left = static_cast<int>(step.padding.left),
                    .activation = step.activation};
                if (step.reads_caller_input) {  // as many rows as lie behind one another
                    const std::uint64_t rows =
                        ring == 0 ? end - y : std::min(end - y, ring - y % ring);
                    convolve_pixels(step, y, rows, args);
                    y += rows;
                } else {
                    args.rows = window_rows<Element>(step, y++, part.group * in_group, thread);
                    plan_.kernels.of<Element>().conv2d.function(args);
                }
            }
        });
}

template <typename Element>
void Executor::run_depthwise(const Step& step, std::uint64_t begin, std::uint64_t end,
                             std::uint32_t thread) const {
    const Node& node = graph_.nodes[step.node];
    const Shape& in = step.input_shape;
    const Shape& out = step.output_shape;
    const Element* weights = weights_in_file<Element>(step);
    if constexpr (sizeof(Element) == sizeof(float)) {
        if (step.half_weights != nullptr) {
            float* const widened = scratch<float>(step, thread);
            plan_.kernels.widen.function(
                {.input = step.half_weights,
                 .output = widened,
                 .count = static_cast<std::size_t>(step.weight_bytes) / sizeof(ops::Half)});
            weights = widened;
        }
    }
    for (std::uint64_t y = begin; y < end; ++y) {
        plan_.kernels.of<Element>().depthwise.function(
            {.rows = window_rows<Element>(step, y, 0, thread),
             .input_stride = in.channels,
             .output = at<Element>(step.output, y * out.width, thread),
             .output_stride = out.channels,
             .weights = weights,
             .bias = bias<Element>(step),
             .input_width = static_cast<int>(in.width),
             .output_width = static_cast<int>(out.width),
             .channels = static_cast<int>(out.channels),
             .kernel_height = static_cast<int>(node.kernel_height),
             .kernel_width = static_cast<int>(node.kernel_width),
             .stride_x = static_cast<int>(node.stride_x),
             .dilation_x = static_cast<int>(node.dilation_x),
             .pad_left = static_cast<int>(step.padding.left),
             .activation = step.activation});
    }
}

void Executor::run_dense(const Step& step, std::uint64_t begin, std::uint64_t end) const {
    const auto run = [&](const auto& kernel, const auto* weights) {
        kernel.function({.input = operand<float>(step, 0),
                         .output = at<float>(step.output, 0, 0),
                         .weights = weights,
                         .bias = bias<float>(step),
                         .in_features = static_cast<int>(step.input_shape.channels),
                         .out_features = static_cast<int>(step.output_shape.channels),
                         .panel_begin = static_cast<int>(begin),
                         .panel_end = static_cast<int>(end)});
    };
    if (step.half_weights != nullptr) {
        run(plan_.kernels.dense_halves, step.half_weights);
    } else {
        run(plan_.kernels.dense, step.weights);
    }
}

template <typename Element>
void Executor::run_pool(const Step& step, std::uint64_t begin, std::uint64_t end,
                        std::uint32_t thread) const {
    const Node& node = graph_.nodes[step.node];
    const Shape& in = step.input_shape;
    const Shape& out = step.output_shape;
    for (std::uint64_t y = begin; y < end; ++y) {
        plan_.kernels.of<Element>().pool.function(
            {.rows = window_rows<Element>(step, y, 0, thread),
             .input_stride = in.channels,
             .output = at<Element>(step.output, y * out.width, thread),
             .output_stride = out.channels,
             .input_width = static_cast<int>(in.width),
             .output_width = static_cast<int>(out.width),
             .channels = static_cast<int>(out.channels),
             .window_height = static_cast<int>(node.kernel_height),
             .window_width = static_cast<int>(node.kernel_width),
             .stride_x = static_cast<int>(node.stride_x),
             .pad_left = static_cast<int>(step.padding.left),
             .kind = step.pool,
             .count_padding = node.variant == 2});
    }
}

template <typename Element>
void Executor::run_global_pool(const Step& step, std::uint64_t begin, std::uint64_t end) const {
    plan_.kernels.of<Element>().global_pool.function({.input = operand<Element>(step, 0),
                                                      .input_stride = step.input_shape.channels,
                                                      .output = at<float>(step.output, 0, 0),
                                                      .pixels = step.input_shape.pixels(),
                                                      .channel_begin = static_cast<int>(begin),
                                                      .channel_end = static_cast<int>(end),
                                                      .kind = step.pool});
}

template <typename Element>
void Executor::run_row_pool(const Step& step, std::uint64_t begin, std::uint64_t end,
                            std::uint32_t thread) const {
    const Shape& in = step.input_shape;
    for (std::uint64_t y = begin; y < end; ++y) {
        plan_.kernels.of<Element>().global_pool.function(
            {.input = operand<Element>(step, 0, y * in.width, thread),
             .input_stride = in.channels,
             .output = at<float>(step.output, y, thread),
             .pixels = in.width,
             .channel_begin = 0,
             .channel_end = static_cast<int>(in.channels),
             .kind = step.pool});
    }
}

template <typename Element>
void Executor::run_channel_reduce(const Step& step, std::uint64_t begin, std::uint64_t end,
                                  std::uint32_t thread) const {
    const bool maximum = graph_.nodes[step.node].variant == 1;
    const std::uint32_t channels = step.input_shape.channels;
    plan_.kernels.of<Element>().channel_reduce.function(
        {.input = operand<Element>(step, 0, begin, thread),
         .input_stride = channels,
         .output = at<Element>(step.output, begin, thread),
         .output_stride = 1,
         .pixels = static_cast<std::size_t>(end - begin),
         .channels = static_cast<int>(channels),
         .kind = maximum ? ops::PoolKind::kMax : ops::PoolKind::kAverage});
}

template <typename Element>
void Executor::run_concat(const Step& step, std::uint64_t begin, std::uint64_t end,
                          std::uint32_t thread) const {
    const std::size_t stride = step.output_shape.channels;
    Element* output = at<Element>(step.output, begin, thread);
    for (std::uint32_t i = 0; i < step.operand_count; ++i) {
        const std::size_t channels = operand_shape(step, i).channels;
        const Element* input = operand<Element>(step, i, begin, thread);
        for (std::uint64_t p = 0; p < end - begin; ++p) {
            std::memcpy(output + p * stride, input + p * channels, channels * sizeof(Element));
        }
        output += channels;
    }
}

template <typename Element>
void Executor::run_binary(const Step& step, std::uint64_t begin, std::uint64_t end,
                          std::uint32_t thread) const {
    const std::uint32_t channels = step.output_shape.channels;
    const Shape& right = operand_shape(step, 1);
    // A right operand of one pixel is the same for all; of one channel, for all channels.
    const std::uint32_t right_stride =
        right.is_vector() && !step.output_shape.is_vector() ? 0 : right.channels;
    const std::uint64_t right_pixel = right_stride == 0 ? 0 : begin;
    const auto kind = graph_.nodes[step.node].kind == NodeKind::kAdd ? ops::BinaryKind::kAdd
                                                                     : ops::BinaryKind::kMultiply;
    if constexpr (sizeof(Element) == sizeof(float)) {
        plan_.kernels.binary.function({.left = operand<float>(step, 0, begin, thread),
                                       .left_stride = channels,
                                       .right = operand<float>(step, 1, right_pixel, thread),
                                       .right_pixel_stride = right_stride,
                                       .right_channel_stride = right.channels == 1 ? 0 : 1,
                                       .output = at<float>(step.output, begin, thread),
                                       .output_stride = channels,
                                       .pixels = static_cast<std::size_t>(end - begin),
                                       .channels = static_cast<int>(channels),
                                       .kind = kind});
    } else {
        const bool halves = plan_.is_half(plan_.operands[step.first_operand + 1]);
        plan_.kernels.binary_halves.function(
            {.left = operand<ops::Half>(step, 0, begin, thread),
             .left_stride = channels,
             .right = halves ? operand<ops::Half>(step, 1, right_pixel, thread) : nullptr,
             .right_vector = halves ? nullptr : operand<float>(step, 1, 0, thread),
             .right_pixel_stride = halves ? right_stride : 0,
             .right_channel_stride = right.channels == 1 ? 0 : 1,
             .output = at<ops::Half>(step.output, begin, thread),
             .output_stride = channels,
             .pixels = static_cast<std::size_t>(end - begin),
             .channels = static_cast<int>(channels),
             .kind = kind});
    }
}

template <typename Element>
void Executor::run_affine(const Step& step, std::uint64_t begin, std::uint64_t end,
                          std::uint32_t thread) const {
    const auto run = [&](const auto& kernel, const auto* input) {
        kernel.function({.input = input,
                         .output = at<Element>(step.output, begin, thread),
                         .scale = step.weights,
                         .offset = bias<float>(step),
                         .pixels = static_cast<std::size_t>(end - begin),
                         .channels = static_cast<int>(step.output_shape.channels)});
    };
    const MapKernels<Element>& kernels = plan_.kernels.of<Element>();
    const std::uint64_t first = begin * step.output_shape.channels;
    if (!step.reads_caller_input) {
        run(kernels.affine, operand<Element>(step, 0, begin, thread));
    } else if (input_.dtype == FOVEA_U8) {
        run(kernels.affine_u8, static_cast<const std::uint8_t*>(input_.data) + first);
    } else {
        run(kernels.affine_floats, static_cast<const float*>(input_.data) + first);
    }
}

template <typename Element>
void Executor::run_activation(const Step& step, std::uint64_t begin, std::uint64_t end,
                              std::uint32_t thread) const {
    const std::size_t channels = step.output_shape.channels;
    plan_.kernels.of<Element>().activation.function(
        {.input = operand<Element>(step, 0, begin, thread),
         .output = at<Element>(step.output, begin, thread),
         .count = static_cast<std::size_t>(end - begin) * channels,
         .activation = step.activation,
         .parameter = step.activation_parameter});
}

void Executor::run_softmax(const Step& step) const {
    ops::softmax_fp32(operand<float>(step, 0), at<float>(step.output, 0, 0),
                      static_cast<int>(step.output_shape.channels), 1.0f);
}

void Executor::run_widen(const Step& step, std::uint64_t begin, std::uint64_t end) const {
    plan_.kernels.widen.function({.input = operand<ops::Half>(step, 0) + begin,
                                  .output = at<float>(step.output, 0, 0) + begin,
                                  .count = static_cast<std::size_t>(end - begin)});
}

template <typename Element>
void Executor::run_pad(const Step& step, std::uint64_t begin, std::uint64_t end,
                       std::uint32_t thread) const {
    const Shape& in = step.input_shape;
    const Shape& out = step.output_shape;
    const Padding& padding = step.padding;
    const std::size_t in_row = std::size_t{in.width} * in.channels;
    const std::size_t out_row = std::size_t{out.width} * out.channels;
    const std::size_t left = std::size_t{padding.left} * in.channels;
    const std::size_t right = std::size_t{padding.right} * in.channels;
    for (std::uint64_t y = begin; y < end; ++y) {
        Element* output = at<Element>(step.output, y * out.width, thread);
        const bool inside = y >= padding.top && y - padding.top < in.height;
        if (!inside) {
            std::fill_n(output, out_row, Element{0});
            continue;
        }
        std::fill_n(output, left, Element{0});
        std::memcpy(output + left, operand<Element>(step, 0, (y - padding.top) * in.width, thread),
                    in_row * sizeof(Element));
        std::fill_n(output + left + in_row, right, Element{0});
    }
}

}  // namespace fovea
