// SPDX-License-Identifier: Apache-2.0
#include "engine/plan/print.h"

#include <cinttypes>
#include <cstdio>

#include "engine/align.h"

namespace fovea {
namespace {

using Line = char[512];

// Bytes of the arena that are in use while the segment runs.
std::uint64_t live_bytes(const Plan& plan, std::size_t segment) {
    std::uint64_t bytes = 0;
    for (std::size_t b = 0; b < plan.block_count; ++b) {
        const ArenaBlock& block = plan.blocks[b];
        if (block.first <= segment && segment <= block.last) bytes += align_up(block.size);
    }
    return bytes;
}

void print_segment(const Plan& plan, std::size_t index, Line* line) {
    const Segment& segment = plan.segments[index];
    char how[96] = "whole tensors";
    if (segment.band != 0) {
        const std::uint32_t last = segment.first_step + segment.step_count - 1;
        std::snprintf(how, sizeof(how), "streamed in bands of %u of %u rows", segment.band,
                      plan.steps[last].output_shape.height);
    }
    std::snprintf(*line, sizeof(*line),
                  "segment %zu: %s, %u thread%s, %" PRIu64 " bytes of the arena in use", index, how,
                  segment.threads, segment.threads == 1 ? "" : "s", live_bytes(plan, index));
}

void print_step(const Graph& graph, const Plan& plan, std::size_t index, Line* line) {
    const Step& step = plan.steps[index];
    char unnamed[48];
    std::snprintf(unnamed, sizeof(unnamed), "#%u %s", step.node,
                  step.node == kNone ? "" : node_kind_name(graph.nodes[step.node].kind));
    const char* name = step.node == kNone ? "(input)" : graph.name_of(step.node);
    char shape[64], stored[32] = "whole";
    const Value& value = plan.values[step.output];
    const char* const codes = value.type == ElementType::kU8 ? " u8" : value.type == ElementType::kS16 ? " s16" : "";
    char whole[16] = "";  // channels of what it is a slice of
    if (value.is_slice()) std::snprintf(whole, sizeof(whole), " of %u", value.pixel_stride);
    std::snprintf(shape, sizeof(shape), "%ux%ux%u%s%s", step.output_shape.height, step.output_shape.width,
                  step.output_shape.channels, codes, whole);
    if (value.ring_rows != 0) std::snprintf(stored, sizeof(stored), "%u rows", value.ring_rows);
    const ArenaBlock& block = plan.blocks[value.block];
    std::snprintf(*line, sizeof(*line),
                  "%5zu %-36.80s %-32s %-16s %12" PRIu64 " %10s %11" PRIu64 " %11" PRIu64
                  " %5u %5u",
                  index, name != nullptr ? name : unnamed, step.kernel, shape, step.multiply_adds,
                  stored, block.offset, block.size, block.first, block.last);
}

}  // namespace

void print_plan(const Graph& graph, const Plan& plan, void (*write)(void* cookie, const char* line),
                void* cookie) {
    Line line;
    const Shape& input = plan.values[0].shape;
    std::snprintf(line, sizeof(line),
                  "input %ux%ux%u, %zu steps in %zu segments, %" PRIu64 " multiply-adds",
                  input.height, input.width, input.channels, plan.step_count, plan.segment_count,
                  plan.multiply_adds);
    write(cookie, line);
    if (plan.float_because_of == kNone) {
        std::snprintf(line, sizeof(line), "arithmetic: %s", plan.arithmetic);
    } else {
        std::snprintf(line, sizeof(line), "arithmetic: %s %s", plan.arithmetic,
                      NodeLabel(graph, plan.float_because_of).text);
    }
    write(cookie, line);
    std::snprintf(line, sizeof(line),
                  "workspace %" PRIu64 " bytes = constants %" PRIu64 " + row pointers %" PRIu64
                  " + arena %" PRIu64 " + copies %" PRIu64,
                  plan.workspace_size, plan.row_pointers_offset - plan.constants_offset,
                  plan.arena_offset - plan.row_pointers_offset, plan.arena_size,
                  plan.copy_bytes);
    write(cookie, line);
    std::snprintf(line, sizeof(line), "%5s %-36s %-32s %-16s %12s %10s %11s %11s %5s %5s", "step",
                  "layer", "kernel", "output", "mult-adds", "stored", "offset", "bytes", "from",
                  "to");
    write(cookie, line);
    for (std::size_t g = 0; g < plan.segment_count; ++g) {
        const Segment& segment = plan.segments[g];
        print_segment(plan, g, &line);
        write(cookie, line);
        for (std::uint32_t i = 0; i < segment.step_count; ++i) {
            print_step(graph, plan, segment.first_step + i, &line);
            write(cookie, line);
        }
    }
}

}  // namespace fovea
