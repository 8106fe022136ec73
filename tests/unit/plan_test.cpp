// SPDX-License-Identifier: Apache-2.0
// How steps are shared among threads, and which rows a window moves over.
#include <algorithm>
#include <random>

#include "tests/unit/planned_network.h"
#include "tests/unit/random_network.h"

using fovea::Plan;
using namespace planned_network;

TEST_CASE("large steps are shared among threads, small ones are not") {
    int shared = 0, alone = 0;
    for (std::uint32_t round = 0; round < 20; ++round) {
        std::mt19937 random(2000 + round);
        const auto network = random_network::make(random, 4);
        const Planned small(network.spec, {});
        for (std::uint32_t s = 0; s < small.plan.step_count; ++s) {
            alone += small.plan.steps[s].threads == 1;
            CHECK(small.plan.steps[s].threads == 1);
        }
        Plan large{fovea::Allocator{}, fovea::ops::detect_cpu_features()};
        const fovea::PlanRequest request{
            .height = 331, .width = 299, .threads = 2, .kept = nullptr, .kept_count = 0};
        if (fovea::make_plan(small.model.graph, request, {}, &large) != FOVEA_OK) continue;
        for (std::uint32_t s = 0; s < large.step_count; ++s) shared += large.steps[s].threads == 2;
    }
    CHECK(alone > 0);
    CHECK(shared > 0);
}

TEST_CASE("the rows of a window and of its transpose are those that touch it") {
    for (const std::int64_t stride : {1, 2, 3, 5}) {
        for (const std::int64_t extent : {1, 2, 3, 7}) {
            for (const std::int64_t pad : {0, 1, 2, 4, 9}) {
                for (const std::int64_t above : {1, 4, 19}) {  // rows that the window moves over
                    const std::int64_t below = (above + 2 * pad - extent) / stride + 1;  // windows
                    if (above + 2 * pad < extent) continue;
                    INFO("stride ", stride, ", extent ", extent, ", pad ", pad, ", ", above, " rows");
                    const auto unsigned_of = [](std::int64_t n) { return static_cast<std::uint32_t>(n); };
                    const auto forward = fovea::RowMap::window(unsigned_of(stride), unsigned_of(pad),
                                                               static_cast<std::uint64_t>(extent), unsigned_of(above));
                    const auto back = fovea::RowMap::transposed_window(
                        unsigned_of(stride), unsigned_of(pad), static_cast<std::uint64_t>(extent), unsigned_of(below));
                    const auto touches = [&](std::int64_t window, std::int64_t row) {
                        return window * stride - pad <= row && row < window * stride - pad + extent;
                    };
                    const auto check = [](const fovea::RowMap& map, std::int64_t outputs, std::int64_t operands,
                                          const auto& needs) {
                        std::int64_t end = 0;
                        for (std::int64_t y = 0; y < outputs; ++y) {
                            std::int64_t first = operands;
                            for (std::int64_t r = operands; r-- > 0;) {
                                if (needs(y, r)) first = r;
                                if (needs(y, r)) end = std::max(end, r + 1);
                            }
                            // Rows that nothing needs may be counted in, never one that is needed left out.
                            CHECK(static_cast<std::int64_t>(map.first(static_cast<std::uint64_t>(y))) <= first);
                            CHECK(static_cast<std::int64_t>(map.end(static_cast<std::uint64_t>(y) + 1)) >= end);
                            const bool any = first < operands;
                            if (any) CHECK(static_cast<std::int64_t>(map.first(static_cast<std::uint64_t>(y))) == first);
                            if (any) CHECK(static_cast<std::int64_t>(map.end(static_cast<std::uint64_t>(y) + 1)) == end);
                        }
                    };
                    check(forward, below, above, touches);
                    check(back, above, below, [&](std::int64_t row, std::int64_t window) { return touches(window, row); });
                }
            }
        }
    }
}
