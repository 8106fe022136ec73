// SPDX-License-Identifier: Apache-2.0
// Small random networks of every kind of node, for tests that compare or check properties.
#pragma once

#include <random>

#include "tests/unit/model_builder.h"
#include "tests/unit/naive_network.h"

namespace random_network {

struct RandomNetwork {
    model_builder::ModelSpec spec;             // every node is named "n0", "n1", ...
    naive_network::Value input;                // whole numbers 0 to 255
    std::vector<naive_network::Value> values;  // what each value should be
};

// size: how many nodes before the head (global pool, dense, softmax).
RandomNetwork make(std::mt19937& random, int size);

// One that joins what nodes of every kind make, block after block: some of it read by others too, pooled, joined again.
RandomNetwork make_joined(std::mt19937& random, int blocks);

}  // namespace random_network
