// SPDX-License-Identifier: Apache-2.0
#include "preprocess/surroundings.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "picture_defects.h"
#include "synthetic_fundus.h"

using namespace fovea::preprocess;

namespace {

struct Found {
    Disc disc;
    std::vector<std::uint8_t> component;
    Surroundings surroundings;
};

Found find(const synthetic::Picture& picture) {
    Found found;
    found.component.resize(static_cast<std::size_t>(picture.width * picture.height));
    REQUIRE(fit_disc(picture.view(), fovea::Allocator{}, &found.disc, found.component.data()) ==
            Status::kOk);
    REQUIRE(measure_surroundings(picture.view(), found.disc, found.component.data(),
                                 fovea::Allocator{}, &found.surroundings) == Status::kOk);
    return found;
}

StraightEdges edges_of(const synthetic::Picture& picture) {
    std::vector<std::uint8_t> green;
    for (std::size_t i = 0; i < picture.pixels.size(); i += 3)
        green.push_back(picture.pixels[i + 1]);
    const std::vector<std::uint8_t> lit(16, 1);
    StraightEdges edges;
    REQUIRE(measure_straight_edges(green.data(), picture.width, picture.height, lit.data(), 4, 4,
                                   fovea::Allocator{}, &edges) == Status::kOk);
    return edges;
}

synthetic::Picture disc(int width, int height, int center_x, int radius) {
    synthetic::Picture picture(width, height);
    for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
            const int u = x - center_x, v = y - height / 2;
            if (u * u + v * v <= radius * radius) picture.at(x, y)[0] = picture.at(x, y)[1] = 150;
        }
    }
    return picture;
}

}  // namespace

TEST_CASE("one disc explains all light, cut by the frame or not") {
    for (const int radius : {60, 80, 95}) {
        const Surroundings s = find(disc(200, 160, 100, radius)).surroundings;
        CHECK(s.lit == 0);
        CHECK(s.other == 0);
        CHECK(s.concavity >= 0);
        CHECK(s.concavity < 0.02f);
    }
}

TEST_CASE("a second disc counts by its area") {
    for (const int radius : {10, 20, 40}) {
        synthetic::Picture picture = disc(250, 160, 70, 60);
        defects::paste(disc(250, 160, 190, radius), 0, 0, &picture);
        const Surroundings s = find(picture).surroundings;
        CHECK(s.other == doctest::Approx(radius * radius / 3600.0).epsilon(0.1));
        CHECK(s.lit == s.other);
    }
}

TEST_CASE("a line of text is light, but no second disc") {
    synthetic::Picture picture = disc(250, 160, 70, 60);
    for (int y = 140; y < 147; ++y) {
        for (int x = 150; x < 240; ++x) std::memset(picture.at(x, y), 200, 3);
    }
    const Surroundings s = find(picture).surroundings;
    CHECK(s.other == 0);
    CHECK(s.lit == doctest::Approx(7 * 90 / (3.1416 * 3600)).epsilon(0.05));
}

TEST_CASE("two discs that touch leave notches in their hull") {
    for (const int distance : {90, 105, 119}) {
        synthetic::Picture picture = disc(260, 140, 70, 60);
        defects::paste(disc(260, 140, 70 + distance, 60), 0, 0, &picture);
        // Two circles of radius r: hull 4 r^2 ... minus what both circles cover.
        const double r = 60, half = distance / 2.0;
        const double pi = 3.14159265358979;
        const double lens =
            2 * r * r * std::acos(half / r) - 2 * half * std::sqrt(r * r - half * half);
        const double hull = pi * r * r + 2 * r * distance;
        const double expected = 1 - (2 * pi * r * r - lens) / hull;
        CHECK(find(picture).surroundings.concavity == doctest::Approx(expected).epsilon(0.25));
        CHECK(find(picture).surroundings.concavity > 0.032f);
    }
}

TEST_CASE("a border is a seam, and an enlargement is blocks") {
    synthetic::Picture grain(160, 160);
    synthetic::Noise noise;
    for (std::uint8_t& value : grain.pixels)
        value = static_cast<std::uint8_t>(60 + noise.next() / 4);
    const StraightEdges plain = edges_of(grain);
    CHECK(plain.seam < 1.5f);
    CHECK(plain.blocks < 1.5f);

    synthetic::Picture halves = grain;
    for (int y = 0; y < 160; ++y) {
        for (int x = 80; x < 160; ++x)
            halves.at(x, y)[1] = static_cast<std::uint8_t>(halves.at(x, y)[1] + 130);
    }
    CHECK(edges_of(halves).seam > 5);
    for (const int n : {3, 5, 8}) {
        INFO(n);
        CHECK(edges_of(defects::enlarged(defects::shrunk(grain, n), n)).blocks > 3.2f);
    }
}

TEST_CASE("a seam is as strong in a high picture") {
    // More rows, each of the largest step there is, than 16 bits of sums hold.
    const auto seam_of = [](int height) {
        synthetic::Picture picture = synthetic::flat(64, height, 0, 0, 0);
        for (int y = 0; y < height; ++y) std::fill_n(picture.at(40, y), 3 * 24, std::uint8_t{255});
        return edges_of(picture);
    };
    const StraightEdges low = seam_of(100);
    CHECK(low.seam == doctest::Approx(255 / 0.5));
    for (const int height : {256, 257, 258, 512, 513, 1100}) {
        CHECK(seam_of(height).seam == low.seam);
        CHECK(seam_of(height).blocks == low.blocks);
    }
}

TEST_CASE("pictures of any shape are measured") {
    for (const int width : {1, 2, 17, 200}) {
        for (const int height : {1, 3, 19}) {
            const synthetic::Picture picture = synthetic::flat(width, height, 120, 80, 30);
            const Surroundings s = find(picture).surroundings;
            CHECK(s.lit == 0);
            CHECK(edges_of(picture).seam <= 1);
        }
    }
}
