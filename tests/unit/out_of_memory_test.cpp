// SPDX-License-Identifier: Apache-2.0
// Every allocation of every call is refused once: each time the status says so, nothing leaks, and
// the log names it.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "fovea/fovea.h"
#include "tests/unit/fundus_picture.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace {

using test_memory::CountingAllocator;
using test_memory::LogCatcher;

// Runs call with the k-th allocation refused (and, in a second sweep, all later ones too), for
// every k until it succeeds. Returns how many allocations the call makes.
long refuse_each(
    const std::function<fovea_status(const fovea_allocator&, const fovea_log&)>& call) {
    for (const bool rest : {false, true}) {
        for (long k = 0;; ++k) {
            CountingAllocator allocator;
            allocator.refuse_at = k;
            allocator.refuse_rest = rest;
            LogCatcher log;
            const fovea_status status = call(allocator.hooks(), log.hooks());
            CHECK(allocator.live == 0);
            if (allocator.allocations <= k) {
                CHECK(status == FOVEA_OK);
                if (rest) return k;
                break;
            }
            REQUIRE_MESSAGE(status == FOVEA_ERROR_OUT_OF_MEMORY, "allocation ", k);
            CHECK_MESSAGE(!log.lines.empty(), "allocation ", k);
        }
    }
    return 0;
}

struct Model {
    fovea_model* model = nullptr;
    explicit Model(const model_builder::ModelSpec& spec) {
        const auto file = model_builder::build(spec);
        REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) ==
                FOVEA_OK);
    }
    Model(const Model&) = delete;
    ~Model() { fovea_model_close(&model); }
};

}  // namespace

TEST_CASE("loading a model") {
    const auto file = model_builder::build(model_builder::tiny_spec());
    CHECK(refuse_each([&](const fovea_allocator& allocator, const fovea_log& log) {
              fovea_model_settings settings;
              fovea_model_settings_init(&settings);
              settings.allocator = allocator;
              settings.log = log;
              fovea_model* model = nullptr;
              const fovea_status status =
                  fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, &settings, &model);
              CHECK((model == nullptr) == (status != FOVEA_OK));
              fovea_model_close(&model);
              return status;
          }) > 5);
}

TEST_CASE("sessions and what they need") {
    const Model model(model_builder::tiny_spec());
    const char* taps[] = {"stem"};
    CHECK(refuse_each([&](const fovea_allocator& allocator, const fovea_log& log) {
              fovea_session_settings settings;
              fovea_session_settings_init(&settings);
              settings.allocator = allocator;
              settings.log = log;
              settings.threads = 2;
              settings.taps = taps;
              settings.tap_count = 1;
              fovea_session* session = nullptr;
              const fovea_status status = fovea_session_create(model.model, &settings, &session);
              CHECK((session == nullptr) == (status != FOVEA_OK));
              fovea_session_close(&session);
              return status;
          }) > 5);
    CHECK(refuse_each([&](const fovea_allocator& allocator, const fovea_log& log) {
              fovea_session_settings settings;
              fovea_session_settings_init(&settings);
              settings.allocator = allocator;
              settings.log = log;
              std::size_t bytes = 0;
              return fovea_session_workspace_size(model.model, &settings, &bytes);
          }) > 5);
}

TEST_CASE("explainers and what they need") {
    const Model model(model_builder::tiny_spec());
    for (const fovea_explain_method method :
         {FOVEA_EXPLAIN_GRADIENT, FOVEA_EXPLAIN_INTEGRATED_GRADIENTS, FOVEA_EXPLAIN_GRAD_CAM, FOVEA_EXPLAIN_OCCLUSION}) {
        fovea_explain_settings settings;
        fovea_explain_settings_init(&settings);
        settings.method = method;
        settings.layer = "stem";
        fovea_session_settings session;
        fovea_session_settings_init(&session);
        session.threads = 2;
        CHECK(refuse_each([&](const fovea_allocator& allocator, const fovea_log& log) {
                  session.allocator = allocator;
                  session.log = log;
                  fovea_explainer* explainer = nullptr;
                  const fovea_status status = fovea_explainer_create(model.model, &session, &settings, &explainer);
                  CHECK((explainer == nullptr) == (status != FOVEA_OK));
                  fovea_explainer_close(&explainer);
                  return status;
              }) > 5);
        CHECK(refuse_each([&](const fovea_allocator& allocator, const fovea_log& log) {
                  session.allocator = allocator;
                  session.log = log;
                  std::size_t bytes = 0;
                  return fovea_explainer_workspace_size(model.model, &session, &settings, &bytes);
              }) > 5);
    }
}

TEST_CASE("screening, and the next one after a failure") {
    model_builder::ModelSpec spec = model_builder::tiny_spec();
    const Model model(spec);
    const fundus_picture::Picture photo = fundus_picture::make(300);
    const fovea_pixels pixels = photo.pixels();
    CountingAllocator allocator;
    LogCatcher log;
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.allocator = allocator.hooks();
    settings.log = log.hooks();
    fovea_session* session = nullptr;
    REQUIRE(fovea_session_create(model.model, &settings, &session) == FOVEA_OK);
    fovea_screen_options options;
    fovea_screen_options_init(&options);
    options.force = 1;
    fovea_screening expected = test_memory::sized<fovea_screening>();
    const long before = allocator.allocations, live = allocator.live;
    REQUIRE(fovea_screen_pixels(session, &pixels, &options, &expected) == FOVEA_OK);
    const long count = allocator.allocations - before;
    CHECK(count > 2);
    for (long k = 0; k < count; ++k) {
        allocator.refuse_at = allocator.allocations + k;
        fovea_screening screening = test_memory::sized<fovea_screening>();
        screening.image_width = 77;
        CHECK(fovea_screen_pixels(session, &pixels, &options, &screening) ==
              FOVEA_ERROR_OUT_OF_MEMORY);
        CHECK(screening.image_width == 77);  // untouched
        CHECK(allocator.live == live);
    }
    allocator.refuse_at = -1;
    fovea_screening again = test_memory::sized<fovea_screening>();
    REQUIRE(fovea_screen_pixels(session, &pixels, &options, &again) == FOVEA_OK);
    CHECK(again.logits[0] == expected.logits[0]);
    fovea_session_close(&session);
    CHECK(allocator.live == 0);
}

TEST_CASE("decoding and preprocessing") {
    const fundus_picture::Picture photo = fundus_picture::make(64);
    const auto png = photo.png();
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    CHECK(refuse_each([&](const fovea_allocator& allocator, const fovea_log& log) {
              settings.allocator = allocator;
              settings.log = log;
              fovea_image image = test_memory::sized<fovea_image>();
              const fovea_status status = fovea_decode(png.data(), png.size(), &settings, &image);
              fovea_image_free(&image);
              return status;
          }) > 1);
    const fovea_pixels pixels = photo.pixels();
    int presets = 0;
    for (std::uint32_t i = 0; fovea_preset_name(i) != nullptr; ++i) {
        fovea_preset preset;
        fovea_preset_init(&preset);
        preset.name = fovea_preset_name(i);
        preset.output_size = 32;
        fovea_image image = test_memory::sized<fovea_image>();
        if (fovea_preprocess(&pixels, &preset, nullptr, &image) != FOVEA_OK) continue;
        fovea_image_free(&image);
        ++presets;
        CHECK(refuse_each([&](const fovea_allocator& allocator, const fovea_log& log) {
                  settings.allocator = allocator;
                  settings.log = log;
                  fovea_image image = test_memory::sized<fovea_image>();
                  const fovea_status status = fovea_preprocess(&pixels, &preset, &settings, &image);
                  fovea_image_free(&image);
                  return status;
              }) > 1);
    }
    CHECK(presets >= 5);
}
