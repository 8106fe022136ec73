// SPDX-License-Identifier: Apache-2.0
// A model's bytes, what the reader makes of them, and a plan of it; what a step took over.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/model/model_file.h"
#include "engine/plan/planner.h"
#include "ops/cpu_features.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace planned_network {

struct Planned {
    model_builder::Bytes bytes;
    test_memory::AlignedCopy copy;
    fovea::ModelFile model;
    fovea::Plan plan{fovea::Allocator{}, fovea::ops::detect_cpu_features()};

    // work_per_thread 1: everything that can be is shared.
    Planned(const model_builder::ModelSpec& spec, const std::vector<std::uint32_t>& kept,
            std::uint32_t threads = 2, std::uint32_t band = 0,
            std::uint64_t work_per_thread = 1000000,
            fovea::Arithmetic arithmetic = fovea::Arithmetic::kBest)
        : bytes(model_builder::build(spec)), copy(bytes.data(), bytes.size()) {
        REQUIRE(fovea::read_model_file(copy.data(), copy.size(), {}, {}, &model) == FOVEA_OK);
        const fovea::PlanRequest request{.height = model.graph.default_height,
                                         .width = model.graph.default_width,
                                         .threads = threads,
                                         .kept = kept.data(),
                                         .kept_count = kept.size(),
                                         .band = band,
                                         .arithmetic = arithmetic,
                                         .work_per_thread = work_per_thread};
        REQUIRE(fovea::make_plan(model.graph, request, {}, &plan) == FOVEA_OK);
    }
};

inline bool begins(const char* text, const char* with) {
    return std::string(text).starts_with(with);
}
// What a pointwise convolution took over: an addition, which it may write over, and a gate, which it reads whole.
inline bool has_residual(const fovea::Step& step) {
    return begins(step.kernel, "pointwise_conv_") && step.may_overwrite != 0;
}
inline bool has_gate(const fovea::Step& step) {
    return begins(step.kernel, "pointwise_conv_") && step.reads_whole != 0;
}
// Reads the caller's pixels instead of what its node reads, the rescaled ones.
inline bool rescales(const fovea::Graph& graph, const fovea::Step& step) {
    return step.reads_caller_input && begins(step.kernel, "stem_pixels_") &&
           graph.operand(graph.nodes[step.node], 0) != 0;
}

}  // namespace planned_network
