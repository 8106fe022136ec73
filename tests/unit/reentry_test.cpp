// SPDX-License-Identifier: Apache-2.0
// A session that is called while it is at work, from each kind of callback and from another thread,
// by every call there is; and one that finds itself in a child process.
#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "fovea/fovea.h"
#include "tests/unit/convolution_node.h"
#include "tests/unit/fundus_picture.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace {

using namespace model_builder;
using test_memory::CountingAllocator;

// A network that screens photos of 32 x 32 pixels, with golden vectors of its size.
ModelSpec screening_spec() {
    ModelSpec spec;
    spec.input_height = spec.input_width = spec.default_height = spec.default_width = 32;
    spec.add({.kind = kAffine,
              .inputs = {0},
              .weights = {1, 1, 1},
              .bias = {0, 0, 0},
              .name = "rescaled"});
    spec.add({.kind = kGlobalPool, .inputs = {1}});
    spec.logits = spec.probabilities =
        spec.add({.kind = kDense,
                  .inputs = {2},
                  .weights = {0.01f, -0.02f, 0.003f, 0.004f, 0.0005f, 0.006f},
                  .bias = {0.5f, -0.25f},
                  .output_channels = 2});
    spec.golden.push_back({std::vector<std::uint8_t>(32 * 32 * 3, 9), {0, 0}});
    spec.golden_tolerance = 1e6f;
    return spec;
}

// Calls the session with everything while `inside` is set, and counts what was not refused as it
// should be.
struct Intruder {
    fovea_session* session = nullptr;
    const fundus_picture::Picture* photo = nullptr;
    bool inside = false;
    int visits = 0, wrong = 0;
    CountingAllocator memory;

    void visit() {
        if (!inside || session == nullptr) return;
        ++visits;
        // A call that is not refused may call back: it must not come here again.
        inside = false;
        const auto busy = [this](fovea_status status) {
            wrong += status == FOVEA_ERROR_BUSY ? 0 : 1;
        };
        std::vector<std::uint8_t> input(32 * 32 * 3, 200);
        float logits[2] = {7, 7};
        busy(fovea_run(session, input.data(), FOVEA_U8, logits, nullptr));
        wrong += logits[0] == 7 ? 0 : 1;
        fovea_session_info info = {};
        info.size = sizeof(info);
        busy(fovea_session_describe(session, &info));
        busy(fovea_session_print_plan(
            session, [](void*, const char*) {}, nullptr));
        fovea_tensor tensor = test_memory::sized<fovea_tensor>();
        busy(fovea_session_tap(session, "rescaled", &tensor));
        busy(fovea_selftest(session, nullptr));
        fovea_screening screening = test_memory::sized<fovea_screening>();
        const fovea_pixels pixels = photo->pixels();
        busy(fovea_screen_pixels(session, &pixels, nullptr, &screening));
        busy(fovea_screen_bytes(session, "no photo", 8, nullptr, &screening));
        fovea_session_profile(session, 1);
        wrong += fovea_session_step_times(session, nullptr, 0) == 0 ? 0 : 1;
        fovea_session* closing = session;
        fovea_session_close(&closing);
        wrong += closing == session ? 0 : 1;
        inside = true;
    }
    static void* allocate(void* cookie, std::size_t size, std::size_t alignment) {
        auto* self = static_cast<Intruder*>(cookie);
        self->visit();
        return CountingAllocator::allocate(&self->memory, size, alignment);
    }
    static void release(void* cookie, void* pointer) {
        auto* self = static_cast<Intruder*>(cookie);
        self->visit();
        CountingAllocator::release(&self->memory, pointer);
    }
    static void log(void* cookie, fovea_log_level, const char*) {
        static_cast<Intruder*>(cookie)->visit();
    }
    static int cancel(void* cookie) {
        static_cast<Intruder*>(cookie)->visit();
        return 0;
    }
    static void line(void* cookie, const char*) { static_cast<Intruder*>(cookie)->visit(); }
};

struct Fixture {
    fovea_model* model = nullptr;
    fovea_session* session = nullptr;
    fovea_session_settings settings;
    fundus_picture::Picture photo = fundus_picture::make(400);
    std::vector<std::uint8_t> input = std::vector<std::uint8_t>(32 * 32 * 3, 100);
    const char* tap = "rescaled";
    Intruder intruder;

    Fixture() {
        const Bytes file = build(screening_spec());
        REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) ==
                FOVEA_OK);
        fovea_session_settings_init(&settings);
        settings.taps = &tap;
        settings.tap_count = 1;
        intruder.photo = &photo;
    }
    Fixture(const Fixture&) = delete;
    ~Fixture() {
        intruder.inside = false;
        fovea_session_close(&session);
        fovea_model_close(&model);
    }
    void create() {
        REQUIRE(fovea_session_create(model, &settings, &session) == FOVEA_OK);
        intruder.session = session;
    }
    void run(float* logits) {
        REQUIRE(fovea_run(session, input.data(), FOVEA_U8, logits, nullptr) == FOVEA_OK);
    }
};

}  // namespace

TEST_CASE("a callback that calls its own session is told that it is busy, whatever it calls") {
    Fixture f;
    std::function<fovea_status()> call;
    fovea_screening screening = test_memory::sized<fovea_screening>();
    fovea_status expected_status = FOVEA_OK;
    SUBCASE("cancel, of a run") {
        f.settings.cancel = Intruder::cancel;
        f.settings.cancel_cookie = &f.intruder;
        call = [&] { return fovea_run(f.session, f.input.data(), FOVEA_U8, nullptr, nullptr); };
    }
    SUBCASE("cancel, of a screening") {
        f.settings.cancel = Intruder::cancel;
        f.settings.cancel_cookie = &f.intruder;
        call = [&] {
            const fovea_pixels pixels = f.photo.pixels();
            return fovea_screen_pixels(f.session, &pixels, nullptr, &screening);
        };
    }
    SUBCASE("cancel, of a self-test") {
        f.settings.cancel = Intruder::cancel;
        f.settings.cancel_cookie = &f.intruder;
        call = [&] { return fovea_selftest(f.session, nullptr); };
    }
    SUBCASE("log, of a run") {
        f.settings.log = {Intruder::log, &f.intruder};
        call = [&] { return fovea_run(f.session, nullptr, FOVEA_U8, nullptr, nullptr); };
        expected_status = FOVEA_ERROR_INVALID_ARGUMENT;
    }
    SUBCASE("log, of a screening") {
        f.settings.log = {Intruder::log, &f.intruder};
        call = [&] { return fovea_screen_bytes(f.session, "photo", 5, nullptr, &screening); };
        expected_status = FOVEA_ERROR_NOT_AN_IMAGE;
    }
    SUBCASE("log, of a tap") {
        f.settings.log = {Intruder::log, &f.intruder};
        call = [&] {
            fovea_tensor tensor = test_memory::sized<fovea_tensor>();
            return fovea_session_tap(f.session, "nothing", &tensor);
        };
        expected_status = FOVEA_ERROR_UNKNOWN_TAP;
    }
    SUBCASE("allocator, of a screening") {
        f.settings.allocator = {Intruder::allocate, Intruder::release, &f.intruder};
        call = [&] {
            const fovea_pixels pixels = f.photo.pixels();
            return fovea_screen_pixels(f.session, &pixels, nullptr, &screening);
        };
    }
    SUBCASE("write, of the plan") {
        call = [&] { return fovea_session_print_plan(f.session, Intruder::line, &f.intruder); };
    }
    f.create();
    float before[2], after[2];
    f.run(before);
    f.intruder.inside = true;
    CHECK(call() == expected_status);
    f.intruder.inside = false;
    CHECK(f.intruder.visits > 0);
    CHECK(f.intruder.wrong == 0);
    // Nothing was changed or left behind.
    REQUIRE(f.session != nullptr);
    CHECK(fovea_session_step_times(f.session, nullptr, 0) == 0);
    f.run(after);
    CHECK(std::memcmp(before, after, sizeof(before)) == 0);
}

TEST_CASE("an allocator that calls the session which is being closed is told that it is busy") {
    Fixture f;
    f.settings.allocator = {Intruder::allocate, Intruder::release, &f.intruder};
    f.create();
    f.intruder.inside = true;
    fovea_session_close(&f.session);
    f.intruder.inside = false;
    CHECK(f.session == nullptr);
    CHECK(f.intruder.visits > 0);
    CHECK(f.intruder.wrong == 0);
    CHECK(f.intruder.memory.live == 0);
}

TEST_CASE("an allocator that closes the model which is being closed does so once") {
    struct Closer {
        fovea_model* model = nullptr;
        CountingAllocator memory;
        int calls = 0;
        static void* allocate(void* cookie, std::size_t size, std::size_t alignment) {
            return CountingAllocator::allocate(&static_cast<Closer*>(cookie)->memory, size,
                                               alignment);
        }
        static void release(void* cookie, void* pointer) {
            auto* self = static_cast<Closer*>(cookie);
            ++self->calls;
            fovea_model_close(&self->model);
            CountingAllocator::release(&self->memory, pointer);
        }
    } closer;
    fovea_model_settings settings;
    fovea_model_settings_init(&settings);
    settings.allocator = {Closer::allocate, Closer::release, &closer};
    const Bytes file = build(screening_spec());
    REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, &settings,
                                    &closer.model) == FOVEA_OK);
    fovea_model_close(&closer.model);
    CHECK(closer.calls > 1);
    CHECK(closer.memory.live == 0);
}

TEST_CASE("two threads that share a session by mistake get right numbers or the status") {
    Fixture f;
    f.create();
    float expected[2];
    f.run(expected);
    std::atomic<int> good{0}, busy{0}, wrong{0};
    const auto work = [&] {
        for (int i = 0; i < 3000; ++i) {
            float logits[2] = {7, 7};
            const fovea_status status =
                fovea_run(f.session, f.input.data(), FOVEA_U8, logits, nullptr);
            if (status == FOVEA_OK && std::memcmp(logits, expected, sizeof(expected)) == 0) {
                ++good;
            } else if (status == FOVEA_ERROR_BUSY && logits[0] == 7) {
                ++busy;
            } else {
                ++wrong;
            }
        }
    };
    std::thread other(work);
    work();
    other.join();
    CHECK(wrong == 0);
    CHECK(good > 0);
    CHECK(good + busy == 6000);
}

TEST_CASE("a session goes on in a child process, with and without threads of its own") {
    for (const std::uint32_t threads : {1u, 2u, 7u}) {
        // Layers that are worth every thread.
        ModelSpec spec;
        spec.input_height = spec.input_width = spec.default_height = spec.default_width = 64;
        spec.add(convolution_node(0, 3, 1, 64, std::vector<float>(3 * 3 * 3 * 64, 0.01f)));
        spec.add({.kind = kGlobalPool, .inputs = {1}});
        spec.logits = spec.probabilities = spec.add({.kind = kDense,
                                                     .inputs = {2},
                                                     .weights = std::vector<float>(128, 0.01f),
                                                     .output_channels = 2});
        const Bytes file = build(spec);
        fovea_model* model = nullptr;
        REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) ==
                FOVEA_OK);
        fovea_session_settings settings;
        fovea_session_settings_init(&settings);
        settings.threads = threads;
        fovea_session* session = nullptr;
        REQUIRE(fovea_session_create(model, &settings, &session) == FOVEA_OK);
        const std::vector<std::uint8_t> input(64 * 64 * 3, 77);
        float expected[2];
        REQUIRE(fovea_run(session, input.data(), FOVEA_U8, expected, nullptr) == FOVEA_OK);
        const pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            alarm(60);  // a child that waits for threads that it does not have is a failure, not a
                        // hang
            int failures = 0;
            for (int i = 0; i < 2; ++i) {
                float logits[2] = {};
                failures += fovea_run(session, input.data(), FOVEA_U8, logits, nullptr) != FOVEA_OK;
                failures += std::memcmp(logits, expected, sizeof(expected)) != 0;
            }
            fovea_session_close(&session);
            failures += session != nullptr;
            fovea_model_close(&model);
            _exit(failures == 0 ? 0 : 1);
        }
        int state = 0;
        REQUIRE(waitpid(child, &state, 0) == child);
        CHECK(WIFEXITED(state));
        CHECK(WEXITSTATUS(state) == 0);
        float logits[2] = {};
        CHECK(fovea_run(session, input.data(), FOVEA_U8, logits, nullptr) == FOVEA_OK);
        CHECK(std::memcmp(logits, expected, sizeof(expected)) == 0);
        fovea_session_close(&session);
        fovea_model_close(&model);
    }
}

TEST_CASE("a session that was forked in the middle of a call stays busy in the child") {
    Fixture f;
    struct Forker {
        fovea_session* session = nullptr;
        pid_t child = -1;
        static int cancel(void* cookie) {
            auto* self = static_cast<Forker*>(cookie);
            if (self->session == nullptr || self->child >= 0) return 0;
            self->child = fork();
            if (self->child != 0) return 0;
            const std::vector<std::uint8_t> input(32 * 32 * 3, 1);
            const fovea_status status =
                fovea_run(self->session, input.data(), FOVEA_U8, nullptr, nullptr);
            _exit(status == FOVEA_ERROR_BUSY ? 0 : 1);
        }
    } forker;
    f.settings.cancel = Forker::cancel;
    f.settings.cancel_cookie = &forker;
    f.create();
    forker.session = f.session;
    float logits[2];
    f.run(logits);
    REQUIRE(forker.child > 0);
    int state = 0;
    REQUIRE(waitpid(forker.child, &state, 0) == forker.child);
    CHECK(WIFEXITED(state));
    CHECK(WEXITSTATUS(state) == 0);
}
