// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "fovea/fovea.h"

namespace fovea::cli {

// A picture in NumPy's .npy form, as the network takes it.
struct NpyPicture {
    std::uint32_t height = 0, width = 0, channels = 0;
    fovea_dtype dtype = FOVEA_U8;
    std::size_t data_offset = 0;  // into the file's bytes
};

// Reads the header of a .npy file (versions 1 to 3) that holds 8-bit or little-endian float32
// values in C order, of shape (height, width, channels) or (1, height, width, channels), and checks
// that the file has exactly the bytes that it promises. False, with the cause, for anything else.
bool parse_npy(const std::vector<unsigned char>& bytes, NpyPicture& picture, std::string& cause);

// A version 1 file of float32 values in C order.
std::vector<unsigned char> make_npy(const float* data, const std::vector<std::size_t>& shape);

}  // namespace fovea::cli
