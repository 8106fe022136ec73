// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdlib>
#include <map>

#include "preprocess/memory.h"

namespace fovea {

// Counts what is taken and given back, and refuses one allocation on demand.
class CountingAllocator {
  public:
    Allocator allocator() { return {&allocate, &release, this}; }

    int refuse_at = -1;  // which allocation is refused, counted from 0; -1 = none
    int count = 0;       // allocations asked for
    int unknown_releases = 0;
    std::size_t live_bytes = 0;
    std::size_t peak_bytes = 0;

    int live() const { return static_cast<int>(sizes_.size()); }

  private:
    static void* allocate(void* cookie, std::size_t size, std::size_t alignment) {
        auto* self = static_cast<CountingAllocator*>(cookie);
        if (self->count++ == self->refuse_at) return nullptr;
        const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
        void* pointer = std::aligned_alloc(alignment, rounded);
        if (pointer == nullptr) return nullptr;
        self->sizes_[pointer] = size;
        self->live_bytes += size;
        if (self->live_bytes > self->peak_bytes) self->peak_bytes = self->live_bytes;
        return pointer;
    }

    static void release(void* cookie, void* pointer) {
        auto* self = static_cast<CountingAllocator*>(cookie);
        const auto found = self->sizes_.find(pointer);
        if (found == self->sizes_.end()) {
            ++self->unknown_releases;
            return;
        }
        self->live_bytes -= found->second;
        self->sizes_.erase(found);
        std::free(pointer);
    }

    std::map<void*, std::size_t> sizes_;
};

}  // namespace fovea
