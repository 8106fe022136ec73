// SPDX-License-Identifier: Apache-2.0
#include "engine/threads.h"

#include <doctest/doctest.h>

#include <time.h>

#include <chrono>
#include <thread>
#include <vector>

using fovea::Range;
using fovea::share_of;
using fovea::ThreadPool;

TEST_CASE("shares cover everything once, in order, on multiples of the granule") {
    for (const std::uint64_t count : {0u, 1u, 7u, 8u, 9u, 100u, 1000u}) {
        for (const std::uint64_t granule : {1u, 8u}) {
            for (const std::uint32_t threads : {1u, 2u, 3u, 64u}) {
                std::uint64_t end = 0;
                for (std::uint32_t thread = 0; thread < threads; ++thread) {
                    const Range range = share_of(count, granule, thread, threads);
                    CHECK(range.begin == end);
                    CHECK(range.begin <= range.end);
                    CHECK((range.end % granule == 0 || range.end == count));
                    CHECK(range.end - range.begin <= (count / threads / granule + 1) * granule);
                    end = range.end;
                }
                CHECK(end == count);
            }
        }
    }
}

TEST_CASE("each thread works once a round, as many as asked for") {
    for (const std::uint32_t threads : {1u, 2u, 5u}) {
        ThreadPool pool{fovea::Allocator{}};
        REQUIRE(pool.start(threads) == FOVEA_OK);
        CHECK(pool.count() == threads);
        std::vector<int> worked(threads, 0);
        for (std::uint32_t round = 0; round < 2000; ++round) {
            const std::uint32_t wanted = 1 + round % (threads + 1);  // one more is cut to all
            pool.run(
                wanted,
                [](void* context, std::uint32_t thread) {
                    ++(*static_cast<std::vector<int>*>(context))[thread];
                },
                &worked);
            for (std::uint32_t thread = 0; thread < threads; ++thread) {
                REQUIRE(worked[thread] == (thread < wanted ? 1 : 0));
                worked[thread] = 0;
            }
        }
    }
}

TEST_CASE("a pool that was never used or started ends") {
    ThreadPool never{fovea::Allocator{}};
    ThreadPool idle{fovea::Allocator{}};
    CHECK(idle.start(4) == FOVEA_OK);
}

TEST_CASE("workers without work use no CPU") {
    ThreadPool pool{fovea::Allocator{}};
    REQUIRE(pool.start(2) == FOVEA_OK);
    pool.run(2, [](void*, std::uint32_t) {}, nullptr);
    const auto used = [] {
        timespec time;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    };
    const double before = used();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    CHECK(used() - before < 0.1);
}
