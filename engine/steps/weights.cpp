// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/weights.h"

#include <algorithm>

#include "engine/steps/convert.h"
#include "ops/gate/gate.h"

namespace fovea {
namespace {

// Panels are made so many at a time that they stay in the first-level cache beside the kernel's
// input; four are the least that the widest tiles share an input between.
constexpr std::uint64_t kScratchBytes = 32 * 1024;

std::uint64_t panels_at_once(std::uint64_t panel_bytes) {
    return std::max<std::uint64_t>(kScratchBytes / panel_bytes / 4 * 4, 4);
}

// Panels of the file's weights, counted over all groups, converted and gated into the scratch memory.
void make_weights(const Run& run, const LayerWeights& layer, ElementType element, const float* gate,
                  AnyKernel apply_gate, Range panels, void* scratch) {
    const void* weights = layer.at_panel(panels.begin);
    if (layer.type != element) {
        convert_elements(weights, layer.type, scratch, element,
                         static_cast<std::size_t>(panels.count() * layer.panel_elements), run.features());
        weights = scratch;
    }
    if (gate == nullptr) return;
    with_element(element, [&]<typename Element>() {
        const ops::GateArgs<Element> args = {.weights = static_cast<const Element*>(weights),
                                             .gate = gate,
                                             .output = static_cast<Element*>(scratch),
                                             .panels = static_cast<std::size_t>(panels.count()),
                                             .in_channels = static_cast<std::size_t>(layer.panel_elements / 8)};
        reinterpret_cast<void (*)(const ops::GateArgs<Element>&)>(apply_gate)(args);
    });
}

// The panels of a unit that may be worked on between two questions whether to stop; 0 = all of them.
std::uint64_t panels_between_questions(const Run& run, const Step& step, const LayerWeights& layer) {
    if (run.stop.ask == nullptr) return 0;
    const std::uint64_t unit_work = step_work(step) / step.unit_count;
    if (unit_work <= run.stop.work_between) return 0;
    const std::uint64_t panels = run.stop.work_between * layer.groups * layer.group_panels / unit_work;
    // Four share their input in the widest tiles.
    return panels >= 4 ? panels / 4 * 4 : std::max<std::uint64_t>(panels, 1);
}

}  // namespace

std::uint64_t panel_scratch_bytes(const LayerWeights& layer, ElementType element) {
    const std::uint64_t panel_bytes = layer.panel_elements * element_bytes(element);
    return std::min(panels_at_once(panel_bytes), layer.group_panels) * panel_bytes;
}

void for_each_weight_part(const Run& run, const Step& step, const LayerWeights& layer, ElementType element,
                          const float* gate, AnyKernel apply_gate, std::uint32_t thread, PartFunction use) {
    const std::uint32_t channels = step.output_shape.channels;
    const bool as_they_lie = layer.type == element && gate == nullptr;
    const std::uint64_t most = panels_between_questions(run, step, layer);
    if (as_they_lie && most == 0) {
        use({layer.data, 0, layer.groups, 0, channels, 0});
        return;
    }
    void* const scratch = run.scratch<void>(step, thread);
    const std::uint32_t group_channels = channels / layer.groups;
    std::uint64_t at_once = as_they_lie ? most : panels_at_once(layer.panel_elements * element_bytes(element));
    if (most != 0) at_once = std::min(at_once, most);
    for (std::uint32_t group = 0; group < layer.groups; ++group) {
        const std::uint64_t before = group * layer.group_panels;
        for (std::uint64_t first = 0; first < layer.group_panels; first += at_once) {
            const std::uint64_t last = std::min(first + at_once, layer.group_panels);
            if (most != 0 && before + first != 0 && run.stop.ask(run.stop.executor, thread)) return;
            if (!as_they_lie) make_weights(run, layer, element, gate, apply_gate, {before + first, before + last}, scratch);
            use({as_they_lie ? layer.at_panel(before + first) : scratch, group, 1,
                 static_cast<std::uint32_t>(group * group_channels + first * 8),
                 static_cast<std::uint32_t>(std::min<std::uint64_t>(last * 8, group_channels) - first * 8),
                 (before + first) * 8});
        }
    }
}

}  // namespace fovea
