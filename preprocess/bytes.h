// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace fovea::preprocess {

inline std::uint32_t read_u16_big_endian(const std::uint8_t* p) {
    return std::uint32_t{p[0]} << 8 | p[1];
}

inline std::uint32_t read_u32_big_endian(const std::uint8_t* p) {
    return read_u16_big_endian(p) << 16 | read_u16_big_endian(p + 2);
}

}  // namespace fovea::preprocess
