// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "engine/log.h"
#include "engine/model/graph.h"
#include "fovea/fovea.h"

namespace fovea {

// A network of codes as one of floats, of the reals that its whole weights stand for: what gradients of it are taken of, since rounding
// has none. What only turns floats into codes, or codes into floats, is not in it.
struct FloatTwin {
    explicit FloatTwin(const Allocator& allocator);

    Graph graph;
    Buffer<std::uint32_t> values;  // by value of the codes' network: the one that stands for the same reals
    Buffer<float> constants;       // of the tensors that the file has not
    bool exists() const { return !values.empty(); }
};

// codes must have been checked; its tensors are used where they are of floats.
fovea_status make_float_twin(const Graph& codes, const Log& log, FloatTwin* twin);

}  // namespace fovea
