// SPDX-License-Identifier: Apache-2.0
#include "preprocess/quality.h"

#include <doctest/doctest.h>
#include <fenv.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "picture_defects.h"
#include "synthetic_fundus.h"

using namespace fovea::preprocess;

namespace {

QualityReport assess(const synthetic::Picture& picture) {
    QualityReport report;
    REQUIRE(assess_quality(picture.view(), fovea::Allocator{}, &report) == Status::kOk);
    for (const QualityCheck& check : report.checks) {
        INFO(check.name << " " << check.value);
        CHECK(std::isfinite(check.value));
        CHECK((check.advice[0] == '\0') == check.passed);
        const bool kept =
            check.limit_is_minimum ? check.value >= check.limit : check.value <= check.limit;
        CHECK(kept == check.passed);
    }
    return report;
}

// Gives `allowed` buffers, then none.
struct LimitedMemory {
    int allowed;
    int live = 0;

    fovea::Allocator allocator() { return {allocate, release, this}; }
    static void* allocate(void* cookie, std::size_t size, std::size_t alignment) {
        auto* self = static_cast<LimitedMemory*>(cookie);
        if (self->allowed-- <= 0) return nullptr;
        ++self->live;
        return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    }
    static void release(void* cookie, void* pointer) {
        --static_cast<LimitedMemory*>(cookie)->live;
        std::free(pointer);
    }
};

bool rejects(const QualityReport& report, QualityCheckIndex index) {
    const QualityCheck& check = report.checks[index];
    return !check.passed && check.failure_verdict == QualityVerdict::kReject;
}

}  // namespace

TEST_CASE("a sharp fundus photo is good and its disc is found") {
    const QualityReport report = assess(synthetic::fundus());
    for (const QualityCheck& check : report.checks) {
        INFO(check.name << " " << check.value << " limit " << check.limit);
        CHECK(check.passed);
    }
    CHECK(report.verdict == QualityVerdict::kGood);
    REQUIRE(report.disc.found);
    CHECK(report.disc.center_x == doctest::Approx(320).epsilon(0.005));
    CHECK(report.disc.center_y == doctest::Approx(240).epsilon(0.005));
    CHECK(report.disc.radius_x == doctest::Approx(225).epsilon(0.01));
    CHECK(report.disc.radius_y == doctest::Approx(225).epsilon(0.01));
}

TEST_CASE("the verdict does not depend on the photo's size or squeeze") {
    synthetic::FundusOptions options;
    SUBCASE("large") {
        options = {1400, 1050, 700, 525, 490, 490};
    }
    SUBCASE("small") {
        options = {224, 224, 112, 112, 108, 108};
    }
    SUBCASE("squeezed to a square") {
        options = {224, 224, 112, 112, 80, 106};
    }
    SUBCASE("cut at top and bottom") {
        options = {640, 400, 320, 200, 240, 240};
    }
    CHECK(assess(synthetic::fundus(options)).verdict == QualityVerdict::kGood);
}

TEST_CASE("a photo with few pixels is marked, not refused") {
    const QualityReport report = assess(synthetic::fundus({100, 100, 50, 50, 46, 46}));
    CHECK(report.verdict == QualityVerdict::kUsable);
    CHECK_FALSE(report.checks[kDiscDiameter].passed);
}

TEST_CASE("colours are judged where the disc is small in its frame, too") {
    for (const double part : {0.4, 0.3, 0.25}) {
        CAPTURE(part);
        const double radius = 600 * part;
        const synthetic::Picture photo = synthetic::fundus({1200, 900, 600, 450, radius, radius});
        const QualityReport report = assess(photo);
        for (const QualityCheckIndex i : {kColourOrder, kColourSpread, kColourDetail, kFineDetail}) {
            INFO(report.checks[i].name << " " << report.checks[i].value);
            CHECK(report.checks[i].passed);
        }
        CHECK(rejects(assess(defects::grey(photo)), kColourSpread));
        CHECK(rejects(assess(defects::with_colour_noise(defects::tinted(photo), 8)), kColourSpread));
    }
    // Too few blocks to tell.
    CHECK_FALSE(rejects(assess(synthetic::fundus({1200, 900, 600, 450, 30, 30})), kColourSpread));
}

TEST_CASE("an almost black picture is not told that its hue is wrong") {
    CHECK(assess(synthetic::flat(300, 200, 3, 3, 3)).checks[kColourOrder].passed);
    const QualityReport dark = assess(synthetic::relit(synthetic::fundus(), 0.05, 0));
    CHECK(dark.checks[kColourOrder].passed);
    CHECK(rejects(dark, kBrightness));
}

TEST_CASE("faults of a fundus photo are refused by the check that is meant to") {
    const synthetic::Picture photo = synthetic::fundus();
    SUBCASE("blurred") {
        const QualityReport report = assess(synthetic::blurred(photo, 7));
        CHECK(report.verdict == QualityVerdict::kReject);
        CHECK(rejects(report, kSharpness));
        CHECK(report.checks[kFundusLikeness].passed);
    }
    SUBCASE("dark") {
        const QualityReport report = assess(synthetic::relit(photo, 0.15, 0));
        CHECK(report.verdict == QualityVerdict::kReject);
        CHECK(rejects(report, kBrightness));
    }
    SUBCASE("over-exposed") {
        const QualityReport report = assess(synthetic::relit(photo, 2, 120));
        CHECK(report.verdict == QualityVerdict::kReject);
        CHECK(rejects(report, kOverexposed));
        CHECK_FALSE(report.checks[kClippedColour].passed);
    }
    SUBCASE("left half") {
        const QualityReport report = assess(synthetic::cut(photo, 0, 0, 320, 480));
        CHECK(report.verdict == QualityVerdict::kReject);
        CHECK(rejects(report, kDiscVisible));
        CHECK(report.checks[kDiscVisible].value == doctest::Approx(0.5).epsilon(0.05));
    }
    SUBCASE("lower half") {
        CHECK(rejects(assess(synthetic::cut(photo, 0, 240, 640, 240)), kDiscVisible));
    }
    SUBCASE("one side in the dark") {
        synthetic::Picture half = photo;
        for (int y = 0; y < half.height; ++y) {
            for (int x = 0; x < 230; ++x) {
                for (int c = 0; c < 3; ++c) half.at(x, y)[c] = half.at(x, y)[c] / 16;
            }
        }
        CHECK(assess(half).verdict != QualityVerdict::kGood);
    }
    SUBCASE("no structure") {
        synthetic::FundusOptions options;
        options.structure = false;
        CHECK(assess(synthetic::fundus(options)).verdict != QualityVerdict::kGood);
        CHECK(rejects(assess(synthetic::blurred(synthetic::fundus(options), 3)), kDetail));
    }
}

TEST_CASE("what only looks like a photo of one eye is refused by the check that says why") {
    const synthetic::Picture photo = synthetic::fundus();
    const auto check_refused = [](const synthetic::Picture& picture, QualityCheckIndex reason) {
        const QualityReport report = assess(picture);
        CHECK(report.verdict == QualityVerdict::kReject);
        CHECK(rejects(report, reason));
    };
    SUBCASE("two eyes") {
        check_refused(defects::beside(photo, photo, 10), kSingleDisc);
        check_refused(defects::stacked(photo, defects::shrunk(photo, 2), 0), kSingleDisc);
        const synthetic::Picture tight = defects::trimmed(photo);
        check_refused(defects::beside(tight, tight, 0), kDiscEdge);
        check_refused(defects::beside(tight, tight, -20), kSingleDisc);
    }
    SUBCASE("an inset") {
        check_refused(defects::with_inset(photo, 4), kSingleDisc);
    }
    SUBCASE("noise in the place of detail") {
        check_refused(defects::noisy(synthetic::blurred(photo, 7), 10), kGrain);
        synthetic::FundusOptions empty;
        empty.structure = false;
        check_refused(defects::noisy(synthetic::fundus(empty), 15), kGrain);
    }
    SUBCASE("few colours") {
        check_refused(defects::dithered(defects::grey(photo), 2), kColours);
        check_refused(defects::dithered(photo, 2), kColours);
        check_refused(defects::posterised(photo, 8), kColours);
        // Saved as JPEG, they are many colours round a few.
        check_refused(defects::noisy(defects::posterised(photo, 6), 1.5), kLevels);
    }
    SUBCASE("blocks") {
        check_refused(defects::enlarged(defects::shrunk(photo, 8), 8), kBlocks);
    }
    SUBCASE("enlarged") {
        check_refused(defects::enlarged(defects::shrunk(photo, 3), 3), kFineDetail);
        check_refused(defects::smoothly_enlarged(defects::shrunk(photo, 4), 4), kFineDetail);
    }
    SUBCASE("other colours") {
        check_refused(defects::grey(photo), kColourSpread);
        check_refused(defects::green_as_grey(photo), kColourSpread);
        check_refused(defects::red_and_blue_swapped(photo), kColourOrder);
        check_refused(defects::through_green_filter(photo), kColourOrder);
        check_refused(defects::negative(photo), kColourOrder);
        check_refused(defects::hue_turned(photo, 45), kColourOrder);
    }
    SUBCASE("colours that are none of the retina's") {
        check_refused(defects::with_blurred_colour(photo, 10), kColourDetail);
        check_refused(defects::with_colour_noise(defects::tinted(photo), 12), kColourSpread);
    }
    SUBCASE("in yellow light") {
        CHECK_FALSE(assess(defects::hue_turned(photo, 30)).checks[kColourOrder].passed);
    }
}

TEST_CASE("what every photo may suffer is let through") {
    const synthetic::Picture photo = synthetic::fundus();
    CHECK(assess(defects::noisy(photo, 4)).verdict == QualityVerdict::kGood);
    CHECK(assess(synthetic::relit(photo, 0.7, 0)).verdict != QualityVerdict::kReject);
    CHECK(assess(defects::mixed(photo, {{220, 0, 0}, {0, 256, 0}, {0, 0, 350}})).verdict !=
          QualityVerdict::kReject);
    // A caption beside the disc.
    synthetic::Picture captioned = photo;
    for (int y = 20; y < 32; ++y) {
        for (int x = 10; x < 90; x += 2) std::memset(captioned.at(x, y), 230, 3);
    }
    CHECK(assess(captioned).verdict == QualityVerdict::kGood);
}

TEST_CASE("what is not a fundus photo is refused as such") {
    synthetic::Picture picture(300, 200);
    SUBCASE("black") {}
    SUBCASE("white") {
        picture = synthetic::flat(300, 200, 255, 255, 255);
    }
    SUBCASE("orange") {
        picture = synthetic::flat(300, 200, 190, 95, 30);
    }
    SUBCASE("grey noise") {
        synthetic::Noise noise;
        for (std::size_t i = 0; i < picture.pixels.size(); i += 3) {
            picture.pixels[i] = picture.pixels[i + 1] = picture.pixels[i + 2] =
                static_cast<std::uint8_t>(noise.next());
        }
    }
    SUBCASE("a fundus in negative") {
        picture = synthetic::fundus();
        for (std::uint8_t& value : picture.pixels) value = static_cast<std::uint8_t>(255 - value);
    }
    SUBCASE("blue and green stripes") {
        for (int y = 0; y < picture.height; ++y) {
            for (int x = 0; x < picture.width; ++x) {
                picture.at(x, y)[y / 10 % 2 == 0 ? 1 : 2] = 200;
            }
        }
    }
    const QualityReport report = assess(picture);
    CHECK(report.verdict == QualityVerdict::kReject);
    CHECK(rejects(report, kFundusLikeness));
}

TEST_CASE("an orange square on black is refused") {
    synthetic::Picture picture(300, 200);
    for (int y = 30; y < 170; ++y) {
        for (int x = 80; x < 220; ++x) std::memcpy(picture.at(x, y), "\xbe\x5f\x1e", 3);
    }
    const QualityReport report = assess(picture);
    CHECK(report.verdict == QualityVerdict::kReject);
    CHECK(rejects(report, kDetail));
    CHECK_FALSE(report.checks[kDiscEdge].passed);
}

TEST_CASE("pictures of any shape are answered") {
    for (const int width : {1, 2, 3, 5, 17, 2000}) {
        for (const int height : {1, 2, 3, 700}) {
            const QualityReport report = assess(synthetic::flat(width, height, 180, 90, 30));
            CHECK(report.verdict == QualityVerdict::kReject);
        }
    }
}

#if defined(__GLIBC__) && (defined(__x86_64__) || defined(__i386__))
// A host may have made an invalid operation, a division by zero or an overflow a signal that ends
// the process: none may happen, whatever the picture. (ARM cores need not be able to trap.)
TEST_CASE("a host that traps floating-point exceptions gets an answer") {
    synthetic::FundusOptions small_disc, squeezed;
    small_disc.radius_x = small_disc.radius_y = 40;
    squeezed.radius_x = 80;
    const synthetic::Picture pictures[] = {
        synthetic::fundus(),
        synthetic::fundus(small_disc),
        synthetic::fundus(squeezed),
        synthetic::cut(synthetic::fundus(), 300, 200, 300, 200),
        synthetic::relit(synthetic::fundus(), 0.02, 0),
        synthetic::flat(300, 200, 0, 0, 0),
        synthetic::flat(300, 200, 255, 255, 255),
        synthetic::flat(1, 1, 180, 90, 30),
        synthetic::flat(2, 700, 180, 90, 30),
        synthetic::flat(2000, 1, 180, 90, 30),
        synthetic::flat(3, 3, 0, 0, 0),
        defects::noisy(synthetic::fundus(), 20),
        defects::dithered(defects::grey(synthetic::fundus()), 2),
        defects::beside(synthetic::fundus(), synthetic::fundus(), 10),
        defects::enlarged(defects::shrunk(synthetic::fundus(), 20), 20),
    };
    for (const synthetic::Picture& picture : pictures) {
        QualityReport report;
        fenv_t before;
        fegetenv(&before);
        feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
        const Status status = assess_quality(picture.view(), fovea::Allocator{}, &report);
        fesetenv(&before);
        CHECK(status == Status::kOk);
    }
}
#endif

TEST_CASE("values are the same to the bit on every machine") {
    // Drawn in integers alone.
    synthetic::Picture picture(700, 500);
    synthetic::Noise noise;
    for (int y = 0; y < picture.height; ++y) {
        for (int x = 0; x < picture.width; ++x) {
            const int u = x - 350, v = y - 250, distance = u * u + v * v;
            const int grain = noise.next() / 32 - 4;
            if (distance > 230 * 230) continue;
            int vessel = 0;
            for (const int bend : {-4, -3, -2, -1, 1, 2, 3, 4}) {
                if (std::abs(v * 60 - bend * (u * u / 12 + 1500)) < 200) vessel = 25;
            }
            picture.at(x, y)[0] = static_cast<std::uint8_t>(170 - distance / 900 + grain);
            picture.at(x, y)[1] = static_cast<std::uint8_t>(95 - distance / 1200 - vessel + grain);
            picture.at(x, y)[2] = static_cast<std::uint8_t>(30 + grain);
        }
    }
    const QualityReport report = assess(picture);
    CHECK(report.verdict == QualityVerdict::kGood);
    constexpr float kExpected[kQualityCheckCount] = {
        0x1.5cc1eap+3f, 0x1.5f59c4p-9f, 1, 0x1.21c6a4p+6f,
        0, 0, 0, 0x1.e409bcp-4f,
        0x1.275dfap+0f, 0x1.224adp-5f, 0x1.cb27b4p+8f, 0,
        0x1.633c7p+0f, 0x1.3d25a6p+0f, 1241, 0x1.1881dcp-2f,
        0x1.ec1d06p+0f, 0x1.b4c9acp-6f, 0x1.e0a87ep-5f, 0x1.1b1f5ap+3f, 0x1.43d1p-2f,
        0x1.6fec0ep-1f, 0x1.fdf62cp-1f};
    for (int i = 0; i < kQualityCheckCount; ++i) {
        INFO(report.checks[i].name);
        CHECK(report.checks[i].value == kExpected[i]);
    }
}

TEST_CASE("rows may be further apart than they are wide") {
    const synthetic::Picture photo = synthetic::fundus();
    const std::ptrdiff_t stride = 3 * photo.width + 29;
    std::vector<std::uint8_t> padded(static_cast<std::size_t>(stride * photo.height), 255);
    for (int y = 0; y < photo.height; ++y) {
        std::memcpy(padded.data() + y * stride, photo.at(0, y),
                    3 * static_cast<std::size_t>(photo.width));
    }
    QualityReport report;
    REQUIRE(assess_quality(ImageView{padded.data(), photo.width, photo.height, stride}, fovea::Allocator{},
                           &report) == Status::kOk);
    const QualityReport expected = assess(photo);
    for (int i = 0; i < kQualityCheckCount; ++i) {
        CHECK(report.checks[i].value == expected.checks[i].value);
    }
}

TEST_CASE("every allocation may fail, and nothing is left behind") {
    const synthetic::Picture photo = synthetic::fundus({300, 200, 150, 100, 90, 90});
    for (int allowed = 0;; ++allowed) {
        LimitedMemory memory{allowed};
        QualityReport report;
        const Status status = assess_quality(photo.view(), memory.allocator(), &report);
        CHECK(memory.live == 0);
        if (status == Status::kOk) {
            CHECK(allowed > 5);
            break;
        }
        CHECK(status == Status::kOutOfMemory);
        REQUIRE(allowed < 100);
    }
}

TEST_CASE("an empty view is refused") {
    QualityReport report;
    CHECK(assess_quality(ImageView{}, fovea::Allocator{}, &report) == Status::kInvalidArgument);
}
