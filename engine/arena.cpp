// SPDX-License-Identifier: Apache-2.0
#include "engine/arena.h"

#include <algorithm>

namespace fovea {
namespace {

bool live_together(const ArenaBlock& a, const ArenaBlock& b) {
    return a.first <= b.last && b.first <= a.last;
}

}  // namespace

bool place_blocks(Buffer<ArenaBlock>* blocks, std::size_t count, const Allocator& allocator,
                  std::uint64_t* total) {
    Buffer<std::uint32_t> by_size(allocator), by_offset(allocator);
    if (!by_size.allocate(count) || !by_offset.allocate(count)) return false;
    for (std::size_t i = 0; i < count; ++i) by_size[i] = static_cast<std::uint32_t>(i);
    ArenaBlock* const all = blocks->data();
    std::sort(by_size.begin(), by_size.end(), [all](std::uint32_t a, std::uint32_t b) {
        return all[a].size != all[b].size ? all[a].size > all[b].size : a < b;
    });
    *total = 0;
    for (std::size_t placed = 0; placed < count; ++placed) {
        ArenaBlock& block = all[by_size[placed]];
        const std::uint64_t size = align_up(block.size);
        std::uint64_t offset = 0;
        for (std::size_t i = 0; i < placed; ++i) {
            const ArenaBlock& other = all[by_offset[i]];
            if (!live_together(block, other)) continue;
            if (other.offset >= offset + size) break;
            offset = std::max(offset, other.offset + align_up(other.size));
        }
        block.offset = offset;
        *total = std::max(*total, offset + size);
        std::uint32_t* const end = by_offset.begin() + placed;
        std::uint32_t* const at =
            std::upper_bound(by_offset.begin(), end, offset,
                             [all](std::uint64_t o, std::uint32_t i) { return o < all[i].offset; });
        std::copy_backward(at, end, end + 1);
        *at = by_size[placed];
    }
    return *total <= SIZE_MAX;
}

}  // namespace fovea
