// SPDX-License-Identifier: Apache-2.0
// What a backward pass makes again instead of keeping it: the wide maps inside a block. The steps that make them stream beside those that
// need them, a few rows at a time, so that they never exist as a whole.
#include <algorithm>

#include "engine/steps/gradient/gradient_writer.h"
#include "engine/steps/operations.h"

namespace fovea {
namespace {

// Of a long row of wide maps one in so many is kept.
constexpr std::uint8_t kLongestWay = 4;

// The values that the node's own steps read, and how many they are.
template <typename Visit>
void for_each_read(const StepWriter& writer, std::uint32_t index, const Visit& visit) {
    const Fusion& fusion = writer.fusion(index);
    if (fusion.reads_pixels) return;
    const std::uint32_t reader = fusion.gate != kNone ? fusion.gate : index;
    for (std::uint32_t i = 0; i < writer.node(reader).operand_count; ++i) visit(writer.operand(reader, i));
}

// A map of a kind that is made row by row from others, and wider than what a block hands on.
bool is_wide(const StepWriter& writer, std::uint32_t index, std::uint64_t largest_kept) {
    const Node& node = writer.node(index);
    const Fusion& fusion = writer.fusion(index);
    const bool streams = node.kind == NodeKind::kConvolution || node.kind == NodeKind::kDepthwise || node.kind == NodeKind::kActivation;
    const Shape& map = writer.shape(index + 1);
    return streams && node.activation != ops::Activation::kNone && fusion.sum == kNone && map.height > 1 &&
           map.count() * element_bytes(writer.type(index + 1)) > largest_kept;
}

}  // namespace

void choose_recomputation(const StepWriter& writer, const Recomputation& again) {
    std::fill_n(again.made, again.count, kNone);
    std::fill_n(again.distance, again.count, std::uint8_t{0});
    for (std::uint32_t index = 0; index < writer.graph().node_count(); ++index) {
        if (!is_wide(writer, index, again.largest_kept)) continue;
        std::uint8_t farthest = 0;
        for_each_read(writer, index, [&](std::uint32_t value) { farthest = std::max(farthest, again.distance[value]); });
        if (farthest >= kLongestWay) continue;
        again.distance[index + 1] = farthest + 1;
        const std::uint32_t before = writer.fusion(index).before_activation;
        if (before != kNone) again.distance[before] = farthest + 1;
    }
}

std::uint32_t GradientWriter::known(std::uint32_t index, std::uint32_t value) {
    if (value >= again_.count || again_.distance[value] == 0) return value;
    if (again_.made[value] == kNone) make_again(index, value);
    return again_.made[value];
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
        writer_.replace_values(again_.made, again_.count);
        done = operation_of(node(index).kind).emit(writer_, index);
        writer_.replace_values(nullptr, 0);
    }
    if (value == result && (result != index + 1 || done == node(index).activation)) return;
    if (value != result) add(value);
    writer_.replace_values(again_.made, again_.count);
    emit_activation(writer_, index, result);
    writer_.replace_values(nullptr, 0);
}

}  // namespace fovea
