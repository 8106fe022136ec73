// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace fovea::cli {

// An RGB picture (height x width x 3, packed rows) as a PNG file's bytes. Throws std::bad_alloc.
std::vector<unsigned char> make_png(const std::uint8_t* rgb, std::uint32_t width,
                                    std::uint32_t height);

}  // namespace fovea::cli
