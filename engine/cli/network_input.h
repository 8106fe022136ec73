// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "handles.h"

namespace fovea::cli {

// Values as the network takes them.
struct NetworkInput {
    std::uint32_t height = 0, width = 0, channels = 0;
    fovea_dtype dtype = FOVEA_U8;
    const void* values = nullptr;

    // What owns the values: one of these.
    std::vector<unsigned char> file;
    Image image;
    std::vector<float> floats;  // a .npy file's, moved to where floats may lie
};

// An input that cannot be used; the other inputs still are.
struct InputProblem {
    std::string code, message;
};

// Reads a .npy file, PNG or JPEG whose pixels are the network's. Throws InputProblem.
void read_input(const std::string& path, NetworkInput& input);

// Why the values of a .npy file cannot be those of a picture that the network takes; empty when they can. Whatever rescaling
// a network was trained with is in its file, so all of them take 0 to 255, and a range that was rescaled before is rescaled twice.
std::string doubt_about(const NetworkInput& input);

}  // namespace fovea::cli
