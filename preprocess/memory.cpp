// SPDX-License-Identifier: Apache-2.0
#include "preprocess/memory.h"

#include <stdlib.h>

namespace fovea {

void* allocate_bytes(const Allocator& allocator, std::size_t size) {
    if (size == 0) return nullptr;
    if (allocator.allocate != nullptr) {
        return allocator.allocate(allocator.cookie, size, kMemoryAlignment);
    }
    // Not aligned_alloc, which Android has since API level 28 only.
    void* pointer = nullptr;
    return posix_memalign(&pointer, kMemoryAlignment, size) == 0 ? pointer : nullptr;
}

void release_bytes(const Allocator& allocator, void* pointer) {
    if (pointer == nullptr) return;
    if (allocator.release != nullptr) {
        allocator.release(allocator.cookie, pointer);
    } else {
        free(pointer);
    }
}

}  // namespace fovea
