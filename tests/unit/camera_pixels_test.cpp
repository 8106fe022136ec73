// SPDX-License-Identifier: Apache-2.0
#include "preprocess/camera_pixels.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
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
std::array<int, 2> source_of(int orientation, int x, int y, int width = kWidth, int height = kHeight) {
    switch (orientation) {
        case 1:
            return {x, y};
        case 2:
            return {width - 1 - x, y};
        case 3:
            return {width - 1 - x, height - 1 - y};
        case 4:
            return {x, height - 1 - y};
        case 5:
            return {y, x};
        case 6:
            return {y, height - 1 - x};
        case 7:
            return {width - 1 - y, height - 1 - x};
        default:
            return {width - 1 - y, x};
    }
}

}  // namespace

TEST_CASE("every format, stride and orientation comes out upright in RGB") {
    for (const PixelFormat format :
         {PixelFormat::kRgb, PixelFormat::kRgba, PixelFormat::kBgr, PixelFormat::kBgra}) {
        for (const int padding : {0, 1, 9}) {
            const std::vector<std::uint8_t> bytes = store(format, padding);
            for (int orientation = 1; orientation <= 8; ++orientation) {
                Image out;
                CameraPixels pixels = packed_pixels(bytes.data(), kWidth, kHeight, format);
                pixels.planes[0].stride += static_cast<std::size_t>(padding);
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
    REQUIRE(copy_upright(packed_pixels(bytes, 3, 1, PixelFormat::kRgba), 1, Allocator(), &out) ==
            Status::kOk);
    const std::uint8_t expected[] = {200, 100, 50, 0, 0, 0, 100, 50, 25};
    for (int i = 0; i < 9; ++i) CHECK(out.pixels[static_cast<std::size_t>(i)] == expected[i]);
}

TEST_CASE("rotations are the clockwise turns, then mirrored") {
    CHECK(orientation_of_rotation(0, false) == 1);
    CHECK(orientation_of_rotation(90, false) == 6);
    CHECK(orientation_of_rotation(180, false) == 3);
    CHECK(orientation_of_rotation(270, false) == 8);
    CHECK(orientation_of_rotation(45, false) == 0);
    // By way of pictures: turned, then mirrored.
    const std::vector<std::uint8_t> bytes = store(PixelFormat::kRgb, 0);
    const CameraPixels pixels = packed_pixels(bytes.data(), kWidth, kHeight, PixelFormat::kRgb);
    for (const int degrees : {0, 90, 180, 270}) {
        Image turned, mirrored, both;
        REQUIRE(copy_upright(pixels, orientation_of_rotation(degrees, false), Allocator(), &turned) == Status::kOk);
        const CameraPixels again = packed_pixels(turned.pixels.data(), turned.width, turned.height, PixelFormat::kRgb);
        REQUIRE(copy_upright(again, orientation_of_rotation(0, true), Allocator(), &mirrored) == Status::kOk);
        REQUIRE(copy_upright(pixels, orientation_of_rotation(degrees, true), Allocator(), &both) == Status::kOk);
        REQUIRE(both.width == mirrored.width);
        CHECK(std::memcmp(both.pixels.data(), mirrored.pixels.data(), both.pixels.size()) == 0);
    }
}

TEST_CASE("gray, and colors with bytes between them") {
    const std::uint8_t bytes[] = {1, 99, 2, 99, 3, 88, 88, 4, 99, 5, 99, 6};
    CameraPixels pixels = packed_pixels(bytes, 3, 2, PixelFormat::kGray);
    pixels.planes[0].pixel_stride = 2;
    pixels.planes[0].stride = 7;
    pixels.planes[0].size = sizeof(bytes);
    Image out;
    REQUIRE(copy_upright(pixels, 1, Allocator(), &out) == Status::kOk);
    for (int i = 0; i < 18; ++i) CHECK(out.pixels[static_cast<std::size_t>(i)] == i / 3 + 1);
    const std::uint8_t padded[] = {1, 2, 3, 99, 4, 5, 6};
    CameraPixels colors = packed_pixels(padded, 2, 1, PixelFormat::kBgr);
    colors.planes[0].pixel_stride = 4;
    colors.planes[0].stride = 7;
    REQUIRE(copy_upright(colors, 1, Allocator(), &out) == Status::kOk);
    const std::uint8_t expected[] = {3, 2, 1, 6, 5, 4};
    CHECK(std::memcmp(out.pixels.data(), expected, 6) == 0);
    colors.format = PixelFormat::kRgb;
    REQUIRE(copy_upright(colors, 1, Allocator(), &out) == Status::kOk);
    CHECK(out.pixels[3] == 4);
}

namespace {

// The formulas of the header, in 64 bits and one channel at a time.
std::array<std::uint8_t, 3> to_rgb(int y, int u, int v, YuvRange range) {
    const auto channel = [&](std::int64_t of_u, std::int64_t of_v) {
        const bool full = range == YuvRange::kFull;
        const std::int64_t bits = full ? 16 : 20, luma = full ? y * 65536 : std::max(y - 16, 0) * std::int64_t{1220542};
        const std::int64_t sum = luma + of_u * (u - 128) + of_v * (v - 128) + (std::int64_t{1} << (bits - 1));
        const auto unit = static_cast<double>(std::int64_t{1} << bits);
        return static_cast<std::uint8_t>(std::min(std::max(std::floor(static_cast<double>(sum) / unit), 0.0), 255.0));
    };
    if (range == YuvRange::kFull) return {channel(0, 91881), channel(-22554, -46802), channel(116130, 0)};
    return {channel(0, 1673527), channel(-409993, -852492), channel(2116026, 0)};
}

// Sample i of plane 0 (Y), 1 (U) or 2 (V).
std::uint8_t sample(int plane, int x, int y) {
    return static_cast<std::uint8_t>(17 + 31 * x + 53 * y + 101 * plane + x * y);
}

// Planes in memory that ends with their last sample, each in a block of its own, so that a sanitizer sees every byte too far.
struct YuvPicture {
    std::vector<std::unique_ptr<std::uint8_t[]>> blocks;
    CameraPixels pixels;

    std::uint8_t* block(std::size_t bytes) {
        blocks.emplace_back(new std::uint8_t[bytes]);
        std::memset(blocks.back().get(), 0xEE, bytes);
        return blocks.back().get();
    }

    YuvPicture(int width, int height, PixelFormat format, YuvRange range, std::size_t padding, std::size_t step) {
        pixels = {.width = width, .height = height, .format = format, .range = range};
        const auto w = static_cast<std::size_t>(width), h = static_cast<std::size_t>(height);
        const std::size_t cw = (w + 1) / 2, ch = (h + 1) / 2;
        std::uint8_t* y = block((h - 1) * (w + padding) + w);
        pixels.planes[0] = {y, w + padding, 0, (h - 1) * (w + padding) + w};
        fill(y, 0, w, h, w + padding, 1);
        const bool pairs = format != PixelFormat::kYuv420;
        if (pairs || step == 2) {
            // U and V in turn: the later of the two ends a byte later.
            const std::size_t row = 2 * cw + padding, bytes = (ch - 1) * row + 2 * cw;
            std::uint8_t* first = block(bytes);
            const int u = format == PixelFormat::kNv21 ? 1 : 0;
            fill(first + u, 1, cw, ch, row, 2);
            fill(first + 1 - u, 2, cw, ch, row, 2);
            if (pairs) {
                pixels.planes[1] = {first, row, 0, bytes};
            } else {
                pixels.planes[1] = {first, row, 2, bytes - 1};
                pixels.planes[2] = {first + 1, row, 2, bytes - 1};
            }
            return;
        }
        for (int plane = 1; plane <= 2; ++plane) {
            const std::size_t row = (cw - 1) * step + 1 + padding, bytes = (ch - 1) * row + (cw - 1) * step + 1;
            std::uint8_t* data = block(bytes);
            fill(data, plane, cw, ch, row, step);
            pixels.planes[plane] = {data, row, step, bytes};
        }
    }
    static void fill(std::uint8_t* data, int plane, std::size_t width, std::size_t height, std::size_t row, std::size_t step) {
        for (std::size_t y = 0; y < height; ++y) {
            for (std::size_t x = 0; x < width; ++x) data[y * row + x * step] = sample(plane, static_cast<int>(x), static_cast<int>(y));
        }
    }
};

}  // namespace

TEST_CASE("every layout of Y, U and V gives the pixels of the formula, whole and turned") {
    struct Layout {
        PixelFormat format;
        std::size_t step;
    };
    const int sizes[][2] = {{1, 1}, {2, 1}, {1, 2}, {3, 3}, {5, 4}, {33, 65}, {64, 32}, {97, 31}};
    for (const auto& size : sizes) {
        const int width = size[0], height = size[1];
        for (const Layout layout : {Layout{PixelFormat::kNv12, 2}, Layout{PixelFormat::kNv21, 2}, Layout{PixelFormat::kYuv420, 1},
                                    Layout{PixelFormat::kYuv420, 2}, Layout{PixelFormat::kYuv420, 3}}) {
            for (const std::size_t padding : {0, 1, 16}) {
                const YuvRange range = padding == 1 ? YuvRange::kFull : YuvRange::kLimited;
                const YuvPicture picture(width, height, layout.format, range, padding, layout.step);
                for (int orientation = 1; orientation <= 8; ++orientation) {
                    Image out;
                    REQUIRE(copy_upright(picture.pixels, orientation, Allocator(), &out) == Status::kOk);
                    int wrong = 0;
                    for (int y = 0; y < out.height; ++y) {
                        for (int x = 0; x < out.width; ++x) {
                            const auto at = source_of(orientation, x, y, width, height);
                            const int cx = at[0] / 2, cy = at[1] / 2;
                            const auto rgb = to_rgb(sample(0, at[0], at[1]), sample(1, cx, cy), sample(2, cx, cy), range);
                            wrong += std::memcmp(out.row(y) + 3 * x, rgb.data(), 3) == 0 ? 0 : 1;
                        }
                    }
                    REQUIRE(wrong == 0);
                }
            }
        }
    }
}

TEST_CASE("Y, U and V by example, and never a level from what they mean") {
    const auto convert = [](int y, int u, int v, YuvRange range) {
        const std::uint8_t bytes[] = {static_cast<std::uint8_t>(y), static_cast<std::uint8_t>(u), static_cast<std::uint8_t>(v)};
        CameraPixels pixels{.width = 1, .height = 1, .format = PixelFormat::kYuv420, .range = range};
        for (int i = 0; i < 3; ++i) pixels.planes[i] = {bytes + i, 1, 0, 1};
        Image out;
        REQUIRE(copy_upright(pixels, 1, Allocator(), &out) == Status::kOk);
        return std::array<int, 3>{out.pixels[0], out.pixels[1], out.pixels[2]};
    };
    using Rgb = std::array<int, 3>;
    CHECK(convert(16, 128, 128, YuvRange::kLimited) == Rgb{0, 0, 0});
    CHECK(convert(0, 128, 128, YuvRange::kLimited) == Rgb{0, 0, 0});
    CHECK(convert(235, 128, 128, YuvRange::kLimited) == Rgb{255, 255, 255});
    CHECK(convert(81, 90, 240, YuvRange::kLimited) == Rgb{254, 0, 0});
    CHECK(convert(145, 54, 34, YuvRange::kLimited) == Rgb{0, 255, 1});
    CHECK(convert(41, 240, 110, YuvRange::kLimited) == Rgb{0, 0, 255});
    CHECK(convert(0, 128, 128, YuvRange::kFull) == Rgb{0, 0, 0});
    CHECK(convert(255, 128, 128, YuvRange::kFull) == Rgb{255, 255, 255});
    CHECK(convert(76, 85, 255, YuvRange::kFull) == Rgb{254, 0, 0});
    CHECK(convert(150, 44, 21, YuvRange::kFull) == Rgb{0, 255, 1});
    CHECK(convert(29, 255, 107, YuvRange::kFull) == Rgb{0, 0, 254});
    // ITU-R BT.601 in real numbers.
    double worst = 0;
    for (int y = 0; y < 256; y += 5) {
        for (int u = 0; u < 256; u += 15) {
            for (int v = 0; v < 256; v += 15) {
                for (const YuvRange range : {YuvRange::kLimited, YuvRange::kFull}) {
                    const bool full = range == YuvRange::kFull;
                    const double luma = full ? y : std::max(y - 16, 0) * 255.0 / 219, scale = full ? 1 : 255.0 / 224;
                    const double cb = (u - 128) * scale, cr = (v - 128) * scale;
                    const double exact[] = {luma + 1.402 * cr, luma - 0.299 / 0.587 * 1.402 * cr - 0.114 / 0.587 * 1.772 * cb,
                                            luma + 1.772 * cb};
                    const Rgb got = convert(y, u, v, range);
                    for (int c = 0; c < 3; ++c) {
                        const double wanted = std::min(std::max(exact[c], 0.0), 255.0);
                        worst = std::max(worst, std::fabs(got[static_cast<std::size_t>(c)] - wanted));
                    }
                }
            }
        }
    }
    CHECK(worst < 1);
}

TEST_CASE("planes that cannot be a picture are refused, with the plane and the cause") {
    std::vector<std::uint8_t> memory(4000);
    std::uint8_t* const m = memory.data();
    CameraPixels pixels{.width = 6, .height = 5, .format = PixelFormat::kYuv420};
    pixels.planes[0] = {m, 8, 0, 0};
    pixels.planes[1] = {m + 100, 4, 0, 0};
    pixels.planes[2] = {m + 200, 4, 0, 0};
    int plane = -1;
    REQUIRE(plane_problem(pixels, &plane) == nullptr);
    const auto refused = [&](int wanted_plane, const char* wanted) {
        const char* problem = plane_problem(pixels, &plane);
        REQUIRE(problem != nullptr);
        CHECK(std::string(problem) == wanted);
        CHECK(plane == wanted_plane);
        Image out;
        CHECK(copy_upright(pixels, 1, Allocator(), &out) == Status::kInvalidArgument);
    };
    const char* const overlaps = "it overlaps an earlier plane";
    SUBCASE("a plane is missing") {
        pixels.planes[2].data = nullptr;
        refused(2, "data is null");
    }
    SUBCASE("a plane too many") {
        pixels.format = PixelFormat::kNv12;
        pixels.planes[1].stride = 6;
        refused(2, "the format has no such plane");
    }
    SUBCASE("rows of U and V that are too short for pairs") {
        pixels.format = PixelFormat::kNv21;
        pixels.planes[2] = {};
        pixels.planes[1].stride = 5;
        refused(1, "stride is less than a row");
    }
    SUBCASE("a pixel stride below a pixel") {
        pixels.format = PixelFormat::kNv21;
        pixels.planes[2] = {};
        pixels.planes[1] = {m + 100, 8, 1, 0};
        refused(1, "pixel_stride is less than a pixel");
    }
    SUBCASE("a pixel stride that the stride does not hold") {
        pixels.planes[1].pixel_stride = 2;
        refused(1, "stride is less than a row");
    }
    SUBCASE("no stride") {
        pixels.planes[0].stride = 0;
        refused(0, "stride is less than a row");
    }
    SUBCASE("negative strides") {
        pixels.planes[0].stride = static_cast<std::size_t>(-8);
        refused(0, "stride or pixel_stride is too large");
        pixels.planes[0].stride = 8;
        pixels.planes[2].pixel_stride = static_cast<std::size_t>(-1);
        refused(2, "stride or pixel_stride is too large");
    }
    SUBCASE("a plane up to the end of the address space") {
        pixels.planes[0].stride = static_cast<std::size_t>(PTRDIFF_MAX) / 4;
        refused(0, "stride or pixel_stride is too large");
    }
    SUBCASE("a plane smaller than the picture") {
        pixels.planes[1].size = 2 * 4 + 3;
        REQUIRE(plane_problem(pixels, &plane) == nullptr);
        pixels.planes[1].size = 2 * 4 + 2;
        refused(1, "the picture is larger than the plane's size");
    }
    SUBCASE("the same U and V") {
        pixels.planes[2] = pixels.planes[1];
        refused(2, overlaps);
    }
    SUBCASE("U within Y") {
        pixels.planes[1].data = m + 37;
        refused(1, overlaps);
        pixels.planes[1].data = m + 38;  // 4 * 8 + 6 bytes of Y
        CHECK(plane_problem(pixels, &plane) == nullptr);
    }
    SUBCASE("Y within U") {
        pixels.planes[0].data = m + 110;
        refused(1, overlaps);
    }
    SUBCASE("V before U") {
        pixels.planes[2].data = m + 89;
        CHECK(plane_problem(pixels, &plane) == nullptr);
        pixels.planes[2].data = m + 90;
        refused(2, overlaps);
    }
    SUBCASE("U and V in turn") {
        pixels.planes[1] = {m + 100, 6, 2, 0};
        pixels.planes[2] = {m + 101, 6, 2, 0};
        CHECK(plane_problem(pixels, &plane) == nullptr);
        pixels.planes[1].stride = pixels.planes[2].stride = 5;
        refused(2, overlaps);
        pixels.planes[1].stride = 8;
        pixels.planes[2].stride = 6;
        refused(2, overlaps);
        pixels.planes[1] = {m + 100, 16, 2, 0};
        pixels.planes[2] = {m + 102, 16, 2, 0};
        refused(2, overlaps);
    }
    SUBCASE("U beside V") {
        pixels.planes[1] = {m + 100, 16, 0, 0};
        pixels.planes[2] = {m + 108, 16, 0, 0};
        CHECK(plane_problem(pixels, &plane) == nullptr);
        pixels.planes[2].data = m + 114;  // its rows would end in U's next ones
        refused(2, overlaps);
    }
}

TEST_CASE("wrong arguments and missing memory are statuses") {
    const std::vector<std::uint8_t> bytes = store(PixelFormat::kRgb, 0);
    const CameraPixels good = packed_pixels(bytes.data(), kWidth, kHeight, PixelFormat::kRgb);
    Image out;
    CameraPixels bad = good;
    bad.planes[0].data = nullptr;
    CHECK(copy_upright(bad, 1, Allocator(), &out) == Status::kInvalidArgument);
    bad = good;
    bad.planes[0].stride = 14;
    CHECK(copy_upright(bad, 1, Allocator(), &out) == Status::kInvalidArgument);
    bad = good;
    bad.height = 0;
    CHECK(copy_upright(bad, 1, Allocator(), &out) == Status::kInvalidArgument);
    bad = good;
    bad.format = static_cast<PixelFormat>(8);
    CHECK(copy_upright(bad, 1, Allocator(), &out) == Status::kInvalidArgument);
    bad.format = static_cast<PixelFormat>(-1);
    CHECK(copy_upright(bad, 1, Allocator(), &out) == Status::kInvalidArgument);
    CHECK(copy_upright(good, 0, Allocator(), &out) == Status::kInvalidArgument);
    CHECK(copy_upright(good, 9, Allocator(), &out) == Status::kInvalidArgument);
    CountingAllocator counter;
    counter.refuse_at = 0;
    CHECK(copy_upright(good, 6, counter.allocator(), &out) == Status::kOutOfMemory);
    CHECK(counter.live() == 0);
}
