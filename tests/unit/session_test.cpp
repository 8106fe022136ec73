// SPDX-License-Identifier: Apache-2.0
// Sessions: settings, workspace, taps, cancelling, profile, plan text, self-test, misuse.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "engine/session.h"
#include "fovea/fovea.h"
#include "tests/unit/convolution_node.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace {

using namespace model_builder;
using test_memory::CountingAllocator;
using test_memory::LogCatcher;

struct Fixture {
    LogCatcher log;
    fovea_model* model = nullptr;
    fovea_session* session = nullptr;
    fovea_session_settings settings;
    std::vector<std::uint8_t> input = std::vector<std::uint8_t>(4 * 4 * 3, 100);

    explicit Fixture(const ModelSpec& spec = tiny_spec()) {
        const Bytes file = build(spec);
        REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) ==
                FOVEA_OK);
        fovea_session_settings_init(&settings);
        settings.log = log.hooks();
    }
    Fixture(const Fixture&) = delete;
    ~Fixture() {
        fovea_session_close(&session);
        fovea_model_close(&model);
    }
    fovea_status create() { return fovea_session_create(model, &settings, &session); }
};

ModelSpec any_size_spec() {
    ModelSpec spec = tiny_spec();
    spec.input_height = spec.input_width = 0;
    return spec;
}

}  // namespace

TEST_CASE("settings out of range are refused") {
    Fixture f;
    SUBCASE("not initialised") {
        f.settings.size = 0;
    }
    SUBCASE("no threads") {
        f.settings.threads = 0;
    }
    SUBCASE("too many threads") {
        f.settings.threads = 65;
    }
    SUBCASE("height without width") {
        f.settings.input_height = 4;
    }
    SUBCASE("half an allocator") {
        f.settings.allocator.allocate = CountingAllocator::allocate;
    }
    SUBCASE("workspace off its alignment") {
        f.settings.workspace = reinterpret_cast<void*>(std::uintptr_t{4096 + 8});
    }
    SUBCASE("taps without names") {
        f.settings.tap_count = 1;
    }
    CHECK(f.create() == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(f.session == nullptr);
    std::size_t bytes = 77;
    CHECK(fovea_session_workspace_size(f.model, &f.settings, &bytes) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(bytes == 77);
}

TEST_CASE("a null tap name is refused, an unknown one named") {
    Fixture f;
    const char* names[] = {nullptr};
    f.settings.taps = names;
    f.settings.tap_count = 1;
    CHECK(f.create() == FOVEA_ERROR_INVALID_ARGUMENT);
    names[0] = "no such layer";
    CHECK(f.create() == FOVEA_ERROR_UNKNOWN_TAP);
    CHECK(f.log.all().find("no such layer") != std::string::npos);
}

TEST_CASE("an instruction set that is unknown or absent is refused, never replaced") {
    Fixture f;
    f.settings.isa = "abacus";
    CHECK(f.create() == FOVEA_ERROR_UNSUPPORTED_ISA);
    CHECK(f.log.all().find("abacus") != std::string::npos);
    f.settings.isa = "scalar";
    REQUIRE(f.create() == FOVEA_OK);
    fovea_session_info info;
    info.size = sizeof(info);
    REQUIRE(fovea_session_describe(f.session, &info) == FOVEA_OK);
    CHECK(std::string(info.isa) == "scalar");
}

TEST_CASE("input sizes: fixed networks take one, others what fits") {
    Fixture fixed;
    fixed.settings.input_height = fixed.settings.input_width = 5;
    CHECK(fixed.create() == FOVEA_ERROR_INPUT_SIZE);
    Fixture any(any_size_spec());
    any.settings.input_height = 7;
    any.settings.input_width = 1;
    REQUIRE(any.create() == FOVEA_OK);
    fovea_session_info info;
    info.size = sizeof(info);
    REQUIRE(fovea_session_describe(any.session, &info) == FOVEA_OK);
    CHECK(info.input_height == 7);
    CHECK(info.input_width == 1);
    CHECK(info.multiply_adds > 0);
    fovea_session_close(&any.session);
    any.settings.input_height = any.settings.input_width = 65537;
    CHECK(any.create() == FOVEA_ERROR_INPUT_SIZE);
}

TEST_CASE("a size that a layer cannot take is told with the layer's name") {
    ModelSpec spec = any_size_spec();
    // A window of 3 without padding.
    NodeSpec& stem = spec.nodes[1];
    stem.same_padding = false;
    stem.stride_y = stem.stride_x = 1;
    Fixture f(spec);
    f.settings.input_height = f.settings.input_width = 2;
    CHECK(f.create() == FOVEA_ERROR_INPUT_SIZE);
    CHECK(f.log.all().find("layer 'stem' (convolution): its 3 x 3 window does not fit") !=
          std::string::npos);
}

TEST_CASE("values that grow past all bounds are refused") {
    ModelSpec spec = any_size_spec();
    spec.nodes.resize(1);
    for (std::uint32_t value = 1; value < 30; ++value) {  // 3 channels, doubled each time
        spec.add(
            {.kind = kConcat, .inputs = {value, value}, .name = "double" + std::to_string(value)});
    }
    spec.add({.kind = kGlobalPool, .inputs = {1}});
    spec.logits = spec.probabilities = 31;
    spec.classes = {"a", "b", "c"};
    spec.golden.clear();
    spec.default_height = spec.default_width = 1;
    const Bytes file = build(spec);
    fovea_model* model = nullptr;
    LogCatcher log;
    fovea_model_settings settings;
    fovea_model_settings_init(&settings);
    settings.log = log.hooks();
    CHECK(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, &settings, &model) ==
          FOVEA_ERROR_BAD_MODEL);
    CHECK(log.all() == "layer 'double29' (concat): the output would be too large\n");
}

TEST_CASE("the workspace: exact, the caller's or the allocator's") {
    Fixture f;
    for (const std::uint32_t threads : {1u, 3u}) {
        f.settings.threads = threads;
        f.settings.workspace = nullptr;
        std::size_t bytes = 0;
        REQUIRE(fovea_session_workspace_size(f.model, &f.settings, &bytes) == FOVEA_OK);
        REQUIRE(bytes > 0);
        REQUIRE(f.create() == FOVEA_OK);
        float expected[2], got[2];
        REQUIRE(fovea_run(f.session, f.input.data(), FOVEA_U8, expected, nullptr) == FOVEA_OK);
        fovea_session_info info;
        info.size = sizeof(info);
        REQUIRE(fovea_session_describe(f.session, &info) == FOVEA_OK);
        CHECK(info.workspace_bytes == bytes);
        fovea_session_close(&f.session);

        // Exactly that many bytes do (a sanitizer would see one more), one less is refused.
        std::vector<std::uint8_t> zeros(bytes, 0xEE);
        test_memory::AlignedCopy own(zeros.data(), bytes);
        f.settings.workspace = own.data();
        f.settings.workspace_size = bytes - 1;
        CHECK(f.create() == FOVEA_ERROR_WORKSPACE_TOO_SMALL);
        f.settings.workspace_size = bytes;
        CountingAllocator allocator;
        f.settings.allocator = allocator.hooks();
        REQUIRE(f.create() == FOVEA_OK);
        REQUIRE(fovea_run(f.session, f.input.data(), FOVEA_U8, got, nullptr) == FOVEA_OK);
        CHECK(std::memcmp(expected, got, sizeof(got)) == 0);
        fovea_session_close(&f.session);
        CHECK(allocator.live == 0);
        f.settings.allocator = {};
    }
}

TEST_CASE("taps") {
    Fixture f;
    const char* names[] = {"stem", "project"};
    f.settings.taps = names;
    f.settings.tap_count = 2;
    REQUIRE(f.create() == FOVEA_OK);
    fovea_tensor tensor = test_memory::sized<fovea_tensor>();
    CHECK(fovea_session_tap(f.session, "stem", &tensor) == FOVEA_ERROR_INVALID_ARGUMENT);
    REQUIRE(fovea_run(f.session, f.input.data(), FOVEA_U8, nullptr, nullptr) == FOVEA_OK);
    REQUIRE(fovea_session_tap(f.session, "stem", &tensor) == FOVEA_OK);
    CHECK(tensor.height == 2);
    CHECK(tensor.width == 2);
    CHECK(tensor.channels == 5);
    CHECK(fovea_session_tap(f.session, "project", &tensor) == FOVEA_OK);
    // In the model, but not asked for when the session was made.
    CHECK(fovea_session_tap(f.session, "add", &tensor) == FOVEA_ERROR_UNKNOWN_TAP);
    CHECK(fovea_session_tap(f.session, "nothing", &tensor) == FOVEA_ERROR_UNKNOWN_TAP);
}

TEST_CASE("a session keeps nothing of its settings that the caller may free") {
    Fixture f;
    std::vector<const char*> taps = {"stem"};
    auto isa = std::make_unique<std::string>("scalar");
    f.settings.taps = taps.data();
    f.settings.tap_count = 1;
    f.settings.isa = isa->c_str();
    std::size_t size = 0;
    REQUIRE(fovea_session_workspace_size(f.model, &f.settings, &size) == FOVEA_OK);
    const std::vector<std::uint8_t> filling(size, 0xFF);
    test_memory::AlignedCopy workspace(filling.data(), filling.size());
    f.settings.workspace = workspace.data();
    f.settings.workspace_size = size;
    REQUIRE(f.create() == FOVEA_OK);
    CHECK(f.session->settings.taps == nullptr);
    CHECK(f.session->settings.tap_count == 0);
    CHECK(f.session->settings.isa == nullptr);
    CHECK(f.session->settings.workspace == nullptr);
    CHECK(f.session->settings.workspace_size == 0);
    taps.assign(1, nullptr);
    isa.reset();
    REQUIRE(fovea_run(f.session, f.input.data(), FOVEA_U8, nullptr, nullptr) == FOVEA_OK);
    fovea_tensor tensor = test_memory::sized<fovea_tensor>();
    CHECK(fovea_session_tap(f.session, "stem", &tensor) == FOVEA_OK);
    fovea_session_info info = {};
    info.size = sizeof(info);
    REQUIRE(fovea_session_describe(f.session, &info) == FOVEA_OK);
    CHECK(std::string(info.isa) == "scalar");
}

TEST_CASE("cancelling stops between steps and the session runs again") {
    Fixture f;
    struct Counter {
        int asked = 0;
        int stop_at = -1;
        static int ask(void* cookie) {
            auto* self = static_cast<Counter*>(cookie);
            return self->asked++ == self->stop_at ? 1 : 0;
        }
    } counter;
    f.settings.cancel = Counter::ask;
    f.settings.cancel_cookie = &counter;
    REQUIRE(f.create() == FOVEA_OK);
    float expected[2], logits[2];
    counter = {};
    REQUIRE(fovea_run(f.session, f.input.data(), FOVEA_U8, expected, nullptr) == FOVEA_OK);
    const int steps = counter.asked;
    CHECK(steps > 4);
    for (int stop = 0; stop < steps; ++stop) {
        counter = {0, stop};
        float untouched[2] = {42, 43};
        CHECK(fovea_run(f.session, f.input.data(), FOVEA_U8, untouched, nullptr) ==
              FOVEA_ERROR_CANCELLED);
        CHECK(counter.asked == stop + 1);
        CHECK(untouched[0] == 42);
    }
    counter = {};
    REQUIRE(fovea_run(f.session, f.input.data(), FOVEA_U8, logits, nullptr) == FOVEA_OK);
    CHECK(std::memcmp(logits, expected, sizeof(logits)) == 0);
}

TEST_CASE("results that are no finite numbers are refused, and so are such inputs") {
    struct Case {
        const char* about;
        float scale, first, rest;
        fovea_status status;
        const char* words;
    };
    const Case cases[] = {
        {"experiments", 1, -1e30f, 1e20f, FOVEA_OK, ""},
        {"an input far out", 1, -3e38f, -3e38f, FOVEA_ERROR_INVALID_ARGUMENT, "the input goes from -3e+38 to -3e+38"},
        {"one value too many", 2.6e35f, 255, 256, FOVEA_ERROR_INVALID_ARGUMENT, "the input goes from 255 to 256"},
        {"pixels", 1e37f, 0, 255, FOVEA_ERROR_BAD_MODEL, "results are not finite numbers"},
        {"a NaN", 1, NAN, 100, FOVEA_ERROR_INVALID_ARGUMENT, "the input has values that are not finite"},
        {"an infinity", 1, INFINITY, 100, FOVEA_ERROR_INVALID_ARGUMENT, "the input has values that are not finite"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.about);
        Fixture f(overflowing_spec(c.scale));
        const char* const tap = "scaled";
        f.settings.taps = &tap;
        f.settings.tap_count = 1;
        REQUIRE(f.create() == FOVEA_OK);
        std::vector<float> values(4 * 4 * 3, c.rest);
        values[0] = c.first;
        float logits[2] = {42, 43}, probabilities[2] = {44, 45};
        CHECK(fovea_run(f.session, values.data(), FOVEA_F32, nullptr, nullptr) == c.status);
        CHECK(fovea_run(f.session, values.data(), FOVEA_F32, logits, probabilities) == c.status);
        if (c.status == FOVEA_OK) {
            CHECK(std::isfinite(logits[0]));
            continue;
        }
        CHECK(f.log.all().find(c.words) != std::string::npos);
        const bool untouched = logits[0] == 42 && logits[1] == 43 && probabilities[0] == 44 && probabilities[1] == 45;
        CHECK(untouched);
        // What ran can be looked into; what did not run cannot.
        fovea_tensor tensor = {};
        tensor.size = sizeof(tensor);
        const bool ran = std::isfinite(c.first);
        CHECK(fovea_session_tap(f.session, tap, &tensor) == (ran ? FOVEA_OK : FOVEA_ERROR_INVALID_ARGUMENT));
    }
    Fixture f(overflowing_spec(1e37f));
    REQUIRE(f.create() == FOVEA_OK);
    f.input.assign(4 * 4 * 3, 255);
    float logits[2];
    CHECK(fovea_run(f.session, f.input.data(), FOVEA_U8, logits, nullptr) == FOVEA_ERROR_BAD_MODEL);
    f.input.assign(4 * 4 * 3, 1);
    CHECK(fovea_run(f.session, f.input.data(), FOVEA_U8, logits, nullptr) == FOVEA_OK);
}

namespace {

// Says stop at the question of that index, and from then on.
struct StopAt {
    int index = -1;
    int asked = 0;
    static int ask(void* cookie) {
        auto* self = static_cast<StopAt*>(cookie);
        const int number = self->asked++;
        return self->index >= 0 && number >= self->index ? 1 : 0;
    }
};

// A long layer that is run by itself, one that takes turns with others, or one of which a single row is long.
ModelSpec long_layer_spec(const char* kind) {
    ModelSpec spec = any_size_spec();
    spec.nodes.clear();
    spec.default_height = spec.default_width = 96;
    std::uint32_t channels = 3;
    const auto convolution = [&](std::uint32_t input, std::uint32_t kernel, std::uint32_t outputs) {
        const std::uint32_t value =
            spec.add(convolution_node(input, kernel, 1, outputs,
                                      std::vector<float>(std::size_t{kernel} * kernel * channels * outputs, 1e-3f)));
        channels = outputs;
        return value;
    };
    std::uint32_t value = 0;
    if (std::strstr(kind, "of one row") != nullptr) {
        spec.default_height = 1;
        spec.default_width = 96 * 96;
    }
    if (std::strncmp(kind, "depthwise", 9) == 0 || std::strncmp(kind, "pool", 4) == 0) {
        const bool pools = std::strncmp(kind, "pool", 4) == 0;
        value = convolution(0, 1, 64);  // 2 million
        value = spec.add({.kind = pools ? kPool : kDepthwise,  // 260 million, or as many comparisons
                          .inputs = {value},
                          .weights = std::vector<float>(pools ? 0 : std::size_t{21} * 21 * channels, 1e-3f),
                          .kernel_height = 21,
                          .kernel_width = 21,
                          .stride_y = 1,
                          .stride_x = 1,
                          .dilation_y = pools ? 0u : 1u,
                          .dilation_x = pools ? 0u : 1u,
                          .same_padding = true,
                          .output_channels = pools ? 0 : channels});
        value = spec.add({.kind = kReshape, .inputs = {value}});
        channels *= 96 * 96;
    } else if (std::strcmp(kind, "streamed") != 0) {
        value = spec.add({.kind = kReshape, .inputs = {convolution(0, 15, 32)}});  // 199 million
        channels = 96 * 96 * 32;
    } else {
        value = spec.add({.kind = kPool,
                          .inputs = {0},
                          .kernel_height = 3,
                          .kernel_width = 3,
                          .stride_y = 1,
                          .stride_x = 1,
                          .same_padding = true});
        value = convolution(convolution(value, 1, 256), 1, 64);  // 7 and 151 million
        value = spec.add({.kind = kGlobalPool, .inputs = {value}});
    }
    spec.logits = spec.probabilities =
        spec.add({.kind = kDense,
                  .inputs = {value},
                  .weights = std::vector<float>(std::size_t{channels} * 2, 0.01f),
                  .output_channels = 2});
    spec.golden.clear();
    return spec;
}

}  // namespace

TEST_CASE("cancelling stops inside a long layer, and asking changes no bit") {
    for (const char* const kind : {"by itself", "streamed", "of one row", "depthwise of one row", "pool of one row"}) {
        for (const std::uint32_t threads : {1u, 3u}) {
            CAPTURE(kind);
            CAPTURE(threads);
            Fixture f(long_layer_spec(kind));
            f.input.assign(96 * 96 * 3, 99);
            f.settings.threads = threads;
            float expected[2], logits[2];
            REQUIRE(f.create() == FOVEA_OK);
            REQUIRE(fovea_run(f.session, f.input.data(), FOVEA_U8, expected, nullptr) == FOVEA_OK);
            fovea_session_info info = {};
            info.size = sizeof(info);
            REQUIRE(fovea_session_describe(f.session, &info) == FOVEA_OK);
            const std::uint32_t steps = [&] {
                fovea_session_profile(f.session, 1);
                return fovea_session_step_times(f.session, nullptr, 0);
            }();
            fovea_session_close(&f.session);
            StopAt stop;
            f.settings.cancel = StopAt::ask;
            f.settings.cancel_cookie = &stop;
            REQUIRE(f.create() == FOVEA_OK);
            stop = {};
            REQUIRE(fovea_run(f.session, f.input.data(), FOVEA_U8, logits, nullptr) == FOVEA_OK);
            CHECK(std::memcmp(logits, expected, sizeof(logits)) == 0);
            // The caller's thread asks before each piece of its share.
            const auto pieces =
                static_cast<std::uint32_t>(info.multiply_adds / threads / (64u << 20));
            CHECK(stop.asked >= static_cast<int>(pieces + (threads == 1 ? steps : 0)));
            // Three on the way of a long row.
            if (std::strstr(kind, "of one row") != nullptr) CHECK(stop.asked >= 3 + static_cast<int>(threads == 1 ? steps : 0));
            const int questions = stop.asked;
            for (const int index : {0, 1, questions / 2, questions - 1}) {
                stop = {index, 0};
                CHECK(fovea_run(f.session, f.input.data(), FOVEA_U8, logits, nullptr) ==
                      FOVEA_ERROR_CANCELLED);
                CHECK(stop.asked == index + 1);
            }
        }
    }
}

TEST_CASE("cancelling stops while a session is planned, and then nothing is left") {
    ModelSpec spec = any_size_spec();
    spec.nodes.clear();
    spec.golden.clear();
    spec.default_height = spec.default_width = 24;
    std::uint32_t value = 0;
    for (int i = 0; i < 400; ++i) {
        value = spec.add({.kind = kPool,
                          .inputs = {value},
                          .kernel_height = 3,
                          .kernel_width = 3,
                          .stride_y = 1,
                          .stride_x = 1,
                          .same_padding = true});
    }
    spec.add({.kind = kGlobalPool, .inputs = {value}});
    spec.logits = spec.probabilities = spec.add({.kind = kDense,
                                                 .inputs = {value + 1},
                                                 .weights = std::vector<float>(6, 0.1f),
                                                 .output_channels = 2});
    Fixture f(spec);
    CountingAllocator allocator;
    f.settings.allocator = allocator.hooks();
    StopAt stop;
    f.settings.cancel = StopAt::ask;
    f.settings.cancel_cookie = &stop;
    REQUIRE(f.create() == FOVEA_OK);
    const int questions = stop.asked;
    CHECK(questions > 5);
    fovea_session_close(&f.session);
    for (int index = 0; index < questions; ++index) {
        stop = {index, 0};
        CHECK(f.create() == FOVEA_ERROR_CANCELLED);
        CHECK(f.session == nullptr);
        CHECK(stop.asked == index + 1);
        CHECK(allocator.live == 0);
        stop = {index, 0};
        std::size_t bytes = 77;
        CHECK(fovea_session_workspace_size(f.model, &f.settings, &bytes) == FOVEA_ERROR_CANCELLED);
        CHECK(bytes == 77);
    }
    CHECK(f.log.all().find("planning was cancelled") != std::string::npos);
}

TEST_CASE("a small model that asks for gigabytes is refused before they are taken") {
    ModelSpec spec = any_size_spec();
    spec.nodes.clear();
    spec.golden.clear();
    // 8192 x 8192 x 8 floats, that no band makes smaller: the pools need them whole.
    spec.default_height = spec.default_width = 8192;
    spec.add(convolution_node(0, 1, 1, 8, std::vector<float>(3 * 8, 0.1f)));
    spec.add({.kind = kGlobalPool, .inputs = {1}});
    spec.add({.kind = kMultiply, .inputs = {1, 2}});
    spec.add({.kind = kGlobalPool, .inputs = {3}});
    spec.logits = spec.probabilities = spec.add({.kind = kDense,
                                                 .inputs = {4},
                                                 .weights = std::vector<float>(16, 0.1f),
                                                 .output_channels = 2});
    Fixture f(spec);
    struct Largest {
        std::size_t size = 0;
        static void* allocate(void* cookie, std::size_t size, std::size_t alignment) {
            auto* self = static_cast<Largest*>(cookie);
            self->size = std::max(self->size, size);
            return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
        }
        static void release(void*, void* pointer) { std::free(pointer); }
    } largest;
    f.settings.allocator = {Largest::allocate, Largest::release, &largest};
    std::size_t needed = 0;
    // What the caller would have to bring is still told.
    REQUIRE(fovea_session_workspace_size(f.model, &f.settings, &needed) == FOVEA_OK);
    CHECK(needed > std::size_t{2} << 30);
    CHECK(f.create() == FOVEA_ERROR_MEMORY_LIMIT);
    CHECK(f.session == nullptr);
    CHECK(largest.size < 1 << 20);
    CHECK(f.log.all().find(std::to_string(needed)) != std::string::npos);
    CHECK(f.log.all().find("1073741824") != std::string::npos);
    // The limit is exact, and the caller's to set.
    f.settings.input_height = f.settings.input_width = 64;
    REQUIRE(fovea_session_workspace_size(f.model, &f.settings, &needed) == FOVEA_OK);
    f.settings.max_workspace_bytes = needed - 1;
    CHECK(f.create() == FOVEA_ERROR_MEMORY_LIMIT);
    f.settings.max_workspace_bytes = needed;
    CHECK(f.create() == FOVEA_OK);
}

TEST_CASE("profile and plan") {
    Fixture f;
    REQUIRE(f.create() == FOVEA_OK);
    CHECK(fovea_session_step_times(f.session, nullptr, 0) == 0);
    fovea_session_profile(f.session, 1);
    REQUIRE(fovea_run(f.session, f.input.data(), FOVEA_U8, nullptr, nullptr) == FOVEA_OK);
    const std::uint32_t count = fovea_session_step_times(f.session, nullptr, 0);
    REQUIRE(count > 4);
    auto unset = test_memory::sized<fovea_step_time>();
    unset.seconds = -1;
    std::vector<fovea_step_time> times(count + 1, unset);
    CHECK(fovea_session_step_times(f.session, times.data(), count) == count);
    std::uint64_t multiply_adds = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
        CHECK(times[i].seconds >= 0);
        CHECK(times[i].name != nullptr);
        CHECK(std::strlen(times[i].kernel) > 0);
        CHECK(times[i].bytes_read > 0);
        CHECK(times[i].bytes_written >= sizeof(float));
        multiply_adds += times[i].multiply_adds;
    }
    CHECK(times[count].seconds == -1);
    fovea_session_info info;
    info.size = sizeof(info);
    REQUIRE(fovea_session_describe(f.session, &info) == FOVEA_OK);
    CHECK(multiply_adds == info.multiply_adds);

    std::string text;
    const auto collect = [](void* cookie, const char* line) {
        *static_cast<std::string*>(cookie) += std::string(line) + "\n";
    };
    REQUIRE(fovea_session_print_plan(f.session, collect, &text) == FOVEA_OK);
    CHECK(text.find("stem") != std::string::npos);
    CHECK(text.find("pointwise_conv_fp32") != std::string::npos);
    CHECK(text.find(std::to_string(info.workspace_bytes)) != std::string::npos);
    // The projection is done by the add that takes it: no line of its own.
    CHECK(text.find("project") == std::string::npos);
}

TEST_CASE("output forms") {
    float logits[2], probabilities[2];
    SUBCASE("one sigmoid gives two classes") {
        ModelSpec spec = tiny_spec();
        spec.golden.clear();
        spec.nodes[6].weights = {0.1f, 0.2f, 0.3f, -0.4f, 0.5f};
        spec.nodes[6].bias = {0.25f};
        spec.nodes[6].output_channels = 1;
        spec.nodes[7].kind = kActivation;
        spec.nodes[7].activation = kSigmoid;
        spec.output_form = 1;
        Fixture f(spec);
        REQUIRE(f.create() == FOVEA_OK);
        REQUIRE(fovea_run(f.session, f.input.data(), FOVEA_U8, logits, probabilities) == FOVEA_OK);
        CHECK(probabilities[1] == doctest::Approx(1 / (1 + std::exp(-logits[0]))).epsilon(1e-5));
        CHECK(probabilities[0] == doctest::Approx(1 - probabilities[1]));
        // A file that ends at the logits means the same.
        spec.nodes.pop_back();
        spec.probabilities = spec.logits;
        Fixture bare(spec);
        REQUIRE(bare.create() == FOVEA_OK);
        float bare_probabilities[2];
        REQUIRE(fovea_run(bare.session, bare.input.data(), FOVEA_U8, nullptr, bare_probabilities) ==
                FOVEA_OK);
        CHECK(bare_probabilities[1] == doctest::Approx(probabilities[1]).epsilon(1e-6));
        CHECK(bare_probabilities[0] == doctest::Approx(probabilities[0]).epsilon(1e-6));
    }
    SUBCASE("independent sigmoids, softmax, each left to the reader") {
        ModelSpec spec = tiny_spec();
        spec.nodes.pop_back();
        spec.probabilities = spec.logits;
        for (const std::uint32_t form : {0u, 2u}) {
            spec.output_form = form;
            Fixture f(spec);
            REQUIRE(f.create() == FOVEA_OK);
            REQUIRE(fovea_run(f.session, f.input.data(), FOVEA_U8, logits, probabilities) ==
                    FOVEA_OK);
            const double a = std::exp(logits[0]), b = std::exp(logits[1]);
            CHECK(probabilities[0] == doctest::Approx(form == 0 ? a / (a + b) : a / (1 + a)));
            CHECK(probabilities[1] == doctest::Approx(form == 0 ? b / (a + b) : b / (1 + b)));
        }
    }
}

TEST_CASE("self-test") {
    ModelSpec spec = tiny_spec();
    double worst = -1;
    SUBCASE("the golden logits are not this network's") {
        Fixture f(spec);
        REQUIRE(f.create() == FOVEA_OK);
        CHECK(fovea_selftest(f.session, &worst) == FOVEA_ERROR_SELFTEST_FAILED);
        CHECK(worst > 1e-3);
    }
    SUBCASE("they are") {
        Fixture f(spec);
        REQUIRE(f.create() == FOVEA_OK);
        auto& [pixels, logits] = spec.golden[0];
        REQUIRE(fovea_run(f.session, pixels.data(), FOVEA_U8, logits.data(), nullptr) == FOVEA_OK);
        Fixture right(spec);
        REQUIRE(right.create() == FOVEA_OK);
        CHECK(fovea_selftest(right.session, &worst) == FOVEA_OK);
        CHECK(worst == 0);
        CHECK(fovea_selftest(right.session, nullptr) == FOVEA_OK);
    }
    SUBCASE("none in the file") {
        spec.golden.clear();
        Fixture f(spec);
        REQUIRE(f.create() == FOVEA_OK);
        CHECK(fovea_selftest(f.session, &worst) == FOVEA_ERROR_UNSUPPORTED_MODEL);
    }
    SUBCASE("another size") {
        Fixture f(any_size_spec());
        f.settings.input_height = f.settings.input_width = 8;
        REQUIRE(f.create() == FOVEA_OK);
        CHECK(fovea_selftest(f.session, &worst) == FOVEA_ERROR_INPUT_SIZE);
    }
    SUBCASE("a session") {
        CHECK(fovea_selftest(nullptr, &worst) == FOVEA_ERROR_INVALID_ARGUMENT);
    }
}

TEST_CASE("misuse is a status") {
    Fixture f;
    fovea_model* model = f.model;
    fovea_session* session = nullptr;
    std::size_t bytes;
    fovea_session_info session_info = {};
    fovea_model_info model_info = {};
    fovea_tensor tensor = test_memory::sized<fovea_tensor>();
    const Bytes file = build(tiny_spec());
    fovea_model_settings unset = {};
    CHECK(fovea_model_load_file(nullptr, nullptr, &model) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(model == nullptr);
    CHECK(fovea_model_load_file("x", nullptr, nullptr) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_model_load_memory(nullptr, 10, FOVEA_COPY, nullptr, &model) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, &unset, &model) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_model_load_memory(file.data(), file.size(), static_cast<fovea_ownership>(7),
                                  nullptr, &model) == FOVEA_ERROR_INVALID_ARGUMENT);
    test_memory::AlignedCopy copy(file.data(), file.size());
    CHECK(fovea_model_load_memory(copy.data() + 4, copy.size() - 4, FOVEA_BORROW, nullptr,
                                  &model) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_model_describe(nullptr, &model_info) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_model_describe(f.model, nullptr) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_model_describe(f.model, &model_info) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_model_class_name(nullptr, 0) == nullptr);
    CHECK(fovea_model_tap_name(nullptr, 0) == nullptr);
    CHECK(fovea_model_operating_point(nullptr, 0, nullptr) == nullptr);
    CHECK(fovea_model_provenance(nullptr, 0, nullptr) == nullptr);
    CHECK(fovea_session_create(nullptr, nullptr, &session) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_session_create(f.model, nullptr, nullptr) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_session_workspace_size(nullptr, nullptr, &bytes) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_session_workspace_size(f.model, nullptr, nullptr) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_session_workspace_size(f.model, nullptr, &bytes) == FOVEA_OK);
    CHECK(fovea_session_describe(nullptr, &session_info) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_session_print_plan(nullptr, nullptr, nullptr) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_run(nullptr, f.input.data(), FOVEA_U8, nullptr, nullptr) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    REQUIRE(f.create() == FOVEA_OK);
    CHECK(fovea_session_describe(f.session, &session_info) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_run(f.session, nullptr, FOVEA_U8, nullptr, nullptr) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_run(f.session, f.input.data(), static_cast<fovea_dtype>(9), nullptr, nullptr) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    alignas(4) unsigned char floats[4 * 4 * 3 * 4 + 4] = {};
    CHECK(fovea_run(f.session, floats + 1, FOVEA_F32, nullptr, nullptr) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_session_tap(nullptr, "stem", &tensor) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_session_tap(f.session, nullptr, &tensor) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_session_step_times(nullptr, nullptr, 0) == 0);
    fovea_session_profile(nullptr, 1);
    fovea_model_settings_init(nullptr);
    fovea_session_settings_init(nullptr);
    fovea_session_close(nullptr);
    fovea_model_close(nullptr);
    fovea_session_close(&session);
}
