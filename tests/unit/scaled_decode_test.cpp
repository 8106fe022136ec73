// SPDX-License-Identifier: Apache-2.0
// On seeds of decode_fuzz (FOVEA_CORPUS, set by the build). What the pixels must be: tests/python/test_scaled_decoding.py.
#include "preprocess/scaled_decode.h"

#include <doctest/doctest.h>

#include "preprocess/decode.h"
#include "preprocess/quality.h"
#include "tests/unit/decode_seed.h"

using namespace fovea;
using namespace fovea::preprocess;

namespace {

PresetSettings settings_for(int size, int times) {
    PresetSettings settings;
    settings.preset = Preset::kNone;
    settings.resize = ResizeMethod::kArea;
    settings.output_size = size;
    settings.scaled_decoding = times;
    return settings;
}

Status decode(const Bytes& file, const PresetSettings& settings, int least_longer, Photo* photo, const DecodeLimits& limits = {},
              const Allocator& allocator = Allocator()) {
    const char* detail = nullptr;
    *photo = Photo(allocator);
    return decode_for_preset(file.data(), file.size(), limits, settings, least_longer, allocator, photo, nullptr, &detail);
}

struct Cancelling {
    int calls_left;
    static int ask(void* cookie) { return static_cast<Cancelling*>(cookie)->calls_left-- <= 0 ? 1 : 0; }
};

}  // namespace

TEST_CASE("the smallest scale that leaves enough") {
    const Bytes file = read_seed("baseline_420.jpg");  // 18 x 13
    struct Case {
        int size, times, longer, width, height;
    };
    for (const Case& c : {Case{2, 0, 0, 18, 13}, Case{1, 2, 0, 3, 2}, Case{1, 3, 0, 5, 4}, Case{2, 2, 0, 5, 4}, Case{2, 2, 5, 5, 4},
                          Case{2, 2, 6, 9, 7}, Case{2, 3, 0, 9, 7}, Case{3, 2, 10, 18, 13}, Case{4, 2, 0, 18, 13}}) {
        CAPTURE(c.size);
        CAPTURE(c.times);
        Photo photo;
        REQUIRE(decode(file, settings_for(c.size, c.times), c.longer, &photo) == Status::kOk);
        CHECK(photo.image.width == c.width);
        CHECK(photo.image.height == c.height);
        CHECK(photo.width == 18);
        CHECK(photo.height == 13);
        CHECK(photo.is_full_size() == (c.width == 18));
    }
}

TEST_CASE("sides are those of the upright photo") {
    Photo photo;
    REQUIRE(decode(read_seed("baseline_422_exif6.jpg"), settings_for(2, 2), 0, &photo) == Status::kOk);
    CHECK(photo.width == 13);
    CHECK(photo.height == 18);
    CHECK(photo.image.width == 4);
    CHECK(photo.image.height == 5);
}

TEST_CASE("a PNG is decoded as it is") {
    Photo photo;
    REQUIRE(decode(read_seed("rgb.png"), settings_for(1, 2), 0, &photo) == Status::kOk);
    CHECK(photo.is_full_size());
}

TEST_CASE("what is cut out decides, and the file may be read again") {
    const Bytes file = read_seed("baseline_444.jpg");  // 18 x 13, a disc of some 12 pixels
    PresetSettings settings = settings_for(2, 2);
    settings.preset = Preset::kKaggleBenColor;
    settings.tolerance = 100;
    Image whole;
    REQUIRE(decode_image(file.data(), file.size(), {}, {}, &whole, nullptr) == Status::kOk);
    int cut = 0;
    REQUIRE(measure_cut(whole.view(), settings, {}, &cut) == Status::kOk);
    CHECK(cut < 13);
    Photo photo;
    REQUIRE(decode(file, settings, 0, &photo) == Status::kOk);
    REQUIRE(measure_cut(photo.image.view(), settings, {}, &cut) == Status::kOk);
    CHECK(cut >= 4);
    // Nothing is that bright: the frame is what is cut out.
    settings.tolerance = 255;
    REQUIRE(decode(file, settings, 0, &photo) == Status::kOk);
    CHECK(photo.image.height == 4);
}

TEST_CASE("limits hold, and the decoding can be stopped at any time") {
    const PresetSettings settings = settings_for(2, 2);
    for (const char* name : {"baseline_420.jpg", "progressive_420.jpg", "restart_420.jpg"}) {
        const Bytes file = read_seed(name);
        Photo photo;
        DecodeLimits limits;
        limits.max_side = 17;  // of the photo, not of what is made of it
        CHECK(decode(file, settings, 0, &photo, limits) == Status::kImageTooLarge);
        limits = {};
        limits.max_pixels = 18 * 13 - 1;
        CHECK(decode(file, settings, 0, &photo, limits) == Status::kImageTooLarge);
        limits = {};
        limits.max_bytes = 100;
        CHECK(decode(file, settings, 0, &photo, limits) == Status::kImageTooLarge);
        int refused = 0;
        for (;; ++refused) {
            Cancelling cancelling{refused};
            limits = {};
            limits.cancel.function = &Cancelling::ask;
            limits.cancel.cookie = &cancelling;
            const Status status = decode(file, settings, 0, &photo, limits);
            if (status == Status::kOk) break;
            REQUIRE(status == Status::kCancelled);
        }
        CHECK(refused > 0);
    }
}

TEST_CASE("a damaged file is refused at every scale") {
    const Bytes file = read_seed("restart_420.jpg");
    for (std::size_t size = 2; size + 2 < file.size(); ++size) {
        const Bytes shorter(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(size));
        Photo photo;
        const Status whole = decode(shorter, settings_for(1, 0), 0, &photo);
        CHECK(decode(shorter, settings_for(1, 2), 0, &photo) == whole);
        CHECK(decode(shorter, settings_for(1, 4), 0, &photo) == whole);
    }
}

TEST_CASE("presets that filter at full size take no scale") {
    Image picture;
    REQUIRE(picture.allocate(40, 30));
    for (std::uint8_t& value : picture.pixels) value = 90;
    PresetSettings settings = settings_for(8, 2);
    Image out;
    for (const Preset preset : {Preset::kNone, Preset::kKaggleBenColor, Preset::kKaggleCircle, Preset::kKaggleCircleV2,
                                Preset::kGraham2015, Preset::kEyeq}) {
        settings.preset = preset;
        for (const ResizeMethod resize : {ResizeMethod::kArea, ResizeMethod::kLinear}) {
            settings.resize = resize;
            const bool may = may_decode_scaled(preset, resize);
            CHECK((apply_preset(picture.view(), settings, {}, &out, nullptr) == Status::kOk) == may);
        }
    }
    settings = settings_for(8, 1);
    CHECK(apply_preset(picture.view(), settings, {}, &out, nullptr) == Status::kInvalidArgument);
    settings = settings_for(8, kMaxScaledDecoding + 1);
    CHECK(apply_preset(picture.view(), settings, {}, &out, nullptr) == Status::kInvalidArgument);
}

TEST_CASE("quality tells lengths of the photo itself") {
    Photo photo;
    REQUIRE(photo.image.allocate(300, 200));
    for (int y = 0; y < 200; ++y) {
        for (int x = 0; x < 300; ++x) {
            const int dx = x - 150, dy = y - 100;
            std::uint8_t* p = photo.image.row(y) + 3 * x;
            const bool lit = dx * dx + dy * dy < 90 * 90;
            p[0] = lit ? 180 : 2;
            p[1] = lit ? 100 : 2;
            p[2] = lit ? 50 : 2;
        }
    }
    photo.width = 300;
    photo.height = 200;
    QualityReport whole, scaled;
    REQUIRE(assess_quality(photo, {}, &whole) == Status::kOk);
    photo.width = 1200;
    photo.height = 800;
    REQUIRE(assess_quality(photo, {}, &scaled) == Status::kOk);
    CHECK(scaled.checks[kDiscDiameter].value == doctest::Approx(4 * whole.checks[kDiscDiameter].value));
    CHECK(scaled.disc.radius_x == doctest::Approx(4 * whole.disc.radius_x));
    for (const int check : {kBrightness, kSharpness, kClarity, kDiscVisible}) {
        CHECK(scaled.checks[check].value == whole.checks[check].value);
    }
}
