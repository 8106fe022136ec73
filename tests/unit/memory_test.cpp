// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>

#include "preprocess/memory.h"

namespace {

struct Counter {
    int live = 0;
    bool refuse = false;
};

void* counting_allocate(void* cookie, std::size_t size, std::size_t alignment) {
    auto* counter = static_cast<Counter*>(cookie);
    if (counter->refuse) return nullptr;
    ++counter->live;
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void counting_release(void* cookie, void* pointer) {
    --static_cast<Counter*>(cookie)->live;
    std::free(pointer);
}

}  // namespace

TEST_CASE("a buffer is aligned, sized, and given back") {
    Counter counter;
    const fovea::Allocator allocator{counting_allocate, counting_release, &counter};
    {
        fovea::Buffer<float> buffer(allocator);
        REQUIRE(buffer.allocate(7));
        CHECK(buffer.size() == 7);
        CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % fovea::kMemoryAlignment == 0);
        fovea::Buffer<float> other = std::move(buffer);
        CHECK(buffer.empty());
        CHECK(other.size() == 7);
        CHECK(counter.live == 1);
    }
    CHECK(counter.live == 0);
}

TEST_CASE("a buffer that cannot be had is empty") {
    Counter counter;
    counter.refuse = true;
    fovea::Buffer<int> refused(fovea::Allocator{counting_allocate, counting_release, &counter});
    CHECK_FALSE(refused.allocate(1));
    CHECK(refused.empty());
    fovea::Buffer<std::uint64_t> overflowing;
    CHECK_FALSE(overflowing.allocate(SIZE_MAX / 4));
    CHECK(overflowing.empty());
}
