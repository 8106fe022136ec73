// SPDX-License-Identifier: Apache-2.0
// What a gradient takes, by the largest map that the backward pass keeps (PlanRequest::largest_kept): working memory against work that is
// done again. Plans alone, nothing runs:
//
//   gradient_plans MODEL.fovea ...
#include <cstdint>
#include <cstdio>

#include "engine/model/model_file.h"
#include "engine/model/source.h"
#include "engine/plan/planner.h"
#include "engine/steps/backward_pass.h"
#include "ops/cpu_features.h"

namespace {

constexpr std::uint64_t kKibibyte = 1024;
constexpr std::uint64_t kKept[] = {0, 160, 320, 480, 640, 800, 960, 1280, 2560, 1 << 20};  // KiB; the last is every map

bool print_plans(const char* path) {
    fovea::ModelSource source{fovea::Allocator{}};
    fovea::ModelFile model;
    if (source.open_file(path, {}) != FOVEA_OK || fovea::read_model_file(source.data(), source.size(), {}, {}, &model) != FOVEA_OK) {
        std::fprintf(stderr, "gradient_plans: %s: cannot be read\n", path);
        return false;
    }
    if (model.graph.has_codes()) {
        std::fprintf(stderr, "gradient_plans: %s: 8-bit integers have no gradients\n", path);
        return false;
    }
    const fovea::PlanRequest defaults{};
    for (const std::uint64_t kept : kKept) {
        fovea::PlanRequest request = defaults;
        request.height = model.graph.default_height;
        request.width = model.graph.default_width;
        request.threads = 1;
        request.largest_kept = kept * kKibibyte;
        request.backward = &fovea::kBackwardPass;
        fovea::Plan plan(fovea::Allocator{}, fovea::ops::detect_cpu_features());
        if (fovea::make_plan(model.graph, request, {}, &plan) != FOVEA_OK) {
            std::fprintf(stderr, "gradient_plans: %s: cannot be planned\n", path);
            return false;
        }
        std::uint64_t multiply_adds = 0;
        for (std::size_t i = 0; i < plan.step_count; ++i) multiply_adds += plan.steps[i].multiply_adds;
        std::printf("%s: %7llu KiB%s: %6.2f MiB, %6.1f million multiply-adds\n", path, static_cast<unsigned long long>(kept),
                    request.largest_kept == defaults.largest_kept ? " (default)" : "", static_cast<double>(plan.workspace_size) / (1 << 20),
                    static_cast<double>(multiply_adds) / 1e6);
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "usage: gradient_plans MODEL.fovea ...\n");
        return 2;
    }
    for (int i = 1; i < argc; ++i) {
        if (!print_plans(argv[i])) return 1;
    }
    return 0;
}
