// SPDX-License-Identifier: Apache-2.0
#include "preprocess/camera_pixels.h"

#include <doctest/doctest.h>

#include <array>
#include <vector>

#include "counting_allocator.h"

using namespace fovea;
using namespace fovea::preprocess;

namespace {

constexpr int kWidth = 5;
constexpr int kHeight = 3;

// Pixel (x, y) of the stored picture.
std::array<std::uint8_t, 3> stored(int x, int y) {
    return {static_cast<std::uint8_t>(10 * x + y), static_cast<std::uint8_t>(100 + x),
            static_cast<std::uint8_t>(200 + y)};
}

std::vector<std::uint8_t> store(PixelFormat format, int padding) {
    const bool has_alpha = format == PixelFormat::kRgba || format == PixelFormat::kBgra;
    const bool swapped = format == PixelFormat::kBgr || format == PixelFormat::kBgra;
    std::vector<std::uint8_t> bytes;
    for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
            const auto rgb = stored(x, y);
            bytes.insert(bytes.end(), {rgb[swapped ? 2 : 0], rgb[1], rgb[swapped ? 0 : 2]});
            if (has_alpha) bytes.push_back(255);
        }
        if (y + 1 < kHeight) bytes.insert(bytes.end(), static_cast<std::size_t>(padding), 77);
    }
    return bytes;
}

// Where pixel (x, y) of the upright picture is stored, by the definition of the EXIF orientations:
// which stored corner is the upper left one, and which way its rows run.
std::array<int, 2> source_of(int orientation, int x, int y) {
    switch (orientation) {
        case 1:
            return {x, y};
        case 2:
            return {kWidth - 1 - x, y};
        case 3:
            return {kWidth - 1 - x, kHeight - 1 - y};
        case 4:
            return {x, kHeight - 1 - y};
        case 5:
            return {y, x};
        case 6:
            return {y, kHeight - 1 - x};
        case 7:
            return {kWidth - 1 - y, kHeight - 1 - x};
        default:
            return {kWidth - 1 - y, x};
    }
}

}  // namespace

TEST_CASE("every format, stride and orientation comes out upright in RGB") {
    for (const PixelFormat format :
         {PixelFormat::kRgb, PixelFormat::kRgba, PixelFormat::kBgr, PixelFormat::kBgra}) {
        const bool has_alpha = format == PixelFormat::kRgba || format == PixelFormat::kBgra;
        for (const int padding : {0, 1, 9}) {
            const std::vector<std::uint8_t> bytes = store(format, padding);
            for (int orientation = 1; orientation <= 8; ++orientation) {
                Image out;
                const CameraPixels pixels{bytes.data(), kWidth, kHeight,
                                          kWidth * (has_alpha ? 4 : 3) + padding, format};
                REQUIRE(copy_upright(pixels, orientation, Allocator(), &out) == Status::kOk);
                const bool sideways = orientation >= 5;
                REQUIRE(out.width == (sideways ? kHeight : kWidth));
                REQUIRE(out.height == (sideways ? kWidth : kHeight));
                for (int y = 0; y < out.height; ++y) {
                    for (int x = 0; x < out.width; ++x) {
                        const auto at = source_of(orientation, x, y);
                        const auto rgb = stored(at[0], at[1]);
                        for (int c = 0; c < 3; ++c) REQUIRE(out.row(y)[3 * x + c] == rgb[c]);
                    }
                }
            }
        }
    }
}

TEST_CASE("alpha is put on black") {
    const std::uint8_t bytes[] = {200, 100, 50, 255, 200, 100, 50, 0, 200, 100, 50, 128};
    Image out;
    REQUIRE(copy_upright({bytes, 3, 1, 12, PixelFormat::kRgba}, 1, Allocator(), &out) ==
            Status::kOk);
    const std::uint8_t expected[] = {200, 100, 50, 0, 0, 0, 100, 50, 25};
    for (int i = 0; i < 9; ++i) CHECK(out.pixels[static_cast<std::size_t>(i)] == expected[i]);
}

TEST_CASE("rotations are the clockwise turns") {
    CHECK(orientation_of_rotation(0) == 1);
    CHECK(orientation_of_rotation(90) == 6);
    CHECK(orientation_of_rotation(180) == 3);
    CHECK(orientation_of_rotation(270) == 8);
    CHECK(orientation_of_rotation(45) == 0);
}

TEST_CASE("wrong arguments and missing memory are statuses") {
    const std::vector<std::uint8_t> bytes = store(PixelFormat::kRgb, 0);
    const CameraPixels good{bytes.data(), kWidth, kHeight, 15, PixelFormat::kRgb};
    Image out;
    CameraPixels bad = good;
    bad.data = nullptr;
    CHECK(copy_upright(bad, 1, Allocator(), &out) == Status::kInvalidArgument);
    bad = good;
    bad.stride = 14;
    CHECK(copy_upright(bad, 1, Allocator(), &out) == Status::kInvalidArgument);
    bad = good;
    bad.height = 0;
    CHECK(copy_upright(bad, 1, Allocator(), &out) == Status::kInvalidArgument);
    bad = good;
    bad.format = static_cast<PixelFormat>(7);
    CHECK(copy_upright(bad, 1, Allocator(), &out) == Status::kInvalidArgument);
    CHECK(copy_upright(good, 0, Allocator(), &out) == Status::kInvalidArgument);
    CHECK(copy_upright(good, 9, Allocator(), &out) == Status::kInvalidArgument);
    CountingAllocator counter;
    counter.refuse_at = 0;
    CHECK(copy_upright(good, 6, counter.allocator(), &out) == Status::kOutOfMemory);
    CHECK(counter.live() == 0);
}
