// SPDX-License-Identifier: Apache-2.0
#include "engine/cli/ordered_jobs.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>

using fovea::cli::run_in_order;

TEST_CASE("results come in order, whatever the number of workers") {
    for (unsigned workers : {1u, 2u, 3u, 8u}) {
        for (std::size_t count : {0u, 1u, 2u, 100u}) {
            std::vector<std::size_t> seen;
            run_in_order<std::size_t>(
                count, workers,
                [](unsigned, std::size_t index) {
                    if (index % 7 == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
                    return index * 10;
                },
                [&](std::size_t index, std::size_t result) {
                    CHECK(result == index * 10);
                    seen.push_back(index);
                });
            REQUIRE(seen.size() == count);
            for (std::size_t i = 0; i < count; ++i) REQUIRE(seen[i] == i);
        }
    }
}

TEST_CASE("the next photo is worked on beside this one") {
    std::atomic<bool> next_has_begun{false};
    bool seen = false;
    run_in_order<int>(
        2, 2,
        [&](unsigned, std::size_t index) {
            if (index == 1) next_has_begun = true;
            for (int i = 0; index == 0 && !next_has_begun && i < 20000; ++i) {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
            return 0;
        },
        [&](std::size_t index, int) {
            if (index == 0) seen = next_has_begun;
        });
    CHECK(seen);
}

TEST_CASE("workers do not run far ahead of a slow first result") {
    std::atomic<std::size_t> started{0};
    std::size_t most_ahead = 0;
    run_in_order<int>(
        1000, 2,
        [&](unsigned, std::size_t index) {
            ++started;
            if (index == 0) std::this_thread::sleep_for(std::chrono::milliseconds(30));
            return 0;
        },
        [&](std::size_t index, int) { most_ahead = std::max(most_ahead, started.load() - index); });
    CHECK(most_ahead <= 10);
}

TEST_CASE("an exception while results are taken stops the work and comes through") {
    std::atomic<std::size_t> started{0};
    const auto run = [&] {
        run_in_order<int>(
            100000, 4, [&](unsigned, std::size_t) { return static_cast<int>(++started); },
            [](std::size_t index, int) {
                if (index == 5) throw std::runtime_error("full");
            });
    };
    CHECK_THROWS_AS(run(), std::runtime_error);
    CHECK(started < 100);
}
