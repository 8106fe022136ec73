// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "engine/steps/convert.h"
#include "engine/steps/run.h"
#include "ops/gate/gate.h"

namespace fovea {

// The constants of a layer: weights as they lie in the file, and the bias as the kernel takes it.
struct LayerWeights {
    const void* data = nullptr;
    ElementType type = ElementType::kF32;
    std::uint32_t groups = 1;
    std::uint64_t group_panels = 0;    // weight panels of 8 output channels in a group
    std::uint64_t panel_elements = 0;  // weights of a panel
    const void* bias = nullptr;        // in the file, or null: then at bias_constant
    std::uint64_t bias_constant = 0;   // floats from the start of the constants

    // Whether a kernel of such elements can use the weights where they lie.
    template <typename Element>
    bool is_as_in_file() const {
        return type == kElementType<Element>;
    }
    const std::uint8_t* at_panel(std::uint64_t panel) const {
        return static_cast<const std::uint8_t*>(data) + panel * panel_elements * element_bytes(type);
    }
    template <typename Element>
    const Element* bias_in(const Run& run) const {
        return static_cast<const Element*>(bias != nullptr ? bias : run.constants() + bias_constant);
    }
};

// Some of a step's output channels, with their weights as its kernel wants them: where they lie in
// the file, or made a few panels at a time in the thread's scratch memory, of elements that the
// kernel wants of another type or of weights that take over a gate. So no such copy of a layer is ever
// whole in memory.
template <typename Element>
struct WeightPart {
    const Element* weights;  // of the first panel
    std::uint32_t group;     // the first
    std::uint32_t groups;    // how many
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

// Bytes of scratch memory that a thread needs for weights that are not used as they lie in the file.
inline std::uint64_t panel_scratch_bytes(const LayerWeights& layer, ElementType type) {
    const std::uint64_t panel_bytes = layer.panel_elements * element_bytes(type);
    return std::min(panels_at_once(panel_bytes), layer.group_panels) * panel_bytes;
}

// Multiplies a gate into weights, as they lie in the file or converted.
template <typename Element>
using GateFunction = void (*)(const ops::GateArgs<Element>&);

// Panels [begin, end) of the file's weights, counted over all groups, converted and gated into the
// scratch memory. gate: [panel_elements / 8], or null.
template <typename Element>
void make_weights(const Run& run, const LayerWeights& layer, const float* gate, GateFunction<Element> apply_gate,
                  Range panels, Element* scratch) {
    const Element* weights = scratch;
    if (layer.is_as_in_file<Element>()) {
        weights = reinterpret_cast<const Element*>(layer.at_panel(panels.begin));
    } else {
        convert_elements(layer.at_panel(panels.begin), layer.type, scratch, kElementType<Element>,
                         static_cast<std::size_t>(panels.count() * layer.panel_elements), run.features());
    }
    if (gate == nullptr) return;
    apply_gate({.weights = weights,
                .gate = gate,
                .output = scratch,
                .panels = static_cast<std::size_t>(panels.count()),
                .in_channels = static_cast<std::size_t>(layer.panel_elements / 8)});
}

// Calls use(part) for parts that together are all panels of each group of the step's layer.
template <typename Element, typename Use>
void for_each_weight_part(const Run& run, const Step& step, const LayerWeights& layer, const float* gate,
                          GateFunction<Element> apply_gate, std::uint32_t thread, const Use& use) {
    const std::uint32_t channels = step.output_shape.channels;
    if (layer.is_as_in_file<Element>() && gate == nullptr) {
        use(WeightPart<Element>{static_cast<const Element*>(layer.data), 0, layer.groups, 0, channels, 0});
        return;
    }
    auto* const scratch = run.scratch<Element>(step, thread);
    const std::uint32_t group_channels = channels / layer.groups;
    const std::uint64_t at_once = panels_at_once(layer.panel_elements * sizeof(Element));
    for (std::uint32_t group = 0; group < layer.groups; ++group) {
        const std::uint64_t before = group * layer.group_panels;
        for (std::uint64_t first = 0; first < layer.group_panels; first += at_once) {
            const std::uint64_t last = std::min(first + at_once, layer.group_panels);
            make_weights(run, layer, gate, apply_gate, {before + first, before + last}, scratch);
            use(WeightPart<Element>{
                scratch, group, 1, static_cast<std::uint32_t>(group * group_channels + first * 8),
                static_cast<std::uint32_t>(std::min<std::uint64_t>(last * 8, group_channels) - first * 8),
                (before + first) * 8});
        }
    }
}

}  // namespace fovea
