// SPDX-License-Identifier: Apache-2.0
#include "engine/plan/arena.h"

#include <algorithm>

namespace fovea {
namespace {

// Orders that are tried: each costs some 10 microseconds for a hundred blocks. MobileNetV3 Small and Large, at 224 and 512, with one
// and four threads, fill their arena by the first of them; the others are for networks with more values alive at once.
constexpr int kTries = 48;

// Looks at placed blocks that all tries together may take: enough for every try of a hundred blocks
// that are all needed together, or of thousands of which a few are at a time. Linear in the number of
// blocks, so that planning is.
std::uint64_t most_looks(std::size_t count) {
    return (std::uint64_t{1} << 20) + 256 * std::uint64_t{count};
}

// Blocks between two questions whether to stop.
constexpr std::size_t kBlocksBetweenQuestions = 256;

// The blocks in the order of a key, the first ones first where it is the same. One sort for all keys: each more is a kilobyte of a
// phone's program.
using BlockKey = std::uint64_t (*)(const ArenaBlock& block);

void sort_blocks(std::uint32_t* order, std::size_t count, const ArenaBlock* blocks, BlockKey key) {
    std::sort(order, order + count, [blocks, key](std::uint32_t a, std::uint32_t b) {
        const std::uint64_t key_a = key(blocks[a]), key_b = key(blocks[b]);
        return key_a != key_b ? key_a < key_b : a < b;
    });
}

// Places blocks one after another. Those that are placed already and needed together with the next
// are found through a tree over all blocks by their first segment: its nodes know the last segment
// of what is placed below them.
class Placer {
  public:
    Placer(ArenaBlock* blocks, std::size_t count, const Allocator& allocator)
        : blocks_(blocks),
          count_(count),
          by_first_(allocator),
          place_of_(allocator),
          ends_(allocator),
          together_(allocator) {}

    // False when out of memory.
    [[nodiscard]] bool prepare();

    // The most that is needed at one segment.
    std::uint64_t peak();

    // Places the blocks in that order, each at the lowest place that is free for its whole life.
    // *total receives the arena's size, *top the order's index of what reaches it; UINT64_MAX when
    // that took too many looks.
    fovea_status place_in_order(const Buffer<std::uint32_t>& order, const Cancel& cancel,
                                std::uint64_t* total, std::size_t* top);

    // Places the blocks as their lives begin, each in the first gap that is large enough: fast, but
    // not as tight.
    fovea_status place_in_time(const Cancel& cancel, std::uint64_t* total);

  private:
    struct Gap {
        std::uint64_t begin, end;
    };

    void find_together(const ArenaBlock& block, std::size_t node, std::size_t first_leaf,
                       std::size_t leaves);
    std::uint64_t lowest_place(const ArenaBlock& block);
    void sort_by_last(Buffer<std::uint32_t>* order) const;

    ArenaBlock* const blocks_;
    const std::size_t count_;
    std::size_t leaves_ = 1;          // of the tree, a power of two
    Buffer<std::uint32_t> by_first_;  // blocks
    Buffer<std::uint32_t> place_of_;  // by block: where it is in by_first_
    Buffer<std::uint32_t> ends_;      // the tree: one past the last segment, 0 = none is placed
    Buffer<std::uint32_t> together_;  // blocks
    std::size_t together_count_ = 0;
    std::uint64_t looks_ = 0;
};

bool Placer::prepare() {
    while (leaves_ < count_) leaves_ *= 2;
    if (!by_first_.allocate(count_) || !place_of_.allocate(count_) ||
        !ends_.allocate(2 * leaves_) || !together_.allocate(count_)) {
        return false;
    }
    for (std::size_t i = 0; i < count_; ++i) by_first_[i] = static_cast<std::uint32_t>(i);
    sort_blocks(by_first_.data(), count_, blocks_, [](const ArenaBlock& block) { return std::uint64_t{block.first}; });
    for (std::size_t i = 0; i < count_; ++i) {
        place_of_[by_first_[i]] = static_cast<std::uint32_t>(i);
    }
    return true;
}

void Placer::sort_by_last(Buffer<std::uint32_t>* order) const {
    std::copy(by_first_.begin(), by_first_.end(), order->begin());
    sort_blocks(order->data(), count_, blocks_, [](const ArenaBlock& block) { return std::uint64_t{block.last}; });
}

std::uint64_t Placer::peak() {
    // Sizes come in the order of their first segments and leave in that of their last ones.
    Buffer<std::uint32_t>& by_last = together_;
    sort_by_last(&by_last);
    std::uint64_t live = 0, peak = 0;
    std::size_t gone = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        const ArenaBlock& block = blocks_[by_first_[i]];
        for (; blocks_[by_last[gone]].last < block.first; ++gone) {
            live -= align_up(blocks_[by_last[gone]].size);
        }
        live += align_up(block.size);
        peak = std::max(peak, live);
    }
    return peak;
}

// Gathers, of the placed blocks below a node of the tree, those whose lives overlap the block's.
void Placer::find_together(const ArenaBlock& block, std::size_t node, std::size_t first_leaf,
                           std::size_t leaves) {
    ++looks_;
    if (ends_[node] <= block.first || blocks_[by_first_[first_leaf]].first > block.last) return;
    if (leaves == 1) {
        together_[together_count_++] = by_first_[first_leaf];
        return;
    }
    find_together(block, 2 * node, first_leaf, leaves / 2);
    find_together(block, 2 * node + 1, first_leaf + leaves / 2, leaves / 2);
}

std::uint64_t Placer::lowest_place(const ArenaBlock& block) {
    together_count_ = 0;
    find_together(block, 1, 0, leaves_);
    std::uint32_t* const together = together_.data();
    sort_blocks(together, together_count_, blocks_, [](const ArenaBlock& block) { return block.offset; });
    const std::uint64_t size = align_up(block.size);
    std::uint64_t offset = 0;
    for (std::size_t i = 0; i < together_count_; ++i) {
        const ArenaBlock& other = blocks_[together[i]];
        if (other.offset >= offset + size) break;
        offset = std::max(offset, other.offset + align_up(other.size));
    }
    return offset;
}

fovea_status Placer::place_in_order(const Buffer<std::uint32_t>& order, const Cancel& cancel,
                                    std::uint64_t* total, std::size_t* top) {
    std::fill(ends_.begin(), ends_.end(), 0u);
    *total = 0;
    for (std::size_t placed = 0; placed < count_; ++placed) {
        if (placed % kBlocksBetweenQuestions == 0 && cancel.asked()) return FOVEA_ERROR_CANCELLED;
        if (looks_ > most_looks(count_)) {
            *total = UINT64_MAX;
            return FOVEA_OK;
        }
        ArenaBlock& block = blocks_[order[placed]];
        block.offset = lowest_place(block);
        const std::uint64_t end = block.offset + align_up(block.size);
        if (end > *total) {
            *total = end;
            *top = placed;
        }
        for (std::size_t node = leaves_ + place_of_[order[placed]]; node > 0; node /= 2) {
            ends_[node] = std::max(ends_[node], block.last + 1);
        }
    }
    return FOVEA_OK;
}

fovea_status Placer::place_in_time(const Cancel& cancel, std::uint64_t* total) {
    Buffer<Gap> gaps(by_first_.allocator());  // by place; none touch
    if (!gaps.allocate(count_ + 1)) return FOVEA_ERROR_OUT_OF_MEMORY;
    Buffer<std::uint32_t>& by_last = together_;
    sort_by_last(&by_last);
    std::size_t gap_count = 0, gone = 0;
    *total = 0;
    const auto give_back = [&](std::uint64_t begin, std::uint64_t end) {
        Gap* const at = std::lower_bound(
            gaps.begin(), gaps.begin() + gap_count, begin,
            [](const Gap& gap, std::uint64_t offset) { return gap.begin < offset; });
        const bool joins_before = at != gaps.begin() && at[-1].end == begin;
        const bool joins_after = at != gaps.begin() + gap_count && at->begin == end;
        if (joins_before && joins_after) {
            at[-1].end = at->end;
            std::copy(at + 1, gaps.begin() + gap_count--, at);
        } else if (joins_before) {
            at[-1].end = end;
        } else if (joins_after) {
            at->begin = begin;
        } else {
            std::copy_backward(at, gaps.begin() + gap_count, gaps.begin() + gap_count + 1);
            ++gap_count;
            *at = {begin, end};
        }
    };
    for (std::size_t i = 0; i < count_; ++i) {
        if (i % kBlocksBetweenQuestions == 0 && cancel.asked()) return FOVEA_ERROR_CANCELLED;
        ArenaBlock& block = blocks_[by_first_[i]];
        for (; blocks_[by_last[gone]].last < block.first; ++gone) {
            const ArenaBlock& old = blocks_[by_last[gone]];
            give_back(old.offset, old.offset + align_up(old.size));
        }
        const std::uint64_t size = align_up(block.size);
        std::size_t gap = 0;
        while (gap < gap_count && gaps[gap].end - gaps[gap].begin < size) ++gap;
        if (gap < gap_count) {
            block.offset = gaps[gap].begin;
            gaps[gap].begin += size;
        } else {  // at the end, where a gap may begin already
            gap = gap_count != 0 && gaps[gap_count - 1].end == *total ? gap_count - 1 : gap_count;
            block.offset = gap < gap_count ? gaps[gap].begin : *total;
            *total = block.offset + size;
            if (gap < gap_count) gaps[gap].begin = gaps[gap].end;
        }
        if (gap < gap_count && gaps[gap].begin == gaps[gap].end) {
            std::copy(gaps.begin() + gap + 1, gaps.begin() + gap_count, gaps.begin() + gap);
            --gap_count;
        }
    }
    return FOVEA_OK;
}

}  // namespace

fovea_status place_blocks(Buffer<ArenaBlock>* blocks, std::size_t count, const Allocator& allocator,
                          const Cancel& cancel, std::uint64_t* total) {
    *total = 0;
    if (count == 0) return FOVEA_OK;
    ArenaBlock* const all = blocks->data();
    Buffer<std::uint32_t> order(allocator);
    Buffer<std::uint64_t> best_offsets(allocator);
    Placer placer(all, count, allocator);
    if (!order.allocate(count) || !best_offsets.allocate(count) || !placer.prepare()) {
        return FOVEA_ERROR_OUT_OF_MEMORY;
    }
    for (std::size_t i = 0; i < count; ++i) order[i] = static_cast<std::uint32_t>(i);
    sort_blocks(order.data(), count, all, [](const ArenaBlock& block) { return ~block.size; });
    const std::uint64_t peak = placer.peak();
    std::uint64_t best = UINT64_MAX, size = 0;
    for (int attempt = 0; attempt < kTries && best > peak && size != UINT64_MAX; ++attempt) {
        std::size_t top = 0;
        fovea_status status = placer.place_in_order(order, cancel, &size, &top);
        const bool took_too_long = status == FOVEA_OK && size == UINT64_MAX;
        if (took_too_long && best == UINT64_MAX) status = placer.place_in_time(cancel, &size);
        if (status != FOVEA_OK) return status;
        if (size < best) {
            best = size;
            for (std::size_t i = 0; i < count; ++i) best_offsets[i] = all[i].offset;
        }
        // What stood out goes first the next time.
        std::rotate(order.begin(), order.begin() + top, order.begin() + top + 1);
    }
    for (std::size_t i = 0; i < count; ++i) all[i].offset = best_offsets[i];
    *total = best;
    return best <= SIZE_MAX ? FOVEA_OK : FOVEA_ERROR_OUT_OF_MEMORY;
}

}  // namespace fovea
