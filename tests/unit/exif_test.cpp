// SPDX-License-Identifier: Apache-2.0
#include "preprocess/exif.h"

#include <doctest/doctest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

using namespace fovea;
using namespace fovea::preprocess;

namespace {

using Bytes = std::vector<std::uint8_t>;

void append(Bytes* bytes, const Bytes& more) {
    for (const std::uint8_t byte : more) bytes->push_back(byte);
}

struct Tiff {
    bool little = true;

    Bytes number(std::uint32_t value, int size) const {
        Bytes bytes;
        for (int i = 0; i < size; ++i) {
            bytes.push_back(static_cast<std::uint8_t>(value >> 8 * (little ? i : size - 1 - i)));
        }
        return bytes;
    }

    // Two directories, with another tag before the orientation in the first; 0 = none there. The
    // values, of that type, are in the entry where they fit and else behind it all.
    Bytes block(std::uint32_t orientation, std::uint32_t type = 3, std::uint32_t count = 1,
                std::uint32_t second_orientation = 0) const {
        const int size = type == 1 || type == 6 ? 1 : type == 3 || type == 8 ? 2 : 4;
        Bytes values;
        for (std::uint32_t i = 0; i < count; ++i) append(&values, number(orientation + i, size));
        const std::uint32_t first_entries = orientation == 0 ? 1 : 2;
        const std::uint32_t second = 8 + 2 + 12 * first_entries + 4;
        const std::uint32_t end = second + 2 + 12 + 4;
        Bytes bytes = little ? Bytes{'I', 'I'} : Bytes{'M', 'M'};
        const auto add = [&](std::uint32_t value, int value_size) {
            append(&bytes, number(value, value_size));
        };
        add(42, 2);
        add(8, 4);
        add(first_entries, 2);
        add(0x010F, 2);  // maker
        add(2, 2);
        add(4, 4);
        append(&bytes, {'f', 'o', 'v', 0});
        if (orientation != 0) {
            add(0x0112, 2);
            add(type, 2);
            add(count, 4);
            Bytes place = values.size() <= 4 ? values : number(end, 4);
            place.resize(4);
            append(&bytes, place);
        }
        add(second, 4);
        add(1, 2);
        add(0x0112, 2);
        add(3, 2);
        add(1, 4);
        add(second_orientation, 2);
        add(0, 2);
        add(0, 4);
        if (values.size() > 4) append(&bytes, values);
        return bytes;
    }
};

// On a heap copy of exactly that size, so that sanitizers see a read beyond it.
template <typename Reader>
int read(Reader reader, const Bytes& bytes, std::size_t size) {
    const auto copy = std::make_unique<std::uint8_t[]>(size == 0 ? 1 : size);
    if (size > 0) std::memcpy(copy.get(), bytes.data(), size);
    return reader(ByteSpan{copy.get(), size});
}

int exif(const Bytes& bytes) {
    return read(exif_orientation, bytes, bytes.size());
}

int xmp(const std::string& text) {
    return read(xmp_orientation, Bytes(text.begin(), text.end()), text.size());
}

}  // namespace

TEST_CASE("the orientation is found in both byte orders, of any type and number of integers") {
    for (std::uint32_t orientation = 1; orientation <= 8; ++orientation) {
        for (const bool little : {true, false}) {
            for (const std::uint32_t type : {1U, 3U, 4U, 6U, 8U, 9U, 13U}) {
                for (const std::uint32_t count : {1U, 2U, 3U, 5U}) {
                    CHECK(exif(Tiff{little}.block(orientation, type, count)) ==
                          static_cast<int>(orientation));
                }
            }
        }
    }
}

TEST_CASE("a value that means nothing is upright, a block without one says nothing") {
    const Tiff tiff;
    for (const std::uint32_t value : {9U, 255U, 65535U}) CHECK(exif(tiff.block(value)) == 1);
    CHECK(exif(tiff.block(0x10006, 4)) == 1);  // not the low half of a long
    CHECK(exif(tiff.block(6, 2)) == 1);        // text
    CHECK(exif(tiff.block(6, 3, 0)) == 1);     // no value
    CHECK(exif(tiff.block(0, 3, 1, 6)) == 0);  // of the thumbnail
    CHECK(exif(tiff.block(3, 3, 1, 6)) == 3);
    CHECK(exif({}) == 0);
    Bytes block = tiff.block(6);
    block[2] = 43;  // not TIFF
    CHECK(exif(block) == 0);
    block = Tiff{false}.block(6);
    block[4] = 0xFF;  // directory far outside
    CHECK(exif(block) == 0);
    block = tiff.block(6, 4, 2);
    block[8 + 2 + 12 + 8 + 3] = 0xFF;  // values far outside
    CHECK(exif(block) == 1);
}

TEST_CASE("nothing is read beyond a block, and no changed byte makes another number") {
    for (const Bytes& block : {Tiff{true}.block(6), Tiff{false}.block(3, 4, 2)}) {
        for (std::size_t size = 0; size <= block.size(); ++size) {
            const int found = read(exif_orientation, block, size);
            REQUIRE((found == 0 || found == 1 || found == exif(block)));
        }
        for (std::size_t i = 0; i < block.size(); ++i) {
            for (int value = 0; value < 256; ++value) {
                Bytes changed = block;
                changed[i] = static_cast<std::uint8_t>(value);
                const int found = exif(changed);
                REQUIRE(found >= 0);
                REQUIRE(found <= 8);
            }
        }
    }
}

namespace {

// A directory that leads to EXIF's, and that to the one of interoperability.
Bytes colors_block(bool little, std::uint32_t color_space, const char* index, std::uint32_t pointer_type = 4) {
    const Tiff tiff{little};
    Bytes bytes = little ? Bytes{'I', 'I'} : Bytes{'M', 'M'};
    const auto add = [&](std::uint32_t value, int size) { append(&bytes, tiff.number(value, size)); };
    const auto add_entry = [&](std::uint32_t tag, std::uint32_t type, std::uint32_t count, Bytes place) {
        add(tag, 2);
        add(type, 2);
        add(count, 4);
        place.resize(4);
        append(&bytes, place);
    };
    constexpr std::uint32_t kExif = 8 + 2 + 12 + 4, kInteroperability = kExif + 2 + 24 + 4;
    add(42, 2);
    add(8, 4);
    add(1, 2);
    add_entry(0x8769, pointer_type, 1, tiff.number(kExif, 4));
    add(0, 4);
    add(2, 2);
    add_entry(0xA001, 3, 1, tiff.number(color_space, 2));
    add_entry(0xA005, pointer_type, 1, tiff.number(kInteroperability, 4));
    add(0, 4);
    add(1, 2);
    const std::string text = index;
    add_entry(1, 2, static_cast<std::uint32_t>(text.size() + 1), Bytes(text.begin(), text.end()));
    add(0, 4);
    return bytes;
}

bool is_adobe_rgb(const Bytes& bytes, std::size_t size) {
    return read(exif_says_adobe_rgb, bytes, size) != 0;
}

}  // namespace

TEST_CASE("an uncalibrated colour space and the index R03 mean Adobe RGB, and only both") {
    for (const bool little : {true, false}) {
        for (const std::uint32_t pointer_type : {4U, 13U}) {
            const Bytes block = colors_block(little, 0xFFFF, "R03", pointer_type);
            CHECK(is_adobe_rgb(block, block.size()));
            const std::size_t whole = block.size() - 4;  // the place of the next directory may lack
            for (std::size_t size = 0; size < whole; ++size) REQUIRE_FALSE(is_adobe_rgb(block, size));
            for (std::size_t i = 0; i < block.size(); ++i) {
                for (int value = 0; value < 256; ++value) {
                    Bytes changed = block;
                    changed[i] = static_cast<std::uint8_t>(value);
                    is_adobe_rgb(changed, changed.size());
                }
            }
        }
        for (const Bytes& other : {colors_block(little, 1, "R03"), colors_block(little, 0xFFFF, "R98"), colors_block(little, 0xFFFF, "R"),
                                   colors_block(little, 0xFFFF, "R03R03"), colors_block(little, 0xFFFF, "R03", 2), Tiff{little}.block(6)}) {
            CHECK_FALSE(is_adobe_rgb(other, other.size()));
        }
    }
}

TEST_CASE("XMP gives the orientation as an attribute or as an element") {
    CHECK(xmp("<rdf:Description tiff:Orientation=\"6\" tiff:Make=\"f\"/>") == 6);
    CHECK(xmp("<rdf:Description tiff:Orientation = '8'/>") == 8);
    CHECK(xmp("<tiff:Orientation>3</tiff:Orientation>") == 3);
    CHECK(xmp("<tiff:Orientation>\n  5\n</tiff:Orientation>") == 5);
    CHECK(xmp("<tiff:OrientationNote>3</tiff:OrientationNote><tiff:Orientation>2<") == 2);
    CHECK(xmp("<tiff:Orientation>9</tiff:Orientation>") == 1);
    CHECK(xmp("<tiff:Orientation>16</tiff:Orientation>") == 1);
    CHECK(xmp("<x:xmpmeta/>") == 0);
    CHECK(xmp("") == 0);
    const std::string text = "<a tiff:Orientation = \"6\"/>";
    for (std::size_t size = 0; size < text.size(); ++size) {
        const int found = xmp(text.substr(0, size));
        CHECK((found == 0 || found == 6));
    }
}

TEST_CASE("a raw profile is read from its digits") {
    const auto decode = [](const std::string& text) {
        Buffer<std::uint8_t> bytes;
        REQUIRE(read_raw_profile({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
                                 &bytes));
        return Bytes(bytes.begin(), bytes.end());
    };
    CHECK(decode("\nexif\n       4\n4D4d\n002A\n") == Bytes{0x4D, 0x4D, 0, 0x2A});
    CHECK(decode("\nexif\n 4\n4D4") == Bytes{0x4D});
    CHECK(decode("\nexif\n 4") == Bytes{});
    CHECK(decode("") == Bytes{});
}
