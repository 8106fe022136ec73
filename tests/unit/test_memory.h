// SPDX-License-Identifier: Apache-2.0
// Helpers of the engine's tests: counting allocator, log catcher, aligned bytes.
#pragma once

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "fovea/fovea.h"

namespace test_memory {

// A struct of the header that says its size, else all zero.
template <typename Struct>
Struct sized() {
    Struct made = {};
    made.size = sizeof(made);
    return made;
}

// Counts what is live and can refuse the n-th allocation.
struct CountingAllocator {
    long live = 0;
    long allocations = 0;
    long refuse_at = -1;  // index of the allocation to refuse, and all later ones if refuse_rest
    bool refuse_rest = false;

    static void* allocate(void* cookie, std::size_t size, std::size_t alignment) {
        auto* self = static_cast<CountingAllocator*>(cookie);
        const long index = self->allocations++;
        if (self->refuse_at >= 0 &&
            (index == self->refuse_at || (self->refuse_rest && index > self->refuse_at))) {
            return nullptr;
        }
        ++self->live;
        return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    }
    static void release(void* cookie, void* pointer) {
        --static_cast<CountingAllocator*>(cookie)->live;
        std::free(pointer);
    }
    fovea_allocator hooks() { return {allocate, release, this}; }
};

// Keeps the log's lines.
struct LogCatcher {
    std::vector<std::string> lines;

    static void write(void* cookie, fovea_log_level, const char* message) {
        static_cast<LogCatcher*>(cookie)->lines.emplace_back(message);
    }
    fovea_log hooks() { return {write, this}; }
    std::string all() const {
        std::string text;
        for (const std::string& line : lines) text += line + "\n";
        return text;
    }
};

// A copy at a 64-byte boundary with no byte to spare behind it, for FOVEA_BORROW.
class AlignedCopy {
  public:
    AlignedCopy(const void* data, std::size_t size) : size_(size) {
        void* memory = nullptr;
        if (posix_memalign(&memory, 64, size == 0 ? 1 : size) != 0) std::abort();
        memory_.reset(static_cast<unsigned char*>(memory));
        if (size != 0) std::memcpy(memory_.get(), data, size);
    }
    unsigned char* data() { return memory_.get(); }
    std::size_t size() const { return size_; }

  private:
    struct Free {
        void operator()(unsigned char* p) const { std::free(p); }
    };
    std::unique_ptr<unsigned char, Free> memory_;
    std::size_t size_;
};

}  // namespace test_memory
