// SPDX-License-Identifier: Apache-2.0
#include "engine/arena.h"

#include <algorithm>

namespace fovea {
namespace {

bool live_together(const ArenaBlock& a, const ArenaBlock& b) {
    return a.first <= b.last && b.first <= a.last;
}

// Orders that are tried: each costs some 10 microseconds for a hundred blocks.
constexpr int kTries = 48;

std::uint64_t peak_of(const ArenaBlock* blocks, std::size_t count) {
    std::uint64_t peak = 0;
    for (std::size_t i = 0; i < count; ++i) {  // the peak begins where some block does
        std::uint64_t live = 0;
        for (std::size_t k = 0; k < count; ++k) {
            const bool at_start =
                blocks[k].first <= blocks[i].first && blocks[i].first <= blocks[k].last;
            if (at_start) live += align_up(blocks[k].size);
        }
        peak = std::max(peak, live);
    }
    return peak;
}

// Places the blocks in that order, each at the lowest place that is free for its whole life;
// by_offset has room for all. Returns the arena's size, *top the order's index of what reaches it.
std::uint64_t place_in_order(ArenaBlock* all, const Buffer<std::uint32_t>& order,
                             Buffer<std::uint32_t>* by_offset, std::size_t* top) {
    std::uint64_t total = 0;
    for (std::size_t placed = 0; placed < order.size(); ++placed) {
        ArenaBlock& block = all[order[placed]];
        const std::uint64_t size = align_up(block.size);
        std::uint64_t offset = 0;
        for (std::size_t i = 0; i < placed; ++i) {
            const ArenaBlock& other = all[(*by_offset)[i]];
            if (!live_together(block, other)) continue;
            if (other.offset >= offset + size) break;
            offset = std::max(offset, other.offset + align_up(other.size));
        }
        block.offset = offset;
        if (offset + size > total) {
            total = offset + size;
            *top = placed;
        }
        std::uint32_t* const end = by_offset->begin() + placed;
        std::uint32_t* const at =
            std::upper_bound(by_offset->begin(), end, offset,
                             [all](std::uint64_t o, std::uint32_t i) { return o < all[i].offset; });
        std::copy_backward(at, end, end + 1);
        *at = order[placed];
    }
    return total;
}

}  // namespace

bool place_blocks(Buffer<ArenaBlock>* blocks, std::size_t count, const Allocator& allocator,
                  std::uint64_t* total) {
    Buffer<std::uint32_t> order(allocator), by_offset(allocator);
    Buffer<std::uint64_t> best_offsets(allocator);
    if (!order.allocate(count) || !by_offset.allocate(count) || !best_offsets.allocate(count)) {
        return false;
    }
    for (std::size_t i = 0; i < count; ++i) order[i] = static_cast<std::uint32_t>(i);
    ArenaBlock* const all = blocks->data();
    std::sort(order.begin(), order.end(), [all](std::uint32_t a, std::uint32_t b) {
        return all[a].size != all[b].size ? all[a].size > all[b].size : a < b;
    });
    const std::uint64_t peak = peak_of(all, count);
    std::uint64_t best = UINT64_MAX;
    for (int attempt = 0; attempt < kTries && best > peak; ++attempt) {
        std::size_t top = 0;
        const std::uint64_t size = place_in_order(all, order, &by_offset, &top);
        if (size < best) {
            best = size;
            for (std::size_t i = 0; i < count; ++i) best_offsets[i] = all[i].offset;
        }
        // What stood out goes first the next time.
        std::rotate(order.begin(), order.begin() + top, order.begin() + top + 1);
    }
    for (std::size_t i = 0; i < count; ++i) all[i].offset = best_offsets[i];
    *total = count == 0 ? 0 : best;
    return *total <= SIZE_MAX;
}

}  // namespace fovea
