// SPDX-License-Identifier: Apache-2.0
#include "preprocess/inner_edges.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <vector>

#include "synthetic_fundus.h"

using namespace fovea::preprocess;

namespace {

constexpr int kWidth = 256, kHeight = 240, kRadius = 100;
constexpr double kPi = 3.14159265358979;

InnerEdges edges_of(const synthetic::Picture& picture) {
    std::vector<std::uint8_t> component(
        static_cast<std::size_t>(picture.width * picture.height));
    Disc disc;
    REQUIRE(fit_disc(picture.view(), fovea::Allocator{}, &disc, component.data()) == Status::kOk);
    InnerEdges edges;
    REQUIRE(measure_inner_edges(picture.view(), disc, component.data(), fovea::Allocator{},
                                &edges) == Status::kOk);
    return edges;
}

// What `inside` says is red and green by so much brighter than the disc, which darkens outwards.
template <typename Inside>
synthetic::Picture disc_with(const Inside& inside, int red, int green) {
    synthetic::Picture picture(kWidth, kHeight);
    synthetic::Noise noise;
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            const int u = x - kWidth / 2, v = y - kHeight / 2, distance = u * u + v * v;
            if (distance > kRadius * kRadius) continue;
            const int shade = distance / 300, grain = noise.next() / 64 - 2;
            const bool more = inside(x, y);
            picture.at(x, y)[0] = static_cast<std::uint8_t>(150 - shade + grain + (more ? red : 0));
            picture.at(x, y)[1] =
                static_cast<std::uint8_t>(110 - shade + grain + (more ? green : 0));
        }
    }
    return picture;
}

}  // namespace

TEST_CASE("a disc has no inner edges, not even where vessels cross it") {
    const InnerEdges plain = edges_of(disc_with([](int, int) { return false; }, 0, 0));
    const InnerEdges crossed = edges_of(disc_with(
        [](int x, int y) { return std::abs(x - 110) < 2 || std::abs(x + y - 200) < 2; }, -40, -40));
    for (int c = 0; c < 2; ++c) {
        CHECK(plain.arc[c] < 0.1f);
        CHECK(plain.line[c] < 0.1f);
        CHECK(crossed.arc[c] < 0.3f);
        CHECK(crossed.line[c] < 0.2f);
    }
}

TEST_CASE("a second disc is an arc, in the channel in which it differs, brighter or darker") {
    for (const int radius : {35, 50}) {
        for (const int step : {-30, 30}) {
            INFO(radius << " " << step);
            const auto inside = [&](int x, int y) {
                const int u = x - 140, v = y - 110;
                return u * u + v * v <= radius * radius;
            };
            const double whole = 2 * kPi * radius / kRadius;
            const InnerEdges red = edges_of(disc_with(inside, step, 0));
            CHECK(red.arc[0] > 0.6 * whole);
            CHECK(red.arc[0] < 1.1 * whole);
            CHECK(red.arc[1] < 0.2f);
            const InnerEdges green = edges_of(disc_with(inside, 0, step));
            CHECK(green.arc[1] > 0.6 * whole);
            CHECK(green.arc[0] < 0.2f);
        }
    }
}

TEST_CASE("the rim of a disc laid over half of another is an arc") {
    const InnerEdges edges = edges_of(disc_with(
        [](int x, int y) {
            const int u = x - 248, v = y - 120;
            return u * u + v * v <= kRadius * kRadius;
        },
        25, 25));
    CHECK(edges.arc[0] > 0.9f);
    CHECK(edges.arc[1] > 0.9f);
}

TEST_CASE("the side of a sheet laid over the disc is a line") {
    for (const bool upright : {true, false}) {
        const InnerEdges edges = edges_of(disc_with(
            [&](int x, int y) { return (upright ? x - 100 : y - 90) < 0; }, -40, -40));
        CHECK(edges.line[0] > 1.2f);
        CHECK(edges.line[1] > 1.2f);
    }
}

TEST_CASE("where two photos meet is a line at any slant, even where the brighter side changes") {
    constexpr int kStep = 30, kDarker = 40;
    for (int degrees = 0; degrees < 180; degrees += 5) {
        for (const int offset : {-30, 0, 20}) {
            INFO(degrees << " " << offset);
            const double u = std::cos(degrees * kPi / 180), v = std::sin(degrees * kPi / 180);
            const auto beyond = [&](int x, int y) {
                return (x - kWidth / 2) * u + (y - kHeight / 2) * v > offset;
            };
            const InnerEdges one = edges_of(disc_with(beyond, kStep, 0));
            CHECK(one.line[0] > 0.7f);
            CHECK(one.line[0] < (degrees % 90 == 0 ? 2.0f : 1.3f));
            CHECK(one.line[1] < 0.1f);
            synthetic::Picture both = disc_with(beyond, kStep, kStep);
            for (int y = 0; y < kHeight; ++y) {
                for (int x = 0; x < kWidth; ++x) {
                    const bool is_first = (y - kHeight / 2) * u < (x - kWidth / 2) * v;
                    std::uint8_t& red = both.at(x, y)[0];
                    if (beyond(x, y) && is_first && red > kStep + kDarker) {
                        red = static_cast<std::uint8_t>(red - kStep - kDarker);
                    }
                }
            }
            CHECK(edges_of(both).line[0] > 0.65f);
        }
    }
}

TEST_CASE("a slope is no edge") {
    synthetic::Picture picture = disc_with([](int, int) { return false; }, 0, 0);
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            std::uint8_t* p = picture.at(x, y);
            for (int c = 0; c < 2; ++c) p[c] = static_cast<std::uint8_t>(p[c] * (x + 100) / 356);
        }
    }
    const InnerEdges edges = edges_of(picture);
    CHECK(edges.arc[0] < 0.1f);
    CHECK(edges.line[0] < 0.1f);
}

TEST_CASE("a chessboard, all edges, is answered") {
    synthetic::Picture picture = synthetic::flat(256, 256, 90, 90, 90);
    for (int y = 0; y < 256; ++y) {
        for (int x = 0; x < 256; ++x) {
            if ((x / 8 + y / 8) % 2 == 0) picture.at(x, y)[0] = picture.at(x, y)[1] = 160;
        }
    }
    const InnerEdges edges = edges_of(picture);
    CHECK(edges.line[0] > 0.2f);
    CHECK(edges.line[0] < 3.0f);
}

TEST_CASE("pictures of any shape have inner edges, or none") {
    for (const int width : {1, 2, 13, 14, 15, 16, 200}) {
        for (const int height : {1, 3, 14, 15, 19}) {
            const InnerEdges edges = edges_of(synthetic::flat(width, height, 120, 80, 30));
            CHECK(edges.arc[0] == 0);
            CHECK(edges.line[1] == 0);
        }
    }
}
