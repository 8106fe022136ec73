// SPDX-License-Identifier: Apache-2.0
#include "preprocess/memory.h"

#include <cstdlib>

namespace fovea {

void* allocate_bytes(const Allocator& allocator, std::size_t size) {
    if (size == 0) return nullptr;
    if (allocator.allocate != nullptr) {
        return allocator.allocate(allocator.cookie, size, kMemoryAlignment);
    }
    if (size > SIZE_MAX - (kMemoryAlignment - 1)) return nullptr;
    // aligned_alloc wants a multiple of the alignment.
    const std::size_t rounded = (size + kMemoryAlignment - 1) & ~(kMemoryAlignment - 1);
    return std::aligned_alloc(kMemoryAlignment, rounded);
}

void release_bytes(const Allocator& allocator, void* pointer) {
    if (pointer == nullptr) return;
    if (allocator.release != nullptr) {
        allocator.release(allocator.cookie, pointer);
    } else {
        std::free(pointer);
    }
}

}  // namespace fovea
