// SPDX-License-Identifier: Apache-2.0
// A network of codes of every form that there is, with random constants.
#pragma once

#include <random>

#include "tests/unit/model_builder.h"

namespace code_network {

// Twice the same: as a file has it, and with the reals that its whole numbers stand for.
struct CodeNetwork {
    model_builder::ModelSpec file, real;
};

// For any input of at least 4 x 4 pixels; channels: about as many in its layers.
CodeNetwork make(std::mt19937& random, std::uint32_t channels);

}  // namespace code_network
