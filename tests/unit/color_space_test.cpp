// SPDX-License-Identifier: Apache-2.0
// On the profile of the seed profile.jpg; test_color_profiles.py compares with LittleCMS.
#include "preprocess/color_space.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "counting_allocator.h"

using namespace fovea;
using namespace fovea::preprocess;

namespace {

using Bytes = std::vector<std::uint8_t>;

// Display P3, which the seed holds in two segments.
Bytes display_p3() {
    std::ifstream stream(std::filesystem::path(FOVEA_CORPUS) / "profile.jpg", std::ios::binary);
    const Bytes file{std::istreambuf_iterator<char>(stream), {}};
    REQUIRE(file.size() > 500);
    Bytes profile;
    std::size_t at = 2;
    while (file[at + 1] == 0xE2) {
        const std::size_t length = read_u16_big_endian(&file[at + 2]);
        profile.insert(profile.end(), &file[at + 18], &file[at + 2] + length);
        at += 2 + length;
    }
    return profile;
}

// On a heap copy of exactly that size, so that sanitizers see a read beyond it.
bool read(const Bytes& profile, std::size_t size, ColorSpace* space) {
    const auto copy = std::make_unique<std::uint8_t[]>(size == 0 ? 1 : size);
    if (size > 0) std::memcpy(copy.get(), profile.data(), size);
    return read_icc_profile({copy.get(), size}, false, space);
}

// Of every fifth level of each channel, converted.
std::uint64_t hash_of(const ColorSpace& space) {
    SrgbConversion conversion{Allocator()};
    REQUIRE(conversion.prepare(space));
    std::uint64_t hash = 14695981039346656037U;
    for (int i = 0; i < 52 * 52 * 52; ++i) {
        std::uint8_t pixel[3] = {static_cast<std::uint8_t>(i % 52 * 5),
                                 static_cast<std::uint8_t>(i / 52 % 52 * 5),
                                 static_cast<std::uint8_t>(i / 52 / 52 * 5)};
        conversion.convert(pixel, 1, 3);
        for (const std::uint8_t level : pixel) hash = (hash ^ level) * 1099511628211U;
    }
    return hash;
}

}  // namespace

TEST_CASE("every machine converts to the same levels") {
    ColorSpace space;
    const Bytes profile = display_p3();
    REQUIRE(read(profile, profile.size(), &space));
    CHECK(hash_of(space) == 15657920188371085842U);
    const std::uint32_t adobe[8] = {31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000};
    REQUIRE(png_color_space(55000, adobe, &space));
    CHECK(hash_of(space) == 2826735059475985333U);
}

TEST_CASE("Display P3's red is redder than sRGB's, its greys are sRGB's") {
    ColorSpace space;
    const Bytes profile = display_p3();
    REQUIRE(read(profile, profile.size(), &space));
    SrgbConversion conversion{Allocator()};
    REQUIRE(conversion.prepare(space));
    CHECK_FALSE(conversion.is_identity());
    std::uint8_t pixels[3][4] = {{200, 60, 40, 7}, {0, 0, 0, 9}, {255, 255, 255, 11}};
    conversion.convert(pixels[0], 3, 4);
    CHECK(pixels[0][0] > 210);
    CHECK(pixels[0][1] < 60);
    for (int c = 0; c < 3; ++c) {
        CHECK(pixels[1][c] == 0);
        CHECK(pixels[2][c] == 255);
    }
    CHECK(pixels[0][3] == 7);
    CHECK(pixels[2][3] == 11);
}

TEST_CASE("sRGB is the identity, to the bit") {
    ColorSpace space;
    srgb_color_space(&space);
    SrgbConversion conversion{Allocator()};
    REQUIRE(conversion.prepare(space));
    CHECK(conversion.is_identity());
    for (int level = 0; level < 256; ++level) {
        const auto v = static_cast<std::uint8_t>(level);
        const auto w = static_cast<std::uint8_t>(255 - level);
        std::uint8_t pixel[3] = {v, w, 128};
        conversion.convert(pixel, 1, 3);
        CHECK(pixel[0] == v);
        CHECK(pixel[1] == w);
        CHECK(pixel[2] == 128);
    }
}

TEST_CASE("numbers that mean no colours are refused") {
    ColorSpace space;
    const std::uint32_t same[8] = {31270, 32900, 30000, 30000, 30000, 30000, 30000, 30000};
    CHECK_FALSE(png_color_space(0, same, &space));
    const std::uint32_t zeros[8] = {};
    CHECK_FALSE(png_color_space(0, zeros, &space));
    std::uint32_t huge[8];
    for (std::uint32_t& number : huge) number = 0xFFFFFFFF;
    CHECK_FALSE(png_color_space(0, huge, &space));
    CHECK_FALSE(png_color_space(1, nullptr, &space));
    CHECK_FALSE(png_color_space(0xFFFFFFFF, nullptr, &space));
    CHECK(png_color_space(0, nullptr, &space));
}

TEST_CASE("nothing is read beyond a profile, however it is cut or changed") {
    const Bytes profile = display_p3();
    ColorSpace space;
    for (std::size_t size = 0; size < profile.size(); ++size) {
        CHECK_FALSE(read(profile, size, &space));
    }
    int accepted = 0;
    for (std::size_t i = 0; i < profile.size(); ++i) {
        for (const int value : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
            Bytes changed = profile;
            changed[i] = static_cast<std::uint8_t>(value);
            if (!read(changed, changed.size(), &space)) continue;
            ++accepted;
            if (i % 16 != 0) continue;  // the tables take their time
            SrgbConversion conversion{Allocator()};
            REQUIRE(conversion.prepare(space));
            std::uint8_t pixel[3] = {255, 128, 1};
            conversion.convert(pixel, 1, 3);
        }
    }
    CHECK(accepted > 100);
}
