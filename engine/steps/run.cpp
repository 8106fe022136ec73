// SPDX-License-Identifier: Apache-2.0
#include "engine/steps/run.h"

namespace fovea {

std::uint8_t* Run::address(std::uint32_t index, std::uint64_t pixel, std::uint32_t thread) const {
    const Value& value = program_.values[index];
    std::uint8_t* const first = arena_ + value.offset;
    const std::uint64_t pixel_bytes = std::uint64_t{value.pixel_stride} * element_bytes(value.type);
    if (value.ring_rows == 0) return first + pixel * pixel_bytes;
    const std::uint64_t row = pixel / value.shape.width % value.ring_rows;
    return first + thread * value.thread_bytes + row * value.shape.width * pixel_bytes;
}

}  // namespace fovea
