// SPDX-License-Identifier: Apache-2.0
// Pools: of a window; of a whole map, row by row where its rows can be pooled as they are made.
#include "ops/pool/pool.h"

#include "engine/steps/operations.h"
#include "engine/steps/run.h"
#include "engine/steps/window.h"

namespace fovea {
namespace {

struct Pool {
    ops::PoolKind kind;
    bool count_padding;
    Window window;
};

Pool pool_of(const Node& node) {
    return {node.variant == 1 ? ops::PoolKind::kMax : ops::PoolKind::kAverage, node.variant == 2, {}};
}

template <typename Element>
void run_window_pool(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const auto& own = step.get_own<Pool>();
    const std::ptrdiff_t input_stride = run.operand_stride(step, 0), output_stride = run.output_stride(step);
    const Window& window = own.window;
    // Each element of a window is compared or added, which is no more than a multiply-add.
    const std::uint64_t window_size = std::uint64_t{static_cast<std::uint32_t>(window.kernel_height)} *
                                      static_cast<std::uint32_t>(window.kernel_width);
    const std::uint64_t row_work = std::uint64_t{step.output_shape.width} * step.output_shape.channels * window_size;
    for_each_row_part(run, step, window, rows, row_work, thread, [&](std::uint64_t y, const RowPart& part) {
        const std::uint64_t skipped = part.skipped * static_cast<std::uint64_t>(input_stride);
        auto* const row = run.output<Element>(step, y * step.output_shape.width, thread);
        step.call(ops::PoolArgs<Element>{.rows = window_rows<Element>(run, step, window, y, skipped, thread),
                                         .input_stride = input_stride,
                                         .output = row + part.first * static_cast<std::uint64_t>(output_stride),
                                         .output_stride = output_stride,
                                         .input_width = part.input_width,
                                         .output_width = static_cast<int>(part.pixels),
                                         .channels = static_cast<int>(step.output_shape.channels),
                                         .window_height = window.kernel_height,
                                         .window_width = window.kernel_width,
                                         .stride_x = window.stride_x,
                                         .pad_left = part.pad_left,
                                         .kind = own.kind,
                                         .count_padding = own.count_padding});
    });
}

template <typename Element>
void run_global_pool(const Run& run, const Step& step, Range channels, std::uint32_t) {
    step.call(ops::GlobalPoolArgs<Element>{.input = run.operand<Element>(step, 0),
                                           .input_stride = run.operand_stride(step, 0),
                                           .output = run.output<float>(step),
                                           .pixels = step.input_shape.pixels(),
                                           .channel_begin = static_cast<int>(channels.begin),
                                           .channel_end = static_cast<int>(channels.end),
                                           .kind = step.get_own<Pool>().kind});
}

template <typename Element>
void run_row_pool(const Run& run, const Step& step, Range rows, std::uint32_t thread) {
    const auto& own = step.get_own<Pool>();
    for (std::uint64_t y = rows.begin; y < rows.end; ++y) {
        step.call(
            ops::GlobalPoolArgs<Element>{.input = run.operand<Element>(step, 0, y * step.input_shape.width, thread),
                                         .input_stride = run.operand_stride(step, 0),
                                         .output = run.output<float>(step, y, thread),
                                         .pixels = step.input_shape.width,
                                         .channel_begin = 0,
                                         .channel_end = static_cast<int>(step.input_shape.channels),
                                         .kind = own.kind});
    }
}

void emit_global_pool(StepWriter& writer, std::uint32_t index) {
    const std::uint32_t rows = writer.fusion(index).row_pool;
    const std::uint32_t input = rows != kNone ? rows : writer.operand(index, 0);
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, input);
    const Pool pool = pool_of(writer.node(index));
    if (is_code(writer.type(input))) {
        use_code_pool(writer, step, pool.kind, false);
    } else {
        with_element(writer.type(input), [&]<typename Element>() {
            writer.use_kernel<ops::GlobalPoolArgs<Element>>(step, run_global_pool<Element>);
        });
        step.set_own(pool);
        step.strides = true;
    }
    step.streams = false;
    writer.finish(step, Unit::kChannel);
}

ops::Activation emit(StepWriter& writer, std::uint32_t index) {
    const Node& node = writer.node(index);
    if (is_global_pool_node(node, writer.shape(writer.operand(index, 0)))) {
        emit_global_pool(writer, index);
        return ops::Activation::kNone;
    }
    Step& step = writer.begin(index, writer.result_of(index));
    writer.read(step, writer.operand(index, 0));
    Pool pool = pool_of(node);
    pool.window = read_window(writer, step, index);
    step.set_own(pool);
    with_element(writer.type(index + 1), [&]<typename Element>() {
        writer.use_kernel<ops::PoolArgs<Element>>(step, run_window_pool<Element>);
    });
    step.strides = true;
    writer.finish(step, Unit::kRow);
    return ops::Activation::kNone;
}

// A pool of the whole map gives a vector, which is of floats.
bool result_type(const TypeQuestion& question, ElementType* type) {
    if (!is_global_pool_node(question.node, question.shape(0))) return type_of_map(question, type);
    *type = ElementType::kF32;
    return true;
}

}  // namespace

void emit_row_pool(StepWriter& writer, std::uint32_t index, std::uint32_t map, std::uint32_t rows) {
    Step& step = writer.begin(index, rows);
    writer.read(step, map);
    const Pool pool = pool_of(writer.node(index));
    if (is_code(writer.type(map))) {
        use_code_pool(writer, step, pool.kind, true);
    } else {
        with_element(writer.type(map), [&]<typename Element>() {
            writer.use_kernel<ops::GlobalPoolArgs<Element>>(step, run_row_pool<Element>);
        });
        step.set_own(pool);
        step.strides = true;
    }
    step.sums_rows = true;
    writer.finish(step, Unit::kRow);
}

constinit const Operation pool_operation = {result_type, emit};

}  // namespace fovea
