// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/steps/elements.h"
#include "engine/steps/objective.h"
#include "engine/steps/step.h"
#include "fovea/fovea.h"

namespace fovea {

// Pixels 0 to 255 of the caller: height x width x channels, packed.
struct RunInput {
    const void* data;
    fovea_dtype dtype;
    Objective objective = {};  // of a backward pass
    bool forward_only = false;
};

// Whether to stop, for a unit of a step that is long by itself. The thread asks that the executor has it from.
struct StopQuestion {
    bool (*ask)(void* executor, std::uint32_t thread) = nullptr;  // null: nobody wants to stop
    void* executor = nullptr;
    std::uint64_t work_between = 0;  // multiply-adds between two questions
};

// Where everything lies while a program runs: what the functions of steps look their operands up in.
class Run {
  public:
    // row_pointers: row_pointer_count for each thread, of which no thread needs more.
    Run(const Program& program, const float* constants, void* row_pointers, std::uint64_t row_pointer_count,
        std::uint8_t* arena)
        : program_(program),
          constants_(constants),
          row_pointers_(row_pointers),
          row_pointer_count_(row_pointer_count),
          arena_(arena) {}

    RunInput input = {nullptr, FOVEA_U8};
    StopQuestion stop;

    ops::CpuFeatureSet features() const { return program_.features; }
    const Value& value(std::uint32_t value) const { return program_.values[value]; }
    const Value& operand_value(const Step& step, std::uint32_t i) const {
        return program_.values[program_.operand(step, i)];
    }

    // Where the value's elements lie from that pixel on: to its end, or, of a ring, to the end of
    // the ring, and then the pixel is the first of a row. Element is what the value's type says.
    template <typename Element>
    Element* at(std::uint32_t index, std::uint64_t pixel, std::uint32_t thread) const {
        return reinterpret_cast<Element*>(address(index, pixel, thread));
    }
    std::uint8_t* address(std::uint32_t index, std::uint64_t pixel, std::uint32_t thread) const;
    template <typename Element>
    const Element* operand(const Step& step, std::uint32_t i, std::uint64_t pixel = 0, std::uint32_t thread = 0) const {
        return at<Element>(program_.operand(step, i), pixel, thread);
    }
    template <typename Element>
    Element* output(const Step& step, std::uint64_t pixel = 0, std::uint32_t thread = 0) const {
        return at<Element>(step.output, pixel, thread);
    }
    // Elements from one pixel to the next.
    std::ptrdiff_t operand_stride(const Step& step, std::uint32_t i) const {
        return operand_value(step, i).pixel_stride;
    }
    std::ptrdiff_t output_stride(const Step& step) const { return value(step.output).pixel_stride; }
    // Calls use(from, to, pixels) for a kernel that takes packed pixels: with all `count`, or, where the operand or the output is a
    // slice, with one after another. from, to: elements from the first of these pixels in the operand and in the output.
    template <typename Use>
    void for_each_packed(const Step& step, std::uint64_t count, const Use& use) const {
        const Value &from = operand_value(step, 0), &to = value(step.output);
        const std::uint64_t most = from.is_slice() || to.is_slice() ? 1 : count;
        for (std::uint64_t p = 0; p < count; p += most) use(p * from.pixel_stride, p * to.pixel_stride, most);
    }

    // As many as the longest bias, all 0.
    const float* zeros() const { return constants_; }
    // Program::kOneCount of them.
    const float* ones() const { return constants_ + program_.zero_floats; }
    const float* constants() const { return constants_; }

    template <typename Element>
    const Element** row_pointers(std::uint32_t thread) const {
        return static_cast<const Element**>(row_pointers_) + thread * row_pointer_count_;
    }
    // The thread's memory beside the output; null if the step needs none.
    template <typename Element>
    Element* scratch(const Step& step, std::uint32_t thread) const {
        if (step.scratch_block == kNone) return nullptr;
        return reinterpret_cast<Element*>(arena_ + step.scratch_offset + thread * step.scratch_bytes);
    }

  private:
    const Program& program_;
    const float* constants_;
    void* row_pointers_;
    std::uint64_t row_pointer_count_;
    std::uint8_t* arena_;
};

}  // namespace fovea
