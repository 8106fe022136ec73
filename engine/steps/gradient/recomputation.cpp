// SPDX-License-Identifier: Apache-2.0
// What a backward pass makes again instead of keeping it: the wide maps inside a block, and large ones that a block hands on. The steps
// that make them stream beside those that need them, a few rows at a time, so that they never exist as a whole.
#include <algorithm>

#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/operations.h"

namespace fovea {
namespace {

// Of a long row of wide maps one in so many is kept: with each further one, more rows of those before it are made more than once.
// MobileNetV3 has two in a row: all numbers from 2 on plan alike for it, with 1 a gradient of Large at 512 takes 46.4 MiB instead
// of 11.7 (bench/gradient_plans).
constexpr std::uint8_t kLongestWay = 4;
// Each block in a row that begins with a map that is made again counts as so many steps, which no row within one reaches.
constexpr std::uint8_t kBlock = 16;
// What a block hands on is made again if it is larger than this: that takes the whole block's work, not a part of it.
std::uint64_t largest_handed_on(const Recomputation& again) {
    return again.largest_kept / 5 * 8;
}

// What a sum over all pixels has used is kept for the steps after it unless it is larger than this.
std::uint64_t largest_between(const Recomputation& again) {
    return 2 * largest_handed_on(again);
}

// Where all that would be made again is no larger than this together, it is kept. By bench/gradient_plans, Small at 224 then takes 6.3 MiB
// instead of 4.9, for 8 % fewer multiply-adds; larger networks plan as before.
std::uint64_t largest_together(const Recomputation& again) {
    return 4 * again.largest_kept;
}

// The node whose steps make the node's result.
std::uint32_t maker_of(const StepWriter& writer, std::uint32_t index) {
    const std::uint32_t doer = writer.fusion(index).done_by;
    return doer != kNone && writer.fusion(doer).sum == index ? doer : index;
}

// The values that the steps of the node's result read.
template <typename Visit>
void for_each_read(const StepWriter& writer, std::uint32_t index, const Visit& visit) {
    const std::uint32_t maker = maker_of(writer, index);
    const Fusion& fusion = writer.fusion(maker);
    if (fusion.reads_pixels) return;
    const auto visit_operands = [&](std::uint32_t reader) {
        for (std::uint32_t i = 0; i < writer.node(reader).operand_count; ++i) {
            if (writer.operand(reader, i) != maker + 1) visit(writer.operand(reader, i));
        }
    };
    visit_operands(fusion.gate != kNone ? fusion.gate : maker);
    if (maker != index) visit_operands(index);
}

bool is_larger(const StepWriter& writer, std::uint32_t value, std::uint64_t bytes) {
    const Shape& map = writer.shape(value);
    return map.height > 1 && map.count() * element_bytes(writer.type(value)) > bytes;
}

// A map of a kind that is made row by row from others, and wider than what a block hands on.
bool is_wide(const StepWriter& writer, std::uint32_t index, std::uint64_t largest_kept) {
    const Node& node = writer.node(index);
    const bool streams = node.kind == NodeKind::kConvolution || node.kind == NodeKind::kDepthwise || node.kind == NodeKind::kActivation;
    return streams && node.activation != ops::Activation::kNone && writer.fusion(index).sum == kNone &&
           is_larger(writer, index + 1, largest_kept);
}

// What a block hands on: a projection's result, or the sum that the projection makes.
bool ends_block(const StepWriter& writer, std::uint32_t index) {
    const std::uint32_t maker = maker_of(writer, index);
    return is_pointwise_node(writer.node(maker)) && writer.node(index).activation == ops::Activation::kNone &&
           writer.fusion(maker).gate == kNone && (maker != index || writer.fusion(index).sum == kNone);
}

// Notes in distance which values are read in a block with a global pool: before and after that the backward pass needs them apart, so that
// they would have to be made twice.
void note_pooled_blocks(const StepWriter& writer, const Recomputation& again) {
    std::fill_n(again.distance, again.count, std::uint8_t{0});
    for (std::uint32_t index = writer.graph().node_count(); index-- > 0;) {
        const Node& node = writer.node(index);
        const std::uint32_t first = writer.operand(index, 0);
        const bool pools = is_global_pool_node(node, writer.shape(first));
        const bool within_block = node.activation != ops::Activation::kNone && again.distance[index + 1] != 0;
        if (pools || within_block) again.distance[first] = 1;
    }
}

// Takes the choice back where it is of little memory.
void keep_little(const StepWriter& writer, const Recomputation& again) {
    std::uint64_t bytes = 0;
    for (std::uint32_t index = 0; index < writer.graph().node_count(); ++index) {
        const std::uint32_t value = index + 1;
        if (again.distance[value] != 0) bytes += writer.shape(value).count() * element_bytes(writer.type(value));
    }
    if (bytes <= largest_together(again)) std::fill_n(again.distance, again.count, std::uint8_t{0});
}

}  // namespace

// By bench/gradient_plans, a gradient of Large at 512 takes 11.7 MiB with a largest_kept of 640 KiB, 18.1 with 800, for 2 % fewer
// multiply-adds, and 11.7 still with 480, for 1 % more.
void choose_recomputation(const StepWriter& writer, const Recomputation& again) {
    std::fill_n(again.made, again.count, kNone);
    note_pooled_blocks(writer, again);
    again.distance[0] = 0;
    for (std::uint32_t index = 0; index < writer.graph().node_count(); ++index) {
        const bool pooled = again.distance[index + 1] != 0;
        again.distance[index + 1] = 0;
        const bool wide = is_wide(writer, index, again.largest_kept);
        const bool handed_on = !wide && !pooled && ends_block(writer, index) && is_larger(writer, index + 1, largest_handed_on(again));
        if (!wide && !handed_on) continue;
        std::uint8_t farthest = 0;
        for_each_read(writer, index, [&](std::uint32_t value) { farthest = std::max(farthest, again.distance[value]); });
        if (wide ? farthest % kBlock >= kLongestWay : farthest == 0 || farthest / kBlock >= again.most_blocks) continue;
        again.distance[index + 1] = static_cast<std::uint8_t>(wide ? farthest + 1 : (farthest / kBlock + 1) * kBlock);
        const std::uint32_t before = writer.fusion(index).before_activation;
        if (before != kNone) again.distance[before] = again.distance[index + 1];
    }
    keep_little(writer, again);
}

std::uint32_t GradientWriter::known(std::uint32_t index, std::uint32_t value) {
    if (value >= again_.count || again_.distance[value] == 0) return value;
    if (again_.made[value] == kNone) make_again(index, value);
    return again_.made[value];
}

// A depthwise convolution is a small part of its block's work, and so is the activation before it: what goes into that stays.
void GradientWriter::forget(std::uint32_t value) {
    if (value == 0 || value >= again_.count || again_.distance[value] == 0) return;
    const std::uint32_t index = value - 1;
    if (node(index).kind != NodeKind::kDepthwise || !is_larger(writer_, value, largest_between(again_))) return;
    again_.made[value] = again_.made[writer_.result_of(index)] = kNone;
    const std::uint32_t read = operand(index, 0);
    if (read != 0 && writer_.result_of(read - 1) != read) again_.made[read] = kNone;
}

void GradientWriter::make_again(std::uint32_t index, std::uint32_t value) {
    const std::uint32_t result = writer_.result_of(index);
    const auto add = [&](std::uint32_t original) {
        again_.made[original] = writer_.add_value(shape(original), writer_.type(original));
    };
    ops::Activation done = ops::Activation::kNone;
    if (again_.made[result] == kNone) {
        for_each_read(writer_, index, [&](std::uint32_t read) { known(read - 1, read); });
        add(result);
        const std::uint32_t maker = maker_of(writer_, index);
        writer_.replace_values(again_.made, again_.count);
        done = operation_of(node(maker).kind).emit(writer_, maker);
        writer_.replace_values(nullptr, 0);
    }
    if (value == result && (result != index + 1 || done == node(index).activation)) return;
    if (value != result) add(value);
    writer_.replace_values(again_.made, again_.count);
    emit_activation(writer_, index, result);
    writer_.replace_values(nullptr, 0);
}

}  // namespace fovea
