// SPDX-License-Identifier: Apache-2.0
// Runs a ModelSpec the slow and obvious way in double precision: what the engine is compared with.
#pragma once

#include <cstddef>
#include <vector>

#include "tests/unit/model_builder.h"

namespace naive_network {

struct Value {
    std::size_t height = 0, width = 0, channels = 0;
    std::vector<double> data;

    double& at(std::size_t y, std::size_t x, std::size_t c) {
        return data[(y * width + x) * channels + c];
    }
    double at(std::size_t y, std::size_t x, std::size_t c) const {
        return data[(y * width + x) * channels + c];
    }
};

// All values; the input is value 0.
std::vector<Value> run(const model_builder::ModelSpec& spec, const Value& input);

// What one node makes of values that are there.
Value run_node(const model_builder::NodeSpec& node, const std::vector<Value>& values);

}  // namespace naive_network
