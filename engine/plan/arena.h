// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/align.h"
#include "fovea/fovea.h"
#include "preprocess/cancel.h"
#include "preprocess/memory.h"

namespace fovea {

// A run of bytes that is needed from segment `first` to segment `last`, both included.
struct ArenaBlock {
    std::uint64_t size;
    std::uint32_t first, last;
    std::uint64_t offset;  // the result: a multiple of 64
};

// Gives each block a place so that no two that are needed at the same segment overlap: the largest
// first, each at the lowest place that is free for its whole life, then again in other orders as
// long as that leaves gaps. *total receives the arena's size. FOVEA_ERROR_OUT_OF_MEMORY, also when the
// size does not fit in size_t; FOVEA_ERROR_CANCELLED.
[[nodiscard]] fovea_status place_blocks(Buffer<ArenaBlock>* blocks, std::size_t count,
                                        const Allocator& allocator, const Cancel& cancel,
                                        std::uint64_t* total);

}  // namespace fovea
