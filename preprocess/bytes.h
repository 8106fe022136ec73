// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace fovea::preprocess {

// A part of a file that somebody else holds; may be empty.
struct ByteSpan {
    const std::uint8_t* data = nullptr;
    std::size_t size = 0;
};

inline std::uint32_t read_u16_big_endian(const std::uint8_t* p) {
    return std::uint32_t{p[0]} << 8 | p[1];
}

inline std::uint32_t read_u32_big_endian(const std::uint8_t* p) {
    return read_u16_big_endian(p) << 16 | read_u16_big_endian(p + 2);
}

}  // namespace fovea::preprocess
