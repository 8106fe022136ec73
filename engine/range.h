// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace fovea {

struct Range {
    std::uint64_t begin, end;

    std::uint64_t count() const { return end - begin; }
};

// The part of [0, count) that is thread's when `threads` share it: contiguous, in order, sizes
// differing by at most one granule.
inline Range share_of(std::uint64_t count, std::uint64_t granule, std::uint32_t thread, std::uint32_t threads) {
    const std::uint64_t granules = (count + granule - 1) / granule;
    const std::uint64_t begin = granules * thread / threads * granule;
    const std::uint64_t end = granules * (thread + 1) / threads * granule;
    return {std::min(begin, count), std::min(end, count)};
}

}  // namespace fovea
