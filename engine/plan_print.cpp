// SPDX-License-Identifier: Apache-2.0
#include <cinttypes>
#include <cstdio>

#include "engine/plan.h"

namespace fovea {

void print_plan(const Graph& graph, const Plan& plan, void (*write)(void* cookie, const char* line),
                void* cookie) {
    char line[512];
    const Shape& input = plan.shapes[0];
    std::snprintf(line, sizeof(line), "input %ux%ux%u, %zu steps, %" PRIu64 " multiply-adds",
                  input.height, input.width, input.channels, plan.step_count, plan.multiply_adds);
    write(cookie, line);
    std::snprintf(line, sizeof(line),
                  "workspace %" PRIu64 " bytes = constants %" PRIu64 " + row pointers %" PRIu64
                  " + arena %" PRIu64,
                  plan.workspace_size, plan.row_pointers_offset,
                  plan.arena_offset - plan.row_pointers_offset, plan.arena_size);
    write(cookie, line);
    std::snprintf(line, sizeof(line), "%5s %-36s %-32s %-16s %12s %11s %11s %5s %5s", "step",
                  "layer", "kernel", "output", "mult-adds", "offset", "bytes", "from", "to");
    write(cookie, line);
    for (std::size_t i = 0; i < plan.step_count; ++i) {
        const Step& step = plan.steps[i];
        char unnamed[48];
        std::snprintf(unnamed, sizeof(unnamed), "#%u %s", step.node,
                      step.node == kNone ? "" : node_kind_name(graph.nodes[step.node].kind));
        const char* name = step.node == kNone ? "(input)" : graph.name_of(step.node);
        char shape[48];
        std::snprintf(shape, sizeof(shape), "%ux%ux%u", step.output_shape.height,
                      step.output_shape.width, step.output_shape.channels);
        const ArenaBlock& block = plan.blocks[plan.block_of[step.output]];
        std::snprintf(line, sizeof(line),
                      "%5zu %-36.80s %-32s %-16s %12" PRIu64 " %11" PRIu64 " %11" PRIu64 " %5u %5u",
                      i, name != nullptr ? name : unnamed, step.kernel, shape, step.multiply_adds,
                      block.offset, block.size, block.first, block.last);
        write(cookie, line);
    }
}

}  // namespace fovea
