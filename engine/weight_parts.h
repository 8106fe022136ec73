// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/plan.h"

namespace fovea {

// Some of a step's output channels, with their weights as its kernel wants them: where they lie in
// the file, or made a few panels at a time in the thread's scratch memory, of halves that the
// kernel wants as floats or of weights that take over a gate. So no such copy of a layer is ever
// whole in memory.
template <typename Element>
struct WeightPart {
    const Element* weights;  // of the first panel
    std::uint32_t group;     // the first
    std::uint32_t groups;    // how many
    std::uint32_t panel;     // the first, counted from its group's first
    std::uint32_t channel;   // the first, counted from the layer's first
    std::uint32_t channels;  // of this part
    std::uint64_t bias;      // elements from the start of the bias, which has 8 for a panel
};

// Panels are made so many at a time that they stay in the first-level cache beside the kernel's
// input; four are the least that the widest tiles share an input between.
inline constexpr std::uint64_t kScratchBytes = 32 * 1024;

inline std::uint64_t panels_at_once(std::uint64_t panel_bytes) {
    return std::max<std::uint64_t>(kScratchBytes / panel_bytes / 4 * 4, 4);
}

// Whether the kernel can use the file's weights where they lie; a gate aside.
inline bool is_as_in_file(const Step& step) {
    return (step.half_weights != nullptr) == step.half;
}

// Bytes of scratch memory that a thread needs for the step.
inline std::uint64_t scratch_bytes(const Step& step) {
    if (step.weight_bytes == 0 || (is_as_in_file(step) && step.gate == kNone)) return 0;
    // Vectors are floats, and the dense kernels take either.
    if (step.kind == StepKind::kAffine || step.kind == StepKind::kDense) return 0;
    if (step.kind == StepKind::kDepthwise) {
        return step.weight_bytes / sizeof(ops::Half) * sizeof(float);
    }
    const std::uint64_t panel_bytes =
        step.panel_floats * (step.half ? sizeof(ops::Half) : sizeof(float));
    return std::min(panels_at_once(panel_bytes), step.group_panels) * panel_bytes;
}

// The file's weights as elements that they are.
template <typename Element>
const Element* weights_in_file(const Step& step) {
    if constexpr (sizeof(Element) == sizeof(ops::Half)) {
        return step.half_weights;
    } else {
        return step.weights;
    }
}

// Panels [begin, end) of the file's weights, counted over all groups, widened and gated into the
// scratch memory. gate: [panel_floats / 8], or null.
template <typename Element>
void make_weights(const Step& step, const Kernels& kernels, const float* gate, std::uint64_t begin,
                  std::uint64_t end, Element* scratch) {
    const Element* weights = scratch;
    if (is_as_in_file(step)) {
        weights = weights_in_file<Element>(step) + begin * step.panel_floats;
    } else if constexpr (sizeof(Element) == sizeof(float)) {
        kernels.widen.function(
            {.input = step.half_weights + begin * step.panel_floats,
             .output = scratch,
             .count = static_cast<std::size_t>((end - begin) * step.panel_floats)});
    }
    if (gate == nullptr) return;
    kernels.of<Element>().gate.function(
        {.weights = weights,
         .gate = gate,
         .output = scratch,
         .panels = static_cast<std::size_t>(end - begin),
         .in_channels = static_cast<std::size_t>(step.panel_floats / 8)});
}

// Calls use(part) for parts that together are panels [begin, end) of each group.
template <typename Element, typename Use>
void for_each_weight_part(const Step& step, const Kernels& kernels, const float* gate,
                          Element* scratch, std::uint64_t begin, std::uint64_t end,
                          const Use& use) {
    const auto part = [&](const Element* weights, std::uint32_t group, std::uint32_t groups,
                          std::uint64_t first, std::uint64_t last) {
        const std::uint32_t group_channels = step.output_shape.channels / step.groups;
        const std::uint64_t channels =
            groups == 1 ? std::min<std::uint64_t>(last * 8, group_channels) - first * 8
                        : step.output_shape.channels;
        use(WeightPart<Element>{weights, group, groups, static_cast<std::uint32_t>(first),
                                static_cast<std::uint32_t>(group * group_channels + first * 8),
                                static_cast<std::uint32_t>(channels),
                                (group * step.group_panels + first) * 8});
    };
    if (is_as_in_file(step) && gate == nullptr) {
        part(weights_in_file<Element>(step) + begin * step.panel_floats, 0, step.groups, begin,
             end);
        return;
    }
    const std::uint64_t at_once = panels_at_once(step.panel_floats * sizeof(Element));
    for (std::uint32_t group = 0; group < step.groups; ++group) {
        const std::uint64_t group_begin = group * step.group_panels;
        for (std::uint64_t first = begin; first < end; first += at_once) {
            const std::uint64_t last = std::min(first + at_once, end);
            make_weights(step, kernels, gate, group_begin + first, group_begin + last, scratch);
            part(scratch, group, 1, first, last);
        }
    }
}

}  // namespace fovea
