// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engine/model/graph.h"
#include "engine/steps/elements.h"

namespace fovea {

// What a step reads or makes: what it is, and where its elements lie.
//
// Pixel p of a value stored whole lies p * pixel_stride elements after its first. Of a value that is a ring only the last few
// rows exist: row y at y % ring_rows, each thread with a ring of its own. A value may be a slice of a wider one's channels: it
// lies among them, whole or in a ring as they do.
struct Value {
    Shape shape;
    ElementType type = ElementType::kF32;
    const float* scale = nullptr;  // of codes, by channel: they mean (code - zero) * scale
    const std::int32_t* zero = nullptr;
    std::uint32_t root = 0;          // the value in whose memory it lies: itself, unless it is a view or a slice
    std::uint32_t channel = 0;       // of the root's, at which a slice begins
    std::uint32_t pixel_stride = 0;  // elements from one pixel to the next
    std::uint32_t ring_rows = 0;     // 0 = the whole value, once
    std::uint64_t thread_bytes = 0;  // of one thread's ring
    std::uint32_t last_use =
        0;  // of a root: the last step that needs it, or the number of steps if it outlives the run
    std::uint32_t block = kNone;  // of the arena; kNone = has no place (not made by any step)
    std::uint64_t offset = 0;     // of its first element, in bytes from the start of the arena
    std::uint64_t copy = 0;       // bytes from the start of the workspace to its copy as floats, or 0

    std::uint64_t row_bytes() const { return std::uint64_t{shape.width} * shape.channels * element_bytes(type); }
    std::uint64_t bytes() const { return row_bytes() * shape.height; }
    bool is_slice() const { return pixel_stride != shape.channels; }
};

}  // namespace fovea
