// SPDX-License-Identifier: Apache-2.0
#include "preprocess/thumbnail.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "synthetic_fundus.h"

using namespace fovea::preprocess;

namespace {

Image shrink(const synthetic::Picture& picture, int side) {
    Image result{fovea::Allocator{}};
    REQUIRE(make_thumbnail(picture.view(), side, fovea::Allocator{}, &result) == Status::kOk);
    return result;
}

// The exact area mean in double.
double area_mean(const synthetic::Picture& source, int width, int height, int x, int y,
                 int channel) {
    const auto overlap = [](double a, double b, double c, double d) {
        return std::max(0.0, std::min(b, d) - std::max(a, c));
    };
    const double scale_x = double(source.width) / width, scale_y = double(source.height) / height;
    double sum = 0;
    for (int j = 0; j < source.height; ++j) {
        const double weight_y = overlap(y * scale_y, (y + 1) * scale_y, j, j + 1);
        if (weight_y == 0) continue;
        for (int i = 0; i < source.width; ++i) {
            sum += weight_y * overlap(x * scale_x, (x + 1) * scale_x, i, i + 1) *
                   source.at(i, j)[channel];
        }
    }
    return sum / (scale_x * scale_y);
}

}  // namespace

TEST_CASE("a small picture is copied") {
    const synthetic::Picture picture = synthetic::fundus({30, 20, 15, 10, 9, 9});
    const Image result = shrink(picture, 30);
    REQUIRE(result.width == 30);
    REQUIRE(result.height == 20);
    CHECK(std::equal(picture.pixels.begin(), picture.pixels.end(), result.pixels.begin()));
}

TEST_CASE("sizes keep their proportion and never vanish") {
    const Image wide = shrink(synthetic::flat(1000, 3, 1, 2, 3), 100);
    CHECK(wide.width == 100);
    CHECK(wide.height == 1);
    const Image tall = shrink(synthetic::flat(301, 602, 1, 2, 3), 100);
    CHECK(tall.width == 50);
    CHECK(tall.height == 100);
}

TEST_CASE("flat colours stay what they are") {
    for (const int side : {1, 7, 64, 99}) {
        const Image result = shrink(synthetic::flat(233, 101, 255, 1, 128), side);
        for (std::size_t i = 0; i < result.pixels.size(); i += 3) {
            CHECK(result.pixels[i] == 255);
            CHECK(result.pixels[i + 1] == 1);
            CHECK(result.pixels[i + 2] == 128);
        }
    }
}

TEST_CASE("pixels are area means") {
    synthetic::Picture picture(97, 61);
    synthetic::Noise noise;
    for (std::uint8_t& value : picture.pixels) value = static_cast<std::uint8_t>(noise.next());
    for (const int side : {1, 13, 48, 96}) {
        const Image result = shrink(picture, side);
        double worst = 0;
        for (int y = 0; y < result.height; ++y) {
            for (int x = 0; x < result.width; ++x) {
                for (int c = 0; c < 3; ++c) {
                    const double exact = area_mean(picture, result.width, result.height, x, y, c);
                    worst = std::max(worst, std::fabs(result.row(y)[3 * x + c] - exact));
                }
            }
        }
        // Half a level of rounding, and weights of 1/256 whose errors add up over a pixel's rows.
        CHECK(worst < 1.5);
    }
}

// The arithmetic that the header states, to the bit: shares of an output pixel that lie before a source pixel's ends, rounded.
static int exact_weight(int source, int output, int index, int position, int bits) {
    const auto before = [&](std::int64_t end) {
        const std::int64_t covered = std::clamp<std::int64_t>(end * output - std::int64_t{index} * source, 0, source);
        return (covered * (std::int64_t{1} << bits) * 2 + source) / (2 * std::int64_t{source});
    };
    return static_cast<int>(before(position + 1) - before(position));
}

TEST_CASE("pixels are the stated sums on every machine") {
    synthetic::Noise noise;
    for (const int source_width : {2, 5, 97, 200, 331}) {
        synthetic::Picture picture(source_width, 61);
        for (std::uint8_t& value : picture.pixels) {
            const int next = noise.next();
            value = static_cast<std::uint8_t>(next < 60 ? 0 : next > 190 ? 255 : next);
        }
        for (const int side : {1, 13, 48, 60, 96, 150}) {
            const Image result = shrink(picture, side);
            if (result.width == picture.width) continue;
            CAPTURE(source_width);
            CAPTURE(side);
            int wrong = 0;
            for (int i = 0; i < result.width * result.height * 3; ++i) {
                const int x = i / 3 % result.width, y = i / 3 / result.width;
                std::int64_t sum = 0;
                for (int row = 0; row < picture.height; ++row) {
                    const std::int64_t down = exact_weight(picture.height, result.height, y, row, 8);
                    if (down == 0) continue;
                    for (int column = 0; column < picture.width; ++column) {
                        sum += down * exact_weight(picture.width, result.width, x, column, 12) * picture.at(column, row)[i % 3];
                    }
                }
                wrong += result.pixels[static_cast<std::size_t>(i)] != (sum + (1 << 19)) >> 20;
            }
            CHECK(wrong == 0);
        }
    }
}

TEST_CASE("nonsense is refused") {
    Image result;
    CHECK(make_thumbnail(ImageView{}, 10, fovea::Allocator{}, &result) == Status::kInvalidArgument);
    CHECK(make_thumbnail(synthetic::flat(2, 2, 0, 0, 0).view(), 0, fovea::Allocator{}, &result) ==
          Status::kInvalidArgument);
}

// What a decoder's own means leave of the detail is not taken twice.
TEST_CASE("a reduced photo's thumbnail has the detail of the whole photo's") {
    constexpr int kSide = 1152, kScale = 4, kThumbnail = 128;
    fovea::preprocess::Photo whole, reduced;
    REQUIRE(whole.image.allocate(kSide, kSide));
    REQUIRE(reduced.image.allocate(kSide / kScale, kSide / kScale));
    whole.width = whole.height = reduced.width = reduced.height = kSide;
    for (int y = 0; y < kSide; ++y) {
        for (int x = 0; x < kSide; ++x) {
            const double value = 128 + 100 * std::sin(x / 5.1) * std::sin(y / 6.7);
            std::fill_n(whole.image.row(y) + 3 * x, 3, static_cast<std::uint8_t>(value + 0.5));
        }
    }
    for (int y = 0; y < reduced.image.height; ++y) {
        for (int x = 0; x < reduced.image.width; ++x) {
            unsigned sum = kScale * kScale / 2;
            for (int i = 0; i < kScale * kScale; ++i) {
                sum += whole.image.row(kScale * y + i / kScale)[3 * (kScale * x + i % kScale)];
            }
            std::fill_n(reduced.image.row(y) + 3 * x, 3, static_cast<std::uint8_t>(sum / (kScale * kScale)));
        }
    }
    const auto detail = [](const PhotoView& photo) {
        Image thumbnail{fovea::Allocator{}};
        REQUIRE(make_thumbnail(photo, kThumbnail, fovea::Allocator{}, &thumbnail) == Status::kOk);
        double sum = 0;
        for (int y = 0; y < kThumbnail; ++y) {
            for (int x = 1; x < kThumbnail; ++x) {
                const double step = thumbnail.row(y)[3 * x] - thumbnail.row(y)[3 * (x - 1)];
                sum += step * step;
            }
        }
        return sum;
    };
    const double expected = detail(whole);
    const double lost = 1 - detail(reduced) / expected, lost_by_both = 1 - detail(reduced.image.view()) / expected;
    CHECK(lost > 0);
    CHECK(lost < 0.65 * lost_by_both);
    // Flat colours stay what they are.
    for (std::uint8_t& value : reduced.image.pixels) value = 201;
    Image thumbnail{fovea::Allocator{}};
    for (const int side : {1, 7, 128, 200, 287}) {
        REQUIRE(make_thumbnail(reduced, side, fovea::Allocator{}, &thumbnail) == Status::kOk);
        CHECK(std::all_of(thumbnail.pixels.begin(), thumbnail.pixels.end(), [](std::uint8_t value) { return value == 201; }));
    }
}
