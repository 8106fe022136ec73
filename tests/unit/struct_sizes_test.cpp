// SPDX-License-Identifier: Apache-2.0
// Programs compiled with another version's header: their structs are shorter or longer than the library's.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "tests/unit/fundus_picture.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

using test_memory::sized;

namespace {

constexpr std::size_t kUnit = sizeof(std::size_t);  // structs end at its multiples

// A struct of another size, in memory that ends with it.
template <typename Struct>
class OfSize {
  public:
    explicit OfSize(std::size_t size, int fill = 0) : size_(size), bytes_(new unsigned char[size]) {
        std::memset(bytes_.get(), fill, size);
        std::memcpy(bytes_.get(), &size, sizeof(size));
    }
    // The fields of a struct of this version that it has room for.
    OfSize(const Struct& known, std::size_t size) : OfSize(size) {
        std::memcpy(bytes_.get() + kUnit, reinterpret_cast<const unsigned char*>(&known) + kUnit,
                    std::min(size, sizeof(Struct)) - kUnit);
    }
    Struct* get() { return reinterpret_cast<Struct*>(bytes_.get()); }
    unsigned char* bytes() { return bytes_.get(); }
    std::size_t size() const { return size_; }
    // The bytes that it shares with a struct of this version are that struct's, and all behind are zero.
    bool has_fields_of(const Struct& known) const {
        const std::size_t common = std::min(size_, sizeof(Struct));
        bool same = std::memcmp(bytes_.get() + kUnit, reinterpret_cast<const unsigned char*>(&known) + kUnit, common - kUnit) == 0;
        for (std::size_t i = common; i < size_; ++i) same = same && bytes_[i] == 0;
        std::size_t size = 0;
        std::memcpy(&size, bytes_.get(), sizeof(size));
        return same && size == size_;
    }

  private:
    std::size_t size_;
    std::unique_ptr<unsigned char[]> bytes_;
};

template <typename Struct>
std::vector<std::size_t> sizes() {
    std::vector<std::size_t> all;
    for (std::size_t size = kUnit; size <= sizeof(Struct) + 4 * kUnit; size += kUnit) all.push_back(size);
    return all;
}

// A call that reads a struct takes one of any version, whose unknown fields are zero, and refuses all others. known
// holds only defaults behind its first `needed` bytes: a shorter struct must not fail.
template <typename Struct>
void check_reading(const Struct& known, std::size_t needed, const std::function<fovea_status(const Struct*)>& call) {
    for (const std::size_t size : sizes<Struct>()) {
        CAPTURE(size);
        OfSize<Struct> given(known, size);
        const fovea_status status = call(given.get());
        CHECK(status == (size < needed ? FOVEA_ERROR_INVALID_ARGUMENT : FOVEA_OK));
        if (size <= sizeof(Struct)) continue;
        for (const std::size_t place : {sizeof(Struct), size - 1}) {
            given.bytes()[place] = 1;
            CHECK(call(given.get()) == FOVEA_ERROR_INVALID_ARGUMENT);
            given.bytes()[place] = 0;
        }
        CHECK(call(given.get()) == FOVEA_OK);
    }
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kUnit - 1, sizeof(Struct) - 1, sizeof(Struct) + 1,
                                   std::size_t{1} << 20, SIZE_MAX - 7, SIZE_MAX}) {
        CAPTURE(size);
        Struct wrong = known;
        wrong.size = size;
        CHECK(call(&wrong) == FOVEA_ERROR_INVALID_ARGUMENT);
    }
}

// A call that fills a struct fills what the caller's has, no byte behind it, and refuses sizes that are none.
template <typename Struct>
void check_filling(const std::function<fovea_status(Struct*)>& call, std::size_t needed = 0) {
    auto known = sized<Struct>();
    REQUIRE(call(&known) == FOVEA_OK);
    for (const std::size_t size : sizes<Struct>()) {
        CAPTURE(size);
        OfSize<Struct> given(size, 0xA5);
        if (size < needed) {
            CHECK(call(given.get()) == FOVEA_ERROR_INVALID_ARGUMENT);
            continue;
        }
        CHECK(call(given.get()) == FOVEA_OK);
        CHECK(given.has_fields_of(known));
    }
    for (const std::size_t size : {std::size_t{0}, kUnit - 1, sizeof(Struct) + 1, SIZE_MAX}) {
        Struct wrong = {};
        wrong.size = size;
        CHECK(call(&wrong) == FOVEA_ERROR_INVALID_ARGUMENT);
    }
}

template <typename Struct>
void check_defaults(void (*init)(Struct*, std::size_t)) {
    Struct known;
    init(&known, sizeof(known));
    CHECK(known.size == sizeof(known));
    for (const std::size_t size : sizes<Struct>()) {
        OfSize<Struct> of_size(size, 0xA5);
        init(of_size.get(), size);
        CHECK(of_size.has_fields_of(known));
    }
    Struct untouched = {};
    for (const std::size_t size : {std::size_t{0}, kUnit - 1, sizeof(Struct) + 1, SIZE_MAX}) init(&untouched, size);
    CHECK(untouched.size == 0);
    init(nullptr, sizeof(known));
}

struct Fixture {
    fovea_model* model = nullptr;
    model_builder::Bytes file = model_builder::build(model_builder::tiny_spec());

    Fixture() {
        REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) == FOVEA_OK);
    }
    ~Fixture() { fovea_model_close(&model); }
};

}  // namespace

TEST_CASE("defaults are set in structs of every size") {
    check_defaults<fovea_model_settings>(fovea_model_settings_init_sized);
    check_defaults<fovea_session_settings>(fovea_session_settings_init_sized);
    check_defaults<fovea_preset>(fovea_preset_init_sized);
    check_defaults<fovea_screen_options>(fovea_screen_options_init_sized);
    check_defaults<fovea_explain_settings>(fovea_explain_settings_init_sized);
}

TEST_CASE("settings of every size are read") {
    Fixture f;
    fovea_model_settings model_settings;
    fovea_model_settings_init(&model_settings);
    check_reading<fovea_model_settings>(model_settings, 0, [&](const fovea_model_settings* settings) {
        fovea_model* model = nullptr;
        const fovea_status status = fovea_model_load_memory(f.file.data(), f.file.size(), FOVEA_COPY, settings, &model);
        CHECK((model != nullptr) == (status == FOVEA_OK));
        fovea_model_close(&model);
        return status;
    });
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    check_reading<fovea_session_settings>(settings, 0, [&](const fovea_session_settings* given) {
        std::size_t bytes = 0;
        const fovea_status status = fovea_session_workspace_size(f.model, given, &bytes);
        fovea_session* session = nullptr;
        CHECK(fovea_session_create(f.model, given, &session) == status);
        CHECK((session != nullptr) == (status == FOVEA_OK));
        fovea_session_close(&session);
        return status;
    });
    const auto picture = fundus_picture::make(64);
    fovea_explain_settings explain_settings;
    fovea_explain_settings_init(&explain_settings);
    check_reading<fovea_explain_settings>(explain_settings, 0, [&](const fovea_explain_settings* given) {
        std::size_t bytes = 7;
        const fovea_status status = fovea_explainer_workspace_size(f.model, &settings, given, &bytes);
        fovea_explainer* explainer = nullptr;
        CHECK(fovea_explainer_create(f.model, &settings, given, &explainer) == status);
        CHECK((bytes == 7) == (status != FOVEA_OK));
        fovea_explainer_close(&explainer);
        return status;
    });

    const fovea_pixels pixels = picture.pixels();
    fovea_preset preset;
    fovea_preset_init(&preset);
    const auto preprocess = [](const fovea_pixels* p, const fovea_preset* q, const fovea_session_settings* s) {
        auto image = sized<fovea_image>();
        const fovea_status status = fovea_preprocess(p, q, s, &image);
        CHECK((image.data != nullptr) == (status == FOVEA_OK));
        fovea_image_free(&image);
        return status;
    };
    check_reading<fovea_session_settings>(
        settings, 0, [&](const fovea_session_settings* given) { return preprocess(&pixels, &preset, given); });
    check_reading<fovea_preset>(preset, 0, [&](const fovea_preset* given) { return preprocess(&pixels, given, nullptr); });
    const std::size_t first_plane = offsetof(fovea_pixels, strides) + sizeof(std::size_t);
    check_reading<fovea_pixels>(pixels, first_plane, [&](const fovea_pixels* given) { return preprocess(given, &preset, nullptr); });
}

TEST_CASE("fields named reserved must be zero, and the log says what is wrong") {
    Fixture f;
    test_memory::LogCatcher log;
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.log = log.hooks();
    fovea_explain_settings explain_settings;
    fovea_explain_settings_init(&explain_settings);
    explain_settings.reserved = 1;
    std::size_t bytes = 0;
    CHECK(fovea_explainer_workspace_size(f.model, &settings, &explain_settings, &bytes) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(log.all().find("reserved is not 0") != std::string::npos);
    fovea_session* session = nullptr;
    OfSize<fovea_session_settings> newer(settings, sizeof(settings) + 8);
    newer.bytes()[sizeof(settings) + 3] = 1;
    CHECK(fovea_session_create(f.model, newer.get(), &session) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(log.all().find("this version of the library does not know") != std::string::npos);
}

TEST_CASE("structs of every size are filled") {
    Fixture f;
    check_filling<fovea_model_info>([&](fovea_model_info* info) { return fovea_model_describe(f.model, info); });
    check_filling<fovea_preset>([&](fovea_preset* preset) { return fovea_model_preset(f.model, preset); });
    const char* const tap = fovea_model_tap_name(f.model, 0);
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.taps = &tap;
    settings.tap_count = 1;
    fovea_session* session = nullptr;
    REQUIRE(fovea_session_create(f.model, &settings, &session) == FOVEA_OK);
    check_filling<fovea_session_info>([&](fovea_session_info* info) { return fovea_session_describe(session, info); });
    fovea_explainer* explainer = nullptr;
    REQUIRE(fovea_explainer_create(f.model, &settings, nullptr, &explainer) == FOVEA_OK);
    const std::vector<float> black(std::size_t{4} * 4 * 3);
    check_filling<fovea_explanation>(
        [&](fovea_explanation* explanation) { return fovea_explain(explainer, black.data(), FOVEA_F32, nullptr, explanation); });
    fovea_explainer_close(&explainer);
    auto info = sized<fovea_session_info>();
    REQUIRE(fovea_session_describe(session, &info) == FOVEA_OK);
    const std::vector<std::uint8_t> input(std::size_t{info.input_height} * info.input_width * info.input_channels, 100);
    fovea_session_profile(session, 1);
    REQUIRE(fovea_run(session, input.data(), FOVEA_U8, nullptr, nullptr) == FOVEA_OK);
    check_filling<fovea_tensor>([&](fovea_tensor* tensor) { return fovea_session_tap(session, tap, tensor); });
    // Arrays: the first entry's size is the distance.
    const std::uint32_t steps = fovea_session_step_times(session, nullptr, 0);
    std::vector<fovea_step_time> times(steps, sized<fovea_step_time>());
    REQUIRE(fovea_session_step_times(session, times.data(), steps) == steps);
    std::uint32_t kernels = 0;
    REQUIRE(fovea_kernels(nullptr, nullptr, 0, &kernels) == FOVEA_OK);
    std::vector<fovea_kernel> rows(kernels, sized<fovea_kernel>());
    REQUIRE(fovea_kernels(nullptr, rows.data(), kernels, &kernels) == FOVEA_OK);
    for (const std::size_t size : {3 * kUnit, 2 * sizeof(fovea_step_time)}) {
        std::unique_ptr<unsigned char[]> memory(new unsigned char[steps * size]);
        std::memcpy(memory.get(), &size, sizeof(size));
        CHECK(fovea_session_step_times(session, reinterpret_cast<fovea_step_time*>(memory.get()), steps) == steps);
        for (std::uint32_t i = 0; i < steps; ++i) {
            fovea_step_time entry = {};
            std::memcpy(static_cast<void*>(&entry), memory.get() + i * size, std::min(size, sizeof(entry)));
            CHECK(entry.size == size);
            CHECK(entry.kernel == times[i].kernel);
        }
    }
    for (const std::size_t size : {3 * kUnit, 2 * sizeof(fovea_kernel)}) {
        std::unique_ptr<unsigned char[]> memory(new unsigned char[kernels * size]);
        std::memcpy(memory.get(), &size, sizeof(size));
        REQUIRE(fovea_kernels(nullptr, reinterpret_cast<fovea_kernel*>(memory.get()), kernels, &kernels) == FOVEA_OK);
        for (std::uint32_t i = 0; i < kernels; ++i) {
            fovea_kernel entry = {};
            std::memcpy(static_cast<void*>(&entry), memory.get() + i * size, std::min(size, sizeof(entry)));
            CHECK(entry.size == size);
            CHECK(entry.variant == rows[i].variant);
        }
    }
    rows[0].size = 0;
    CHECK(fovea_kernels(nullptr, rows.data(), kernels, &kernels) == FOVEA_ERROR_INVALID_ARGUMENT);
    times[0].size = 5;
    times[0].seconds = -1;
    CHECK(fovea_session_step_times(session, times.data(), steps) == steps);
    CHECK(times[0].seconds == -1);
    fovea_session_close(&session);
}

TEST_CASE("screenings and their options of every size") {
    Fixture f;
    fovea_session* session = nullptr;
    REQUIRE(fovea_session_create(f.model, nullptr, &session) == FOVEA_OK);
    const auto picture = fundus_picture::make(400);
    const fovea_pixels pixels = picture.pixels();
    fovea_screen_options options;
    fovea_screen_options_init(&options);
    options.force = 1;
    const auto screen = [&](const fovea_screen_options* given, fovea_screening* screening) {
        const fovea_status status = fovea_screen_pixels(session, &pixels, given, screening);
        // Two screenings take different times.
        if (status == FOVEA_OK && screening->size >= sizeof(*screening)) {
            screening->decode_ms = screening->quality_ms = screening->preprocess_ms = screening->infer_ms = 0;
        }
        return status;
    };
    auto known = sized<fovea_screening>();
    check_reading<fovea_screen_options>(options, 0, [&](const fovea_screen_options* given) { return screen(given, &known); });
    REQUIRE(screen(&options, &known) == FOVEA_OK);
    CHECK(known.has_scores == 1);
    const std::size_t decode_ms = offsetof(fovea_screening, decode_ms);
    for (const std::size_t size : {kUnit, 4 * kUnit, offsetof(fovea_screening, result), decode_ms, sizeof(known), sizeof(known) + 24}) {
        OfSize<fovea_screening> given(size, 0xA5);
        REQUIRE(screen(&options, given.get()) == FOVEA_OK);
        CHECK(given.has_fields_of(known));
    }
    for (const std::size_t size : {std::size_t{0}, kUnit - 1, sizeof(known) + 1, SIZE_MAX}) {
        known.size = size;
        CHECK(fovea_screen_pixels(session, &pixels, &options, &known) == FOVEA_ERROR_INVALID_ARGUMENT);
    }
    fovea_session_close(&session);
}

TEST_CASE("pictures of every size are given and freed") {
    const auto png = fundus_picture::make(16).png();
    test_memory::CountingAllocator allocator;
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.allocator = allocator.hooks();
    for (const std::size_t size : sizes<fovea_image>()) {
        OfSize<fovea_image> image(size, 0xA5);
        const fovea_status status = fovea_decode(png.data(), png.size(), &settings, image.get());
        CHECK(status == (size < sizeof(fovea_image) ? FOVEA_ERROR_INVALID_ARGUMENT : FOVEA_OK));
        if (status == FOVEA_OK) {
            CHECK(image.get()->width == 16);
            CHECK(allocator.live > 0);
        }
        fovea_image_free(image.get());
        CHECK(allocator.live == 0);
        if (status == FOVEA_OK) CHECK(image.has_fields_of(fovea_image{}));
    }
    fovea_image unset = {};
    CHECK(fovea_decode(png.data(), png.size(), &settings, &unset) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(allocator.live == 0);
}
