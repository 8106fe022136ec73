// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "preprocess/memory.h"

namespace fovea {

// Up to a multiple of what all memory of a workspace is aligned to.
inline std::uint64_t align_up(std::uint64_t n) {
    return (n + kMemoryAlignment - 1) & ~std::uint64_t{kMemoryAlignment - 1};
}

}  // namespace fovea
