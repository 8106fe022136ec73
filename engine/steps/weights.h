// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/steps/run.h"

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
struct WeightPart {
    const void* weights;     // of the first panel
    std::uint32_t group;     // the first
    std::uint32_t groups;    // how many
    std::uint32_t channel;   // the first, counted from the layer's first
    std::uint32_t channels;  // of this part
    std::uint64_t bias;      // elements from the start of the bias, which has 8 for a panel
};

// Bytes of scratch memory that a thread needs for weights that are not used as they lie in the file.
std::uint64_t panel_scratch_bytes(const LayerWeights& layer, ElementType element);

// A function with what it captured, called once for each part.
class PartFunction {
  public:
    template <typename Use>
    PartFunction(const Use& use)
        : context_(&use),
          call_([](const void* context, const WeightPart& part) { (*static_cast<const Use*>(context))(part); }) {}
    void operator()(const WeightPart& part) const { call_(context_, part); }

  private:
    const void* context_;
    void (*call_)(const void* context, const WeightPart& part);
};

// Calls use(part) for parts that together are all panels of each group of the step's layer, for a kernel of such
// elements; where a unit of the step is long, asks between them whether to stop, and then leaves the rest.
// gate: [panel_elements / 8], which apply_gate multiplies into the weights; or null.
void for_each_weight_part(const Run& run, const Step& step, const LayerWeights& layer, ElementType element,
                          const float* gate, AnyKernel apply_gate, std::uint32_t thread, PartFunction use);

}  // namespace fovea
