// SPDX-License-Identifier: Apache-2.0
// Nothing is allocated during a run: neither through the caller's hooks nor behind their back. This
// program replaces the C library's allocation functions.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <vector>

#include "fovea/fovea.h"
#include "tests/unit/random_network.h"
#include "tests/unit/test_memory.h"

// glibc's own, under the names it gives them for programs that do this.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* pointer, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* pointer);
}

namespace {

std::atomic<bool> watching{false};
std::atomic<long> calls{0};

void note() {
    if (watching.load(std::memory_order_relaxed)) calls.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

extern "C" {
void* malloc(std::size_t size) {
    note();
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    note();
    return __libc_calloc(count, size);
}
void* realloc(void* pointer, std::size_t size) {
    note();
    return __libc_realloc(pointer, size);
}
void* memalign(std::size_t alignment, std::size_t size) {
    note();
    return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) {
    note();
    return __libc_memalign(alignment, size);
}
int posix_memalign(void** pointer, std::size_t alignment, std::size_t size) {
    note();
    *pointer = __libc_memalign(alignment, size);
    return *pointer == nullptr ? 12 : 0;
}
void free(void* pointer) {
    note();
    __libc_free(pointer);
}
}

TEST_CASE("the interception sees an allocation") {
    watching = true;
    void* volatile pointer = std::malloc(10);
    std::free(pointer);
    watching = false;
    CHECK(calls.exchange(0) == 2);
}

TEST_CASE("a run allocates nothing, on any number of threads") {
    for (std::uint32_t round = 0; round < 40; ++round) {
        std::mt19937 random(round);
        const auto network = random_network::make(random, 16);
        const auto file = model_builder::build(
            round % 2 == 0 ? network.spec : model_builder::with_half_weights(network.spec));
        const std::vector<std::uint8_t> input(network.input.data.begin(), network.input.data.end());
        test_memory::CountingAllocator allocator;
        fovea_model* model = nullptr;
        fovea_session* session = nullptr;
        fovea_session_settings settings;
        fovea_session_settings_init(&settings);
        settings.threads = 1 + round % 3;
        settings.allocator = allocator.hooks();
        REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) ==
                FOVEA_OK);
        REQUIRE(fovea_session_create(model, &settings, &session) == FOVEA_OK);
        fovea_session_profile(session, static_cast<int>(round % 2));
        const long before = allocator.allocations;
        float logits[3], probabilities[3];
        fovea_status status = FOVEA_OK;
        watching = true;
        for (int repeat = 0; repeat < 3; ++repeat) {
            const fovea_status one =
                fovea_run(session, input.data(), FOVEA_U8, logits, probabilities);
            if (one != FOVEA_OK) status = one;
        }
        watching = false;
        CHECK(status == FOVEA_OK);
        CHECK(calls.exchange(0) == 0);
        CHECK(allocator.allocations == before);
        fovea_session_close(&session);
        fovea_model_close(&model);
        CHECK(allocator.live == 0);
    }
}
