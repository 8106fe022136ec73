// SPDX-License-Identifier: Apache-2.0
#include "engine/run/prefault.h"

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <cstdint>

namespace fovea {

void prefault([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t size) {
#if defined(__linux__)
    // All pages of Small at 224: their faults made its first run 1.22 to 1.28 times as long as later ones, 1.06 to 1.13 with this (the
    // fresh process of bench/model_bench). Large at 224 has twice the pages for four times the work: faults count for half as much.
    constexpr std::size_t kMost = 512 * 1024;
    // MADV_POPULATE_WRITE, a number of the kernel's interface that C libraries learnt years later.
    constexpr int kPopulateWrite = 23;
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const auto begin = reinterpret_cast<std::uintptr_t>(memory);
    // Whole pages: what else lies in those at the ends is not ours.
    const std::uintptr_t first = (begin + page - 1) / page * page;
    const std::uintptr_t last = (begin + std::min(size, kMost)) / page * page;
    if (first < last) madvise(reinterpret_cast<void*>(first), last - first, kPopulateWrite);
#endif
}

}  // namespace fovea
