// SPDX-License-Identifier: Apache-2.0
#include "preprocess/exif.h"

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <vector>

using namespace fovea::preprocess;

namespace {

using Bytes = std::vector<std::uint8_t>;

void append(Bytes* bytes, const Bytes& more) {
    for (const std::uint8_t byte : more) bytes->push_back(byte);
}

// A TIFF block of one directory: another tag first, then the orientation.
Bytes tiff(bool little, int orientation, int type = 3, int count = 1) {
    const auto u16 = [&](int v) {
        const auto low = static_cast<std::uint8_t>(v & 255);
        const auto high = static_cast<std::uint8_t>(v >> 8);
        return little ? Bytes{low, high} : Bytes{high, low};
    };
    const auto u32 = [&](int v) {
        Bytes low = u16(v & 65535);
        Bytes high = u16(v >> 16);
        Bytes both = little ? low : high;
        append(&both, little ? high : low);
        return both;
    };
    Bytes block = little ? Bytes{'I', 'I'} : Bytes{'M', 'M'};
    append(&block, u16(42));
    append(&block, u32(8));
    append(&block, u16(2));
    append(&block, u16(0x010F));  // maker
    append(&block, u16(2));
    append(&block, u32(4));
    append(&block, {'f', 'o', 'v', 0});
    append(&block, u16(0x0112));
    append(&block, u16(type));
    append(&block, u32(count));
    append(&block, u16(orientation));
    append(&block, u16(0));
    append(&block, u32(0));
    return block;
}

Bytes jpeg(const Bytes& exif) {
    Bytes file = {0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2, 0xFF, 0xFF, 0xE1};
    const std::size_t length = exif.size() + 8;
    append(&file, {static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length), 'E',
                   'x', 'i', 'f', 0, 0});
    append(&file, exif);
    append(&file, {0xFF, 0xDA, 0, 2});
    return file;
}

Bytes png(const Bytes& exif) {
    Bytes file = {0x89, 'P',  'N',  'G', '\r',
                  '\n', 0x1A, '\n', 0,   0,
                  0,    1,    'a',  'b', 'c',
                  'd',  9,    0,    0,   0,
                  0,    0,    0,    0,   static_cast<std::uint8_t>(exif.size()),
                  'e',  'X',  'I',  'f'};
    append(&file, exif);
    append(&file, {0, 0, 0, 0});
    return file;
}

// On a heap copy of exactly that size, so that sanitizers see a read beyond it.
template <typename Reader>
int read(Reader reader, const Bytes& bytes, std::size_t size) {
    const auto copy = std::make_unique<std::uint8_t[]>(size == 0 ? 1 : size);
    if (size > 0) std::memcpy(copy.get(), bytes.data(), size);
    return reader(copy.get(), size);
}

}  // namespace

TEST_CASE("the orientation is found in both byte orders and both kinds of file") {
    for (int orientation = 1; orientation <= 8; ++orientation) {
        for (const bool little : {true, false}) {
            const Bytes block = tiff(little, orientation);
            CHECK(exif_orientation(block.data(), block.size()) == orientation);
            const Bytes in_jpeg = jpeg(block);
            CHECK(jpeg_orientation(in_jpeg.data(), in_jpeg.size()) == orientation);
            const Bytes in_png = png(block);
            CHECK(png_orientation(in_png.data(), in_png.size()) == orientation);
        }
    }
}

TEST_CASE("what is no orientation is upright") {
    for (const int value : {0, 9, 255, 65535}) {
        const Bytes block = tiff(true, value);
        CHECK(exif_orientation(block.data(), block.size()) == 1);
    }
    CHECK(exif_orientation(tiff(true, 6, 4).data(), 38) == 1);     // a long, not a short
    CHECK(exif_orientation(tiff(true, 6, 3, 2).data(), 38) == 1);  // two values
    Bytes block = tiff(false, 6);
    block[3] = 43;  // not TIFF
    CHECK(exif_orientation(block.data(), block.size()) == 1);
    block = tiff(false, 6);
    block[4] = 0xFF;  // directory far outside
    CHECK(exif_orientation(block.data(), block.size()) == 1);
}

TEST_CASE("a cut block is upright or the right way, and nothing is read beyond it") {
    const Bytes block = tiff(true, 6);
    const std::size_t entry_end = 8 + 2 + 2 * 12;
    for (std::size_t size = 0; size <= block.size(); ++size) {
        CHECK(read(exif_orientation, block, size) == (size >= entry_end ? 6 : 1));
    }
    const Bytes in_jpeg = jpeg(block);
    for (std::size_t size = 0; size <= in_jpeg.size(); ++size) {
        const int found = read(jpeg_orientation, in_jpeg, size);
        CHECK(found == (size >= in_jpeg.size() - 4 ? 6 : 1));
    }
    const Bytes in_png = png(block);
    for (std::size_t size = 0; size <= in_png.size(); ++size) {
        CHECK(read(png_orientation, in_png, size) == (size == in_png.size() ? 6 : 1));
    }
}

TEST_CASE("no changed byte makes an orientation outside 1 to 8") {
    const Bytes file = jpeg(tiff(true, 3));
    int different = 0;
    for (std::size_t i = 0; i < file.size(); ++i) {
        for (int value = 0; value < 256; ++value) {
            Bytes changed = file;
            changed[i] = static_cast<std::uint8_t>(value);
            const int found = read(jpeg_orientation, changed, changed.size());
            REQUIRE(found >= 1);
            REQUIRE(found <= 8);
            different += found != 3 ? 1 : 0;
        }
    }
    CHECK(different > 0);
}
