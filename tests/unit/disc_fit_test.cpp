// SPDX-License-Identifier: Apache-2.0
#include "preprocess/disc_fit.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "synthetic_fundus.h"

using namespace fovea::preprocess;

namespace {

struct Fit {
    Disc disc;
    std::vector<std::uint8_t> lit;
};

Fit fit(const synthetic::Picture& picture) {
    Fit result;
    result.lit.assign(static_cast<std::size_t>(picture.width * picture.height), 7);
    REQUIRE(fit_disc(picture.view(), fovea::Allocator{}, &result.disc, result.lit.data()) ==
            Status::kOk);
    return result;
}

void check_disc(const Disc& disc, double x, double y, double radius_x, double radius_y) {
    REQUIRE(disc.found);
    CHECK(disc.center_x == doctest::Approx(x).epsilon(0.01));
    CHECK(disc.center_y == doctest::Approx(y).epsilon(0.01));
    CHECK(disc.radius_x == doctest::Approx(radius_x).epsilon(0.015));
    CHECK(disc.radius_y == doctest::Approx(radius_y).epsilon(0.015));
    CHECK(disc.residual < 0.02);
}

}  // namespace

TEST_CASE("a whole disc") {
    const Fit result = fit(synthetic::fundus({256, 192, 130, 95, 80, 80}));
    check_disc(result.disc, 130, 95, 80, 80);
    CHECK(result.disc.visible_arc == 1.0f);
    CHECK(result.disc.visible_area == doctest::Approx(1));
    CHECK(result.lit[95 * 256 + 130] == 1);
    CHECK(result.lit[3] == 0);
}

TEST_CASE("a disc that the frame cuts on two sides") {
    const Fit result = fit(synthetic::fundus({256, 170, 128, 85, 100, 100}));
    check_disc(result.disc, 128, 85, 100, 100);
    // asin(0.85) / 90 degrees of the edge, and that circle's area without two segments.
    CHECK(result.disc.visible_arc == doctest::Approx(0.647).epsilon(0.05));
    CHECK(result.disc.visible_area == doctest::Approx(0.932).epsilon(0.01));
}

TEST_CASE("half a disc keeps its radius") {
    const synthetic::Picture whole = synthetic::fundus({256, 256, 128, 128, 110, 110});
    SUBCASE("left") {
        const Fit result = fit(synthetic::cut(whole, 0, 0, 128, 256));
        check_disc(result.disc, 128, 128, 110, 110);
        CHECK(result.disc.visible_area == doctest::Approx(0.5).epsilon(0.03));
    }
    SUBCASE("right") {
        const Fit result = fit(synthetic::cut(whole, 128, 0, 128, 256));
        REQUIRE(result.disc.found);
        CHECK(result.disc.center_x == doctest::Approx(0).epsilon(2));
        CHECK(result.disc.radius_x == doctest::Approx(110).epsilon(0.02));
    }
}

TEST_CASE("a squeezed disc is an ellipse") {
    check_disc(fit(synthetic::fundus({224, 224, 112, 110, 75, 100})).disc, 112, 110, 75, 100);
}

TEST_CASE("what is stuck on the ground or on the disc does not move it") {
    synthetic::Picture picture = synthetic::fundus({256, 192, 130, 95, 80, 80});
    const auto fill = [&](int left, int top, int width, int height, int value) {
        for (int y = top; y < top + height; ++y) {
            for (int x = left; x < left + width; ++x) {
                for (int c = 0; c < 3; ++c) {
                    picture.at(x, y)[c] = static_cast<std::uint8_t>(value);
                }
            }
        }
    };
    SUBCASE("a caption") {
        fill(2, 2, 40, 14, 230);
    }
    SUBCASE("a notch") {
        fill(206, 85, 10, 14, 120);
    }
    SUBCASE("a dark lash") {
        fill(120, 10, 6, 40, 0);
    }
    check_disc(fit(picture).disc, 130, 95, 80, 80);
}

TEST_CASE("no disc") {
    synthetic::Picture picture(200, 150);
    SUBCASE("black") {}
    SUBCASE("lit to the frame") {
        picture = synthetic::flat(200, 150, 180, 90, 40);
    }
    SUBCASE("one pixel") {
        picture = synthetic::flat(1, 1, 180, 90, 40);
    }
    SUBCASE("one row") {
        picture = synthetic::flat(700, 1, 180, 90, 40);
    }
    const Fit result = fit(picture);
    CHECK_FALSE(result.disc.found);
    CHECK(result.disc.residual == 1.0f);
    CHECK(result.disc.center_x == doctest::Approx((picture.width - 1) / 2.0));
    CHECK(result.disc.radius_x > 0);
}

// The largest set of lit pixels that neighbour each other along a side, of equals the first one's, by a walk from pixel to pixel.
static std::vector<std::uint8_t> largest_piece(const synthetic::Picture& picture) {
    const int width = picture.width, height = picture.height;
    std::vector<std::uint8_t> seen(static_cast<std::size_t>(width * height));
    std::vector<int> best;
    for (int seed = 0; seed < width * height; ++seed) {
        std::vector<int> piece;
        const auto visit = [&](int x, int y) {
            if (x < 0 || y < 0 || x >= width || y >= height || *picture.at(x, y) == 0) return;
            std::uint8_t& mark = seen[static_cast<std::size_t>(y * width + x)];
            if (mark == 0) piece.push_back(y * width + x);
            mark = 1;
        };
        visit(seed % width, seed / width);
        for (std::size_t i = 0; i < piece.size(); ++i) {
            const int x = piece[i] % width, y = piece[i] / width;
            visit(x - 1, y);
            visit(x + 1, y);
            visit(x, y - 1);
            visit(x, y + 1);
        }
        if (piece.size() > best.size()) best = piece;
    }
    std::vector<std::uint8_t> marked(static_cast<std::size_t>(width * height));
    for (const int at : best) marked[static_cast<std::size_t>(at)] = 1;
    return marked;
}

TEST_CASE("the component is the largest piece of any shape") {
    synthetic::Noise noise;
    for (const int dark : {60, 100, 104, 110, 140}) {  // of 256: near 104 pieces are as tangled as can be
        CAPTURE(dark);
        synthetic::Picture picture(97, 83);
        for (int i = 0; i < picture.width * picture.height; ++i) {
            std::fill_n(picture.pixels.begin() + 3 * i, 3, static_cast<std::uint8_t>(noise.next() < dark ? 0 : 200));
        }
        CHECK(fit(picture).lit == largest_piece(picture));
    }
    // Two of the same size, and one that is joined last of all.
    synthetic::Picture picture(61, 40);
    const auto fill = [&](int left, int top, int right, int bottom) {
        for (int y = top; y < bottom; ++y) std::fill(picture.at(left, y), picture.at(right, y), std::uint8_t{200});
    };
    fill(2, 2, 12, 12);
    fill(20, 1, 30, 11);
    CHECK(fit(picture).lit == largest_piece(picture));
    fill(40, 10, 44, 30);
    fill(50, 10, 54, 30);
    fill(40, 30, 54, 31);
    CHECK(fit(picture).lit == largest_piece(picture));
}

TEST_CASE("sizes out of range are refused") {
    Disc disc;
    std::uint8_t byte = 0;
    ImageView view{&byte, 1025, 1, 3075};
    CHECK(fit_disc(view, fovea::Allocator{}, &disc, &byte) == Status::kInvalidArgument);
    view = {&byte, 0, 1, 3};
    CHECK(fit_disc(view, fovea::Allocator{}, &disc, &byte) == Status::kInvalidArgument);
}
