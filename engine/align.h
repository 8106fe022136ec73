// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "preprocess/memory.h"

namespace fovea {

// Up to a multiple of what all memory of a workspace is aligned to.
inline std::uint64_t align_up(std::uint64_t n) {
    return (n + kMemoryAlignment - 1) & ~std::uint64_t{kMemoryAlignment - 1};
}

// Up to whole panels of 8 channels, in which weights are packed.
inline std::uint64_t round_up_8(std::uint64_t n) {
    return (n + 7) & ~std::uint64_t{7};
}

}  // namespace fovea
