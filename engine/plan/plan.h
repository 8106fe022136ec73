// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/plan/arena.h"
#include "engine/model/graph.h"
#include "engine/log.h"
#include "engine/steps/backward_pass.h"
#include "engine/steps/step.h"
#include "ops/cpu_features.h"
#include "preprocess/cancel.h"
#include "preprocess/memory.h"

namespace fovea {

// Steps that run together, in one of two ways.
//
// Whole tensors (band 0, one step): the step makes its whole output, threads share its units.
//
// Streamed: the steps take turns, each making the rows that the next band of the last one's output
// needs (band_walk.h). What they hand to each other lies in ring buffers of a few rows; only what
// steps outside the segment read is stored whole. Threads share the rows of the last output, each
// with rings of its own; rows near the border between two are made by both.
struct Segment {
    std::uint32_t first_step, step_count;
    std::uint32_t band;  // rows of the last step's output, or 0
    std::uint32_t threads;
};
inline constexpr std::uint32_t kMaxSegmentSteps = 64;

// What maps are made of. Halves, if the file's weights are: there then are few bytes to move and
// many elements in a register. Vectors (gates, dense layers, logits) are floats all the same.
enum class Arithmetic {
    kBest,   // halves if the CPU computes with them
    kFloat,  // for tests: floats
    kHalf,   // for tests: halves if the graph allows it, by the specification where nothing is better
};

struct PlanRequest {
    std::uint32_t height, width;
    std::uint32_t threads;
    const std::uint32_t* kept;  // values that stay until the next run, beside the outputs
    std::size_t kept_count;
    std::uint32_t band =
        0;  // for tests: the rows of a band in every streamed segment; 0 = the best
    // For benches: null, or by step the rows of a band in the streamed segment that begins with it;
    // 0 = as chosen. Changes no choice of what is streamed together.
    const std::uint32_t* band_of = nullptr;
    Arithmetic arithmetic = Arithmetic::kBest;
    // Below this many multiply-adds (or elements, weighted) a thread's share does not pay for
    // waking it: some 17 microseconds of work for a core of 60 GMAC/s, about what a wake-up takes
    // there.
    std::uint64_t work_per_thread = 1000000;
    Cancel cancel = {};  // asked as planning goes on
    // Null, or what is to be planned after the forward pass. What is kept then is so with its gradient, and the input's gradient.
    const BackwardPass* backward = nullptr;
    bool slices = true;  // for tests: false = what concatenations join is always copied
    std::uint64_t largest_kept = 640 * 1024;  // bytes of a map that a backward pass keeps and does not make again: see choose_recomputation
};

// How to run a graph at one input size: the steps in order, and where every value lies.
//
// Workspace: constants (made once per session), row pointers (a list a thread), the arena, then the
// copies as floats of those kept values that are not. Several plans may share one (share_workspace).
struct Plan : Program {
    Plan(const Allocator& allocator, ops::CpuFeatureSet allowed)
        : Program(allocator, allowed), producers(allocator), segments(allocator), blocks(allocator) {}

    ElementType map_type = ElementType::kF32;
    const char* arithmetic = "float32";      // in words
    std::uint32_t float_because_of = kNone;  // the node for which maps are floats, although they could be others
    // By operand: the step that makes it row by row in the same segment, or kNone.
    Buffer<std::uint32_t> producers;
    Buffer<Segment> segments;  // in the order of their steps
    std::size_t segment_count = 0;
    Buffer<ArenaBlock> blocks;
    std::size_t block_count = 0;
    std::uint32_t threads = 1;
    std::uint64_t multiply_adds = 0;
    // Bytes from the start of the workspace:
    std::uint64_t constants_offset = 0;
    std::uint64_t row_pointers_offset = 0;
    std::uint64_t arena_offset = 0;
    std::uint64_t arena_size = 0;
    std::uint64_t copy_bytes = 0;  // from where the arena ends
    std::uint64_t workspace_size = 0;
};

}  // namespace fovea
