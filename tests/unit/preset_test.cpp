// SPDX-License-Identifier: Apache-2.0
#include "preprocess/preset.h"

#include <doctest/doctest.h>
#include <fenv.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "counting_allocator.h"
#include "preprocess/fundus_crop.h"
#include "preprocess/gaussian.h"
#include "tests/golden/preset_expected.h"

using namespace fovea;
using namespace fovea::preprocess;

namespace {

// The same integers as draw() of make_preset_expected.py.
Image draw(const Picture& picture) {
    Image image;
    REQUIRE(image.allocate(picture.width, picture.height));
    std::uint32_t state = 12345;
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            state = state * 1664525U + 1013904223U;
            const int dx = x - picture.center_x;
            const int dy = y - picture.center_y;
            bool is_lit = picture.kind == PictureKind::kNoise ||
                          dx * dx + dy * dy <= picture.radius * picture.radius;
            if (picture.kind == PictureKind::kStriped && (x % 11 == 3 || y % 13 == 5)) {
                is_lit = false;
            }
            const std::uint32_t grain[3] = {state >> 24 & 63, state >> 16 & 63, state >> 10 & 63};
            const std::uint32_t base[3] = {150, 80, 30};
            for (int c = 0; c < 3; ++c) {
                image.row(y)[3 * x + c] =
                    static_cast<std::uint8_t>(is_lit ? base[c] + grain[c] : grain[c] >> 4);
            }
        }
    }
    return image;
}

Image fill(int width, int height, std::uint8_t value) {
    Image image;
    REQUIRE(image.allocate(width, height));
    std::memset(image.pixels.data(), value, image.pixels.size());
    return image;
}

std::uint64_t hash(const Image& image) {
    std::uint64_t value = 0xCBF29CE484222325U;
    for (const std::uint8_t byte : image.pixels) value = (value ^ byte) * 0x100000001B3U;
    return value;
}

PresetSettings settings_of(const std::string& name, int size) {
    PresetSettings s;
    s.output_size = size;
    if (name == "plain" || name == "plain_area") s.preset = Preset::kNone;
    if (name == "circle") s.preset = Preset::kKaggleCircle;
    if (name == "circle_v2") s.preset = Preset::kKaggleCircleV2;
    if (name == "graham") s.preset = Preset::kGraham2015;
    if (name == "plain_area" || name == "ben_pad_area") s.resize = ResizeMethod::kArea;
    if (name == "ben_pad_area") s.pad_square = true;
    if (name == "ben_gray_swapped") s.gray_swapped = true;
    if (name == "ben_unmasked_sigma_2_5") {
        s.circle_mask = false;
        s.sigma = 2.5;
    }
    return s;
}

constexpr Preset kAllPresets[] = {Preset::kNone,         Preset::kKaggleBenColor,
                                  Preset::kKaggleCircle, Preset::kKaggleCircleV2,
                                  Preset::kGraham2015,   Preset::kEyeq};

// Small numbers, so that graham2015 stays small too.
PresetSettings small_settings(Preset preset) {
    PresetSettings s;
    s.preset = preset;
    s.output_size = 24;
    s.graham_scale = 20.0;
    return s;
}

}  // namespace

TEST_CASE("every preset gives OpenCV's pixels") {
    int picture = -1;
    Image image;
    for (const PresetExpected& expected : kPresetExpected) {
        if (expected.picture != picture) {
            picture = expected.picture;
            image = draw(kPictures[picture]);
        }
        Image out;
        INFO("picture " << picture << ", " << expected.name << ", size " << expected.size);
        REQUIRE(apply_preset(image.view(), settings_of(expected.name, expected.size), Allocator(),
                             &out, nullptr) == Status::kOk);
        CHECK(out.width == expected.size);
        CHECK(out.height == expected.size);
        CHECK(hash(out) == expected.hash);
    }
}

TEST_CASE("a picture with a stride gives the same as a packed one") {
    const Image image = draw(kPictures[2]);
    const std::ptrdiff_t stride = 3 * image.width + 5;
    std::vector<std::uint8_t> padded(
        static_cast<std::size_t>(stride) * static_cast<std::size_t>(image.height) - 5, 255);
    for (int y = 0; y < image.height; ++y) {
        std::memcpy(padded.data() + y * stride, image.row(y),
                    static_cast<std::size_t>(image.width) * 3);
    }
    for (const Preset preset : kAllPresets) {
        for (const bool pad : {false, true}) {
            PresetSettings settings = small_settings(preset);
            settings.pad_square = pad;
            Image expected;
            Image out;
            REQUIRE(apply_preset(image.view(), settings, Allocator(), &expected, nullptr) ==
                    Status::kOk);
            REQUIRE(apply_preset({padded.data(), image.width, image.height, stride}, settings,
                                 Allocator(), &out, nullptr) == Status::kOk);
            CHECK(hash(out) == hash(expected));
        }
    }
}

TEST_CASE("the mean of a block whose sum needs more than 32 bits") {
    constexpr int kSide = 4200;
    Image white;
    REQUIRE(white.allocate(kSide, kSide));
    std::memset(white.pixels.data(), 254, white.pixels.size());
    Image out;
    REQUIRE(resize(white.view(), 1, 1, resize_scale(white.view(), 1, 1), ResizeMethod::kArea,
                   Allocator(), &out) == Status::kOk);
    for (int c = 0; c < 3; ++c) CHECK(out.row(0)[c] == 254);
}

TEST_CASE("rows that a resize is said not to read make no difference") {
    int unread = 0;
    for (const ResizeMethod method : {ResizeMethod::kLinear, ResizeMethod::kArea}) {
        for (const int height : {1, 2, 7, 64, 65, 130, 300}) {
            for (const int side : {1, 2, 7, 32, 64, 100}) {
                Image image = draw({70, height, 35, height / 2, 0, PictureKind::kNoise});
                const ResizeScale scale = resize_scale(image.view(), side, side);
                Image expected, found;
                REQUIRE(resize(image.view(), side, side, scale, method, Allocator(), &expected) == Status::kOk);
                std::vector<std::uint8_t> rows(static_cast<std::size_t>(height), 2);
                mark_rows_read(image.view(), side, side, scale, method, rows.data());
                for (int y = 0; y < height; ++y) {
                    REQUIRE(rows[static_cast<std::size_t>(y)] <= 1);
                    if (rows[static_cast<std::size_t>(y)] != 0) continue;
                    ++unread;
                    for (int i = 0; i < 3 * image.width; ++i) image.row(y)[i] ^= 0xFF;
                }
                REQUIRE(resize(image.view(), side, side, scale, method, Allocator(), &found) == Status::kOk);
                REQUIRE(hash(found) == hash(expected));
            }
        }
    }
    CHECK(unread > 1000);
}

TEST_CASE("the sum of the Gaussian taps is 256 for every sigma") {
    for (int i = 1; i <= 2560; ++i) {
        const double sigma = i / 10.0;
        std::vector<std::uint16_t> taps(static_cast<std::size_t>(gaussian_size(sigma)));
        gaussian_taps(sigma, taps.data());
        int sum = 0;
        for (const std::uint16_t tap : taps) sum += tap;
        REQUIRE(sum == 256);
    }
    // OpenCV's taps for sigma 10, from the end to the centre.
    const int expected[] = {0, 0, 0, 1, 0, 1, 0, 1, 1, 1, 1,  2,  2,  2,  3, 4,
                            3, 5, 5, 5, 7, 6, 8, 8, 8, 9, 10, 10, 10, 10, 10};
    std::vector<std::uint16_t> taps(61);
    REQUIRE(gaussian_size(10.0) == 61);
    gaussian_taps(10.0, taps.data());
    for (int i = 0; i < 31; ++i) {
        CHECK(taps[static_cast<std::size_t>(i)] == expected[i]);
        CHECK(taps[static_cast<std::size_t>(60 - i)] == expected[i]);
    }
}

TEST_CASE("the search for lit pixels agrees with looking at every pixel") {
    std::uint32_t state = 99;
    const auto random = [&](std::uint32_t below) {
        state = state * 1664525U + 1013904223U;
        return (state >> 8) % below;
    };
    for (int round = 0; round < 300; ++round) {
        const int width = static_cast<int>(1 + random(300));
        const int height = static_cast<int>(1 + random(80));
        Image image = fill(width, height, 0);
        // Grain around the tolerance where a few pixels are lit, many or none.
        const std::uint32_t grain = 6 + random(6);
        for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(random(grain));
        const std::uint32_t spots = random(2) * random(40);
        for (std::uint32_t i = 0; i < spots; ++i) {
            const auto x = static_cast<int>(random(static_cast<std::uint32_t>(width)));
            const auto y = static_cast<int>(random(static_cast<std::uint32_t>(height)));
            image.row(y)[3 * x + 1] = static_cast<std::uint8_t>(random(256));
        }
        const auto tolerance = static_cast<int>(random(12));
        const GrayWeights weights = gray_weights(random(2) == 1);
        std::vector<int> rows;
        std::vector<int> columns;
        std::vector<bool> is_column(static_cast<std::size_t>(width));
        for (int y = 0; y < height; ++y) {
            bool any = false;
            for (int x = 0; x < width; ++x) {
                if (gray(image.row(y) + 3 * x, weights) > tolerance) {
                    any = is_column[static_cast<std::size_t>(x)] = true;
                }
            }
            if (any) rows.push_back(y);
        }
        for (int x = 0; x < width; ++x) {
            if (is_column[static_cast<std::size_t>(x)]) columns.push_back(x);
        }
        LitSelection selection{Allocator()};
        REQUIRE(find_lit(image.view(), tolerance, weights, Allocator(), &selection) == Status::kOk);
        const int* r = selection.rows.data();
        const int* c = selection.columns.data();
        CHECK(std::vector<int>(r, r + selection.row_count) == rows);
        CHECK(std::vector<int>(c, c + selection.column_count) == columns);
    }
}

TEST_CASE("a black picture is not cropped, and that is said") {
    const Image black = fill(40, 30, 7);
    for (const Preset preset : kAllPresets) {
        Image out;
        PresetGeometry geometry;
        REQUIRE(apply_preset(black.view(), small_settings(preset), Allocator(), &out, &geometry) ==
                Status::kOk);
        CHECK(out.width == 24);
        const bool crops = preset != Preset::kNone && preset != Preset::kGraham2015;
        CHECK(geometry.found_nothing_lit == crops);
        CHECK(geometry.x == 0.0);
        CHECK(geometry.width == doctest::Approx(40.0));
        CHECK(geometry.height == doctest::Approx(preset == Preset::kEyeq ? 40.0 : 30.0));  // padded
    }
}

#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__i386__))
TEST_CASE("no preset trips a host that traps floating-point exceptions") {
    for (const auto& [width, height] : {std::pair{1, 1}, {1, 300}, {40, 30}, {300, 200}}) {
        for (const int value : {0, 7, 150, 255}) {
            const Image image = fill(width, height, value);
            for (const Preset preset : kAllPresets) {
                Image out;
                fenv_t before;
                fegetenv(&before);
                feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
                const Status status = apply_preset(image.view(), small_settings(preset),
                                                   Allocator(), &out, nullptr);
                fesetenv(&before);
                // graham2015 would enlarge a column of pixels too much.
                CHECK((status == Status::kOk || status == Status::kImageTooLarge));
            }
        }
    }
}
#endif

TEST_CASE("eyeq puts a square around the disc, black outside it and outside the photo") {
    // A disc of radius 200 that the frame cuts at top and bottom.
    constexpr int kWidth = 640;
    constexpr int kHeight = 360;
    Image image = fill(kWidth, kHeight, 2);
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            const int dx = x - 330;
            const int dy = y - 170;
            if (dx * dx + dy * dy <= 200 * 200) std::memset(image.row(y) + 3 * x, 150, 3);
        }
    }
    PresetSettings settings;
    settings.preset = Preset::kEyeq;
    settings.output_size = 0;
    Image out;
    PresetGeometry geometry;
    REQUIRE(apply_preset(image.view(), settings, Allocator(), &out, &geometry) == Status::kOk);
    CHECK_FALSE(geometry.found_nothing_lit);
    CHECK(out.width == out.height);
    CHECK(geometry.width == doctest::Approx(401.0).epsilon(0.015));
    CHECK(geometry.x + geometry.width / 2 == doctest::Approx(330.5).epsilon(0.01));
    CHECK(geometry.y + geometry.height / 2 == doctest::Approx(170.5).epsilon(0.02));
    CHECK(geometry.y < 0.0);
    CHECK(out.row(out.height / 2)[3 * (out.width / 2)] == 150);
    CHECK(out.row(5)[3 * (out.width / 2)] == 0);  // above the photo
    CHECK(out.row(out.height / 5)[3 * 10] == 0);  // a corner of the square
    settings.output_size = 96;
    REQUIRE(apply_preset(image.view(), settings, Allocator(), &out, &geometry) == Status::kOk);
    CHECK(out.width == 96);
    CHECK(out.height == 96);
}

TEST_CASE("the smallest pictures go through every preset") {
    for (const auto& [width, height] : {std::pair(1, 1), {1, 50}, {50, 1}, {2, 3}}) {
        for (const std::uint8_t value : {0, 200}) {
            const Image image = fill(width, height, value);
            for (const Preset preset : kAllPresets) {
                for (const bool pad : {false, true}) {
                    PresetSettings settings = small_settings(preset);
                    settings.pad_square = pad;
                    Image out;
                    REQUIRE(apply_preset(image.view(), settings, Allocator(), &out, nullptr) ==
                            Status::kOk);
                    CHECK(out.width == 24);
                    CHECK(out.height == 24);
                }
            }
        }
    }
}

TEST_CASE("the geometry is the part of the source that is shown") {
    Image image = fill(100, 80, 0);
    for (int y = 10; y < 70; ++y) std::memset(image.row(y) + 3 * 20, 200, 3 * 40);
    Image out;
    PresetGeometry geometry;
    PresetSettings settings = small_settings(Preset::kKaggleBenColor);
    REQUIRE(apply_preset(image.view(), settings, Allocator(), &out, &geometry) == Status::kOk);
    CHECK(geometry.x == 20.0);
    CHECK(geometry.y == 10.0);
    CHECK(geometry.width == 40.0);
    CHECK(geometry.height == 60.0);
    settings.pad_square = true;
    REQUIRE(apply_preset(image.view(), settings, Allocator(), &out, &geometry) == Status::kOk);
    CHECK(geometry.x == 10.0);
    CHECK(geometry.y == 10.0);
    CHECK(geometry.width == 60.0);
    CHECK(geometry.height == 60.0);
    settings = small_settings(Preset::kGraham2015);
    REQUIRE(apply_preset(image.view(), settings, Allocator(), &out, &geometry) == Status::kOk);
    CHECK(geometry.x == 0.0);
    CHECK(geometry.width == doctest::Approx(100.0));
    CHECK(geometry.height == doctest::Approx(80.0));
}

TEST_CASE("size 0 keeps the native size where the preset has one") {
    const Image image = draw(kPictures[0]);
    for (const Preset preset : kAllPresets) {
        PresetSettings settings = small_settings(preset);
        settings.output_size = 0;
        Image out;
        const Status status = apply_preset(image.view(), settings, Allocator(), &out, nullptr);
        const bool has_own_size = preset != Preset::kNone && preset != Preset::kKaggleBenColor;
        CHECK(status == (has_own_size ? Status::kOk : Status::kInvalidArgument));
        if (preset == Preset::kGraham2015) CHECK(out.width == 63);  // 96 * 20 / 30.5
    }
}

TEST_CASE("settings out of range are refused") {
    const Image image = fill(8, 8, 100);
    Image out;
    const auto status_of = [&](auto change) {
        PresetSettings settings;
        settings.output_size = 16;
        change(settings);
        return apply_preset(image.view(), settings, Allocator(), &out, nullptr);
    };
    CHECK(status_of([](PresetSettings&) {}) == Status::kOk);
    const Status invalid = Status::kInvalidArgument;
    CHECK(status_of([](PresetSettings& s) { s.preset = static_cast<Preset>(6); }) == invalid);
    CHECK(status_of([](PresetSettings& s) { s.output_size = -1; }) == invalid);
    CHECK(status_of([](PresetSettings& s) { s.output_size = 16385; }) == invalid);
    CHECK(status_of([](PresetSettings& s) { s.sigma = -1.0; }) == invalid);
    CHECK(status_of([](PresetSettings& s) { s.sigma = 257.0; }) == invalid);
    CHECK(status_of([](PresetSettings& s) { s.sigma = 0.0 / 0.0; }) == invalid);
    CHECK(status_of([](PresetSettings& s) { s.tolerance = 256; }) == invalid);
    CHECK(status_of([](PresetSettings& s) { s.resize = static_cast<ResizeMethod>(2); }) == invalid);
    ImageView view = image.view();
    view.stride = 23;
    CHECK(apply_preset(view, PresetSettings(), Allocator(), &out, nullptr) == invalid);
    CHECK(apply_preset({}, PresetSettings(), Allocator(), &out, nullptr) == invalid);
}

TEST_CASE("a radius that would blow the picture up is refused, not tried") {
    Image image = fill(2000, 3, 0);
    image.row(1)[3 * 700] = 255;  // one lit pixel: radius 0.5, factor 600
    Image out;
    PresetSettings settings;
    settings.preset = Preset::kGraham2015;
    CHECK(apply_preset(image.view(), settings, Allocator(), &out, nullptr) ==
          Status::kImageTooLarge);
}

TEST_CASE("no preset makes more of a photo than the limits allow") {
    struct Size {
        int width, height;
    };
    for (const Size size : {Size{1000, 1000}, {4096, 1}, {1, 4096}, {4096, 200}, {150, 150}}) {
        for (const bool is_lit : {false, true}) {
            Image image = fill(size.width, size.height, 0);
            // One lit pixel; where it is the middle row's, graham2015 takes it for the disc.
            if (is_lit) image.row(size.height / 2)[3 * (size.width / 3) + 1] = 255;
            for (const Preset preset : kAllPresets) {
                for (const bool pad_square : {false, true}) {
                    INFO(preset_name(preset), " of ", size.width, " x ", size.height);
                    PresetSettings settings = small_settings(preset);
                    settings.pad_square = pad_square;
                    settings.max_side = 4096;
                    settings.max_pixels = 1 << 20;
                    settings.graham_scale = 300;
                    CountingAllocator counter;
                    Image out;
                    const Status status =
                        apply_preset(image.view(), settings, counter.allocator(), &out, nullptr);
                    CHECK((status == Status::kOk || status == Status::kImageTooLarge));
                    // Two pictures, the rows that the blur holds, lists of rows and columns.
                    CHECK(counter.peak_bytes < std::size_t{3} * (1 << 20) * 2 + (4 << 20));
                }
            }
        }
    }
}

TEST_CASE("graham2015 enlarges a small disc, but not from next to nothing") {
    for (const int lit : {13, 12}) {
        Image image = fill(100, 100, 0);
        for (int x = 40; x < 40 + lit; ++x) image.row(50)[3 * x] = 255;
        Image out;
        PresetSettings settings;
        settings.preset = Preset::kGraham2015;
        settings.graham_scale = 30;  // 100 * 30 / 6.5 = 462 pixels; 500 are more than 16 * 30
        CHECK(apply_preset(image.view(), settings, Allocator(), &out, nullptr) ==
              (lit == 13 ? Status::kOk : Status::kImageTooLarge));
    }
}

TEST_CASE("any allocation may fail") {
    const Image image = draw(kPictures[2]);
    for (const Preset preset : kAllPresets) {
        for (const ResizeMethod method : {ResizeMethod::kLinear, ResizeMethod::kArea}) {
            PresetSettings settings = small_settings(preset);
            settings.pad_square = true;
            settings.resize = method;
            CountingAllocator all;
            {
                Image out;
                REQUIRE(apply_preset(image.view(), settings, all.allocator(), &out, nullptr) ==
                        Status::kOk);
            }
            CHECK(all.live() == 0);
            REQUIRE(all.count > 0);
            for (int k = 0; k < all.count; ++k) {
                CountingAllocator counter;
                counter.refuse_at = k;
                Image out;
                CHECK(apply_preset(image.view(), settings, counter.allocator(), &out, nullptr) ==
                      Status::kOutOfMemory);
                CHECK(counter.live() == 0);
                CHECK(counter.unknown_releases == 0);
            }
        }
    }
}

TEST_CASE("the names are those of the model file's presets") {
    CHECK(std::string(preset_name(Preset::kNone)) == "none");
    CHECK(std::string(preset_name(Preset::kEyeq)) == "eyeq");
    CHECK(preset_name(static_cast<Preset>(6)) == nullptr);
}
