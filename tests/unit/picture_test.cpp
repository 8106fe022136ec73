// SPDX-License-Identifier: Apache-2.0
// fovea_decode, fovea_preprocess, presets and kernels through the public
// header.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace {

// A 2 x 1 PNG: a red and a half transparent green pixel (RGBA).
constexpr std::uint8_t kPng[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d,
    0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01,
    0x08, 0x06, 0x00, 0x00, 0x00, 0xf4, 0x22, 0x7f, 0x8a, 0x00, 0x00, 0x00,
    0x0f, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0xf0,
    0x1f, 0x08, 0x1b, 0x00, 0x10, 0x79, 0x03, 0x7e, 0x7d, 0x63, 0xce, 0xd7,
    0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

// A bright disc on black, the way a fundus photo is lit.
std::vector<std::uint8_t> disc(int width, int height) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * height * 3,
                                   0);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int dx = 2 * x - width, dy = 2 * y - height,
                side = std::min(width, height) - 4;
      if (dx * dx + dy * dy > side * side)
        continue;
      std::uint8_t *p = &pixels[(static_cast<std::size_t>(y) * width + x) * 3];
      p[0] = static_cast<std::uint8_t>(150 + x % 40);
      p[1] = static_cast<std::uint8_t>(70 + y % 30);
      p[2] = 30;
    }
  }
  return pixels;
}

fovea_pixels rgb(const std::vector<std::uint8_t> &data, std::uint32_t width,
                 std::uint32_t height) {
  auto pixels = test_memory::sized<fovea_pixels>();
  pixels.format = FOVEA_RGB;
  pixels.width = width;
  pixels.height = height;
  pixels.planes[0] = data.data();
  pixels.strides[0] = std::size_t{width} * 3;
  return pixels;
}

} // namespace

TEST_CASE("a PNG is decoded, alpha put on black, and freed") {
  test_memory::CountingAllocator allocator;
  fovea_session_settings settings;
  fovea_session_settings_init(&settings);
  settings.allocator = allocator.hooks();
  fovea_image image = test_memory::sized<fovea_image>();
  REQUIRE(fovea_decode(kPng, sizeof(kPng), &settings, &image) == FOVEA_OK);
  CHECK(image.width == 2);
  CHECK(image.height == 1);
  const std::uint8_t expected[] = {255, 0, 0, 0, 128, 0};
  CHECK(std::memcmp(image.data, expected, sizeof(expected)) == 0);
  CHECK(allocator.live > 0);
  fovea_image_free(&image);
  CHECK(image.data == nullptr);
  CHECK(allocator.live == 0);
  fovea_image_free(&image);
  fovea_image_free(nullptr);
}

TEST_CASE("limits of the settings hold") {
  fovea_session_settings settings;
  fovea_session_settings_init(&settings);
  fovea_image image = test_memory::sized<fovea_image>();
  settings.max_image_side = 1;
  CHECK(fovea_decode(kPng, sizeof(kPng), &settings, &image) ==
        FOVEA_ERROR_IMAGE_TOO_LARGE);
  fovea_session_settings_init(&settings);
  settings.max_image_pixels = 1;
  CHECK(fovea_decode(kPng, sizeof(kPng), &settings, &image) ==
        FOVEA_ERROR_IMAGE_TOO_LARGE);
  settings.size = 3;
  CHECK(fovea_decode(kPng, sizeof(kPng), &settings, &image) ==
        FOVEA_ERROR_INVALID_ARGUMENT);
  CHECK(image.data == nullptr);
}

TEST_CASE("a decoding is cancelled by the settings' callback") {
  fovea_session_settings settings;
  fovea_session_settings_init(&settings);
  int asked = 0;
  settings.cancel = [](void *cookie) { return ++*static_cast<int *>(cookie); };
  settings.cancel_cookie = &asked;
  fovea_image image = test_memory::sized<fovea_image>();
  CHECK(fovea_decode(kPng, sizeof(kPng), &settings, &image) ==
        FOVEA_ERROR_CANCELLED);
  CHECK(image.data == nullptr);
  CHECK(asked == 1);
}

namespace {

// Counts the questions, and says stop at one of them.
struct Questions {
  int asked = 0;
  int stop_at = -1;

  static int ask(void *cookie) {
    auto *self = static_cast<Questions *>(cookie);
    return self->asked++ == self->stop_at ? 1 : 0;
  }
};

// The call asks at least so often; stopped at any question (some of many are
// tried) it says so at once, makes no picture and leaves no memory behind.
template <typename Call> void check_cancelling(int least, const Call &call) {
  test_memory::CountingAllocator allocator;
  Questions questions;
  fovea_session_settings settings;
  fovea_session_settings_init(&settings);
  settings.allocator = allocator.hooks();
  settings.cancel = Questions::ask;
  settings.cancel_cookie = &questions;
  fovea_image image = test_memory::sized<fovea_image>();
  REQUIRE(call(&settings, &image) == FOVEA_OK);
  fovea_image_free(&image);
  const int all = questions.asked;
  CHECK(all >= least);
  for (int k = 0; k < all; k += std::max(1, all / 8)) {
    questions = {0, k};
    CHECK(call(&settings, &image) == FOVEA_ERROR_CANCELLED);
    CHECK(questions.asked == k + 1);
    CHECK(image.data == nullptr);
    CHECK(allocator.live == 0);
  }
}

} // namespace

TEST_CASE("every preset of a large photo asks whether to stop") {
  constexpr int kWidth = 1500, kHeight = 1000;
  const std::vector<std::uint8_t> photo = disc(kWidth, kHeight);
  fovea_pixels pixels = rgb(photo, kWidth, kHeight);
  struct Case {
    const char *name, *resize;
    std::uint32_t rotation;
    int least;
  };
  // 1.5 million pixels are looked at, copied (which counts twice) and filtered.
  const Case cases[] = {
      {"none", "cv_linear", 0, 2},
      {"none", "cv_linear", 90, 2},
      {"none", "cv_area", 0, 4},
      {"kaggle_ben_color", "cv_area", 0, 4},
      {"kaggle_circle", "cv_linear", 0, 15},
      {"kaggle_circle_v2", "cv_area", 180, 15},
      {"graham2015", "cv_linear", 0, 5},
      {"eyeq", "cv_area", 0, 4},
  };
  for (const Case &c : cases) {
    CAPTURE(c.name);
    CAPTURE(c.resize);
    fovea_preset preset;
    fovea_preset_init(&preset);
    preset.name = c.name;
    preset.resize = c.resize;
    preset.output_size = 200;
    pixels.rotation = c.rotation;
    check_cancelling(c.least, [&](const fovea_session_settings *settings,
                                  fovea_image *image) {
      return fovea_preprocess(&pixels, &preset, settings, image);
    });
  }
}

TEST_CASE("a map is laid over a large photo with questions whether to stop") {
  constexpr int kWidth = 1500, kHeight = 1000;
  const std::vector<std::uint8_t> photo = disc(kWidth, kHeight);
  const fovea_pixels pixels = rgb(photo, kWidth, kHeight);
  const float map[4] = {0, 0.5F, 1, 0.25F};
  auto explanation = test_memory::sized<fovea_explanation>();
  explanation.map = map;
  explanation.height = explanation.width = 2;
  explanation.channels = 1;
  explanation.photo_width = kWidth;
  explanation.photo_height = kHeight;
  check_cancelling(12, [&](const fovea_session_settings *settings,
                           fovea_image *image) {
    return fovea_heat_map_overlay(&explanation, map, &pixels, nullptr, settings,
                                  image);
  });
}

TEST_CASE("the settings' limits hold for the pictures within a preset") {
  const std::vector<std::uint8_t> line(std::size_t{2000} * 3, 200);
  const fovea_pixels pixels = rgb(line, 2000, 1);
  fovea_preset preset;
  fovea_preset_init(&preset);
  preset.pad_square = 1; // 2000 x 2000
  fovea_session_settings settings;
  fovea_session_settings_init(&settings);
  fovea_image image = test_memory::sized<fovea_image>();
  settings.max_image_pixels = 4'000'000;
  REQUIRE(fovea_preprocess(&pixels, &preset, &settings, &image) == FOVEA_OK);
  fovea_image_free(&image);
  settings.max_image_pixels = 3'999'999;
  CHECK(fovea_preprocess(&pixels, &preset, &settings, &image) ==
        FOVEA_ERROR_IMAGE_TOO_LARGE);
}

TEST_CASE("what is no picture is told") {
  test_memory::LogCatcher log;
  fovea_session_settings settings;
  fovea_session_settings_init(&settings);
  settings.log = log.hooks();
  fovea_image image = test_memory::sized<fovea_image>();
  CHECK(fovea_decode("hello, hello, hello", 19, &settings, &image) ==
        FOVEA_ERROR_NOT_AN_IMAGE);
  CHECK(fovea_decode(kPng, sizeof(kPng) - 20, &settings, &image) ==
        FOVEA_ERROR_CORRUPT_IMAGE);
  CHECK(fovea_decode("", 0, &settings, &image) == FOVEA_ERROR_NOT_AN_IMAGE);
  CHECK(log.lines.size() == 3);
  CHECK(fovea_decode(nullptr, 9, &settings, &image) ==
        FOVEA_ERROR_INVALID_ARGUMENT);
  CHECK(fovea_decode(kPng, sizeof(kPng), nullptr, nullptr) ==
        FOVEA_ERROR_INVALID_ARGUMENT);
}

TEST_CASE("presets are applied to pixels of every format alike") {
  const int side = 60;
  const auto pixels = disc(side, side);
  fovea_preset preset;
  fovea_preset_init(&preset);
  preset.output_size = 32;
  fovea_image expected = test_memory::sized<fovea_image>();
  const fovea_pixels plain = rgb(pixels, side, side);
  REQUIRE(fovea_preprocess(&plain, &preset, nullptr, &expected) == FOVEA_OK);
  CHECK(expected.width == 32);
  CHECK(expected.height == 32);
  for (const fovea_pixel_format format :
       {FOVEA_RGB, FOVEA_RGBA, FOVEA_BGR, FOVEA_BGRA}) {
    const bool swapped = format == FOVEA_BGR || format == FOVEA_BGRA;
    const std::size_t bytes =
        format == FOVEA_RGB || format == FOVEA_BGR ? 3 : 4;
    const std::size_t stride = side * bytes + 5;
    std::vector<std::uint8_t> stored(stride * side, 0xAA);
    for (int i = 0; i < side * side; ++i) {
      std::uint8_t *to = &stored[static_cast<std::size_t>(i / side) * stride +
                                 static_cast<std::size_t>(i % side) * bytes];
      for (std::size_t c = 0; c < 3; ++c) {
        to[c] = pixels[static_cast<std::size_t>(i) * 3 + (swapped ? 2 - c : c)];
      }
      if (bytes == 4)
        to[3] = 255;
    }
    fovea_pixels given = rgb(stored, side, side);
    given.format = format;
    given.strides[0] = stride;
    fovea_image got = test_memory::sized<fovea_image>();
    REQUIRE(fovea_preprocess(&given, &preset, nullptr, &got) == FOVEA_OK);
    CHECK(std::memcmp(got.data, expected.data, 32 * 32 * 3) == 0);
    fovea_image_free(&got);
  }
  fovea_image_free(&expected);
}

TEST_CASE("pixels and presets out of range are refused") {
  const auto data = disc(20, 10);
  fovea_pixels pixels = rgb(data, 20, 10);
  fovea_preset preset;
  fovea_preset_init(&preset);
  fovea_session_settings settings;
  fovea_session_settings_init(&settings);
  fovea_status wanted = FOVEA_ERROR_INVALID_ARGUMENT;
  SUBCASE("no data") { pixels.planes[0] = nullptr; }
  SUBCASE("no width") { pixels.width = 0; }
  SUBCASE("no height") { pixels.height = 0; }
  SUBCASE("unknown format") {
    pixels.format = static_cast<fovea_pixel_format>(9);
  }
  SUBCASE("short stride") { pixels.strides[0] = 59; }
  SUBCASE("endless stride") { pixels.strides[0] = SIZE_MAX; }
  SUBCASE("odd rotation") { pixels.rotation = 45; }
  SUBCASE("too wide") {
    pixels.width = 0xFFFFFFFF;
    wanted = FOVEA_ERROR_IMAGE_TOO_LARGE;
  }
  SUBCASE("over the limit") {
    settings.max_image_pixels = 199;
    wanted = FOVEA_ERROR_IMAGE_TOO_LARGE;
  }
  SUBCASE("preset not initialised") { preset.size = 0; }
  SUBCASE("unknown preset") { preset.name = "magic"; }
  SUBCASE("no preset name") { preset.name = nullptr; }
  SUBCASE("unknown resize") { preset.resize = "lanczos"; }
  SUBCASE("large output") { preset.output_size = 16385; }
  SUBCASE("no native size") { preset.output_size = 0; }
  SUBCASE("scaled to no size") {
    preset.name = "eyeq";
    preset.resize = "cv_area";
    preset.scaled_decoding = 4;
    preset.output_size = 0;
  }
  SUBCASE("negative sigma") { preset.sigma = -1; }
  SUBCASE("tolerance") { preset.tolerance = 256; }
  SUBCASE("graham scale") { preset.graham_scale = 0; }
  SUBCASE("half an allocator") {
    settings.allocator.release = test_memory::CountingAllocator::release;
  }
  fovea_image image = test_memory::sized<fovea_image>();
  CHECK(fovea_preprocess(&pixels, &preset, &settings, &image) == wanted);
  CHECK(image.data == nullptr);
}

TEST_CASE("rotation turns clockwise to upright") {
  // 2 x 1: red, green. Turned by 90 degrees clockwise: red above green.
  const std::vector<std::uint8_t> data = {255, 0, 0, 0, 255, 0};
  fovea_pixels pixels = rgb(data, 2, 1);
  pixels.rotation = 90;
  fovea_preset preset;
  fovea_preset_init(&preset);
  preset.name = "none";
  preset.output_size = 2;
  fovea_image image = test_memory::sized<fovea_image>();
  REQUIRE(fovea_preprocess(&pixels, &preset, nullptr, &image) == FOVEA_OK);
  CHECK(image.data[0] > 200);         // top left is red
  CHECK(image.data[2 * 3 + 1] > 200); // bottom left is green
  CHECK(image.data[2 * 3 + 0] < 50);
  fovea_image_free(&image);
}

TEST_CASE("the model's preset") {
  model_builder::ModelSpec spec = model_builder::tiny_spec();
  spec.preset_flags = 1 | 2 | 4;
  const auto file = model_builder::build(spec);
  fovea_model *model = nullptr;
  REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr,
                                  &model) == FOVEA_OK);
  fovea_preset preset;
  preset.size = 0;
  CHECK(fovea_model_preset(model, &preset) == FOVEA_ERROR_INVALID_ARGUMENT);
  CHECK(fovea_model_preset(nullptr, &preset) == FOVEA_ERROR_INVALID_ARGUMENT);
  fovea_preset_init(&preset);
  REQUIRE(fovea_model_preset(model, &preset) == FOVEA_OK);
  CHECK(std::string(preset.name) == "kaggle_ben_color");
  CHECK(preset.output_size == 4);
  CHECK(preset.sigma == 10);
  CHECK(preset.tolerance == 7);
  CHECK(preset.circle_mask == 1);
  CHECK(preset.gray_swapped == 1);
  CHECK(preset.pad_square == 1);
  CHECK(std::string(preset.resize) == "cv_linear");
  fovea_model_close(&model);
}

TEST_CASE("names") {
  CHECK(std::string(fovea_preset_name(0)) == "none");
  CHECK(std::string(fovea_preset_name(5)) == "eyeq");
  CHECK(fovea_preset_name(6) == nullptr);
  CHECK(std::string(fovea_isa_name(0)) == "scalar");
  CHECK(fovea_isa_name(1000) == nullptr);
}

TEST_CASE("the list of kernels: one chosen each operation, as capped") {
  std::uint32_t count = 0;
  REQUIRE(fovea_kernels(nullptr, nullptr, 0, &count) == FOVEA_OK);
  REQUIRE(count >= 10);
  std::vector<fovea_kernel> kernels(count);
  kernels[0].size = sizeof(fovea_kernel);
  for (const char *isa : {static_cast<const char *>(nullptr), "scalar"}) {
    REQUIRE(fovea_kernels(isa, kernels.data(), count, &count) == FOVEA_OK);
    for (std::size_t begin = 0; begin < kernels.size();) {
      int chosen = 0;
      std::size_t i = begin;
      for (; i < kernels.size() &&
             kernels[i].operation == kernels[begin].operation;
           ++i) {
        chosen += kernels[i].chosen;
        CHECK((kernels[i].chosen == 0 || kernels[i].available == 1));
        if (isa != nullptr && kernels[i].chosen != 0) {
          CHECK(std::string(kernels[i].variant).find("_scalar") !=
                std::string::npos);
        }
      }
      CHECK(chosen == 1);
      begin = i;
    }
  }
  CHECK(fovea_kernels("abacus", kernels.data(), count, &count) ==
        FOVEA_ERROR_UNSUPPORTED_ISA);
  CHECK(fovea_kernels(nullptr, nullptr, 0, nullptr) ==
        FOVEA_ERROR_INVALID_ARGUMENT);
  CHECK(fovea_kernels(nullptr, nullptr, 1, &count) ==
        FOVEA_ERROR_INVALID_ARGUMENT);
}
