// SPDX-License-Identifier: Apache-2.0
#include "engine/range.h"
#include "engine/run/threads.h"

#include <doctest/doctest.h>

#include <time.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/types.h>

#include <filesystem>
#include <string>
#endif

#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include "ops/pause.h"

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

// CPU seconds of all threads.
static double cpu_seconds() {
    timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

TEST_CASE("workers without work use no CPU") {
    ThreadPool pool{fovea::Allocator{}};
    REQUIRE(pool.start(2) == FOVEA_OK);
    pool.run(2, [](void*, std::uint32_t) {}, nullptr);
    const double before = cpu_seconds();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    CHECK(cpu_seconds() - before < 0.1);
}

#if defined(__linux__)
TEST_CASE("threads that share a CPU do not wait for each other by looking") {
    cpu_set_t before;
    REQUIRE(sched_getaffinity(0, sizeof(before), &before) == 0);
    if (CPU_COUNT(&before) < 2) return;  // then a pool of two never looks
    ThreadPool pool{fovea::Allocator{}};
    REQUIRE(pool.start(2) == FOVEA_OK);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (int cpu = 0; CPU_COUNT(&one) == 0; ++cpu) {
        if (CPU_ISSET(cpu, &before)) CPU_SET(cpu, &one);
    }
    const auto move_threads = [](const cpu_set_t& cpus) {
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
            const auto thread = static_cast<pid_t>(std::stol(entry.path().filename().string()));
            if (sched_setaffinity(thread, sizeof(cpus), &cpus) != 0) return false;
        }
        return true;
    };
    REQUIRE(move_threads(one));
    constexpr int kRounds = 200;
    const auto work = [](void*, std::uint32_t) {};
    double least = 1.0, looking = 1.0;
    for (int attempt = 0; attempt < 5; ++attempt) {
        double start = cpu_seconds();
        for (int round = 0; round < kRounds; ++round) pool.run(2, work, nullptr);
        least = std::min(least, cpu_seconds() - start);
        start = cpu_seconds();
        for (int i = 0; i < kRounds * 2000; ++i) fovea::ops::pause();  // of one of the two
        looking = std::min(looking, cpu_seconds() - start);
    }
    CHECK(move_threads(before));
    if (looking < kRounds * 10e-6) {
        MESSAGE("not compared: an emulator looks out in no time");
        return;
    }
    CHECK(least < looking);
}
#endif
