// SPDX-License-Identifier: Apache-2.0
#include "preprocess/exif.h"

#include <cstring>
#include <string_view>

namespace fovea::preprocess {
namespace {

constexpr int kUnknown = 0;
constexpr int kUpright = 1;
constexpr std::uint32_t kOrientationTag = 0x0112;

int orientation_or_upright(std::uint32_t value) {
    return value >= 1 && value <= 8 ? static_cast<int>(value) : kUpright;
}

// Reads numbers of a TIFF block in its own byte order. The caller checks the bounds.
struct TiffReader {
    const std::uint8_t* data;
    bool is_little_endian;

    std::uint32_t u16(std::size_t at) const {
        const std::uint8_t* p = data + at;
        return is_little_endian ? (std::uint32_t{p[1]} << 8 | p[0]) : read_u16_big_endian(p);
    }
    std::uint32_t u32(std::size_t at) const {
        return is_little_endian ? (u16(at + 2) << 16 | u16(at)) : (u16(at) << 16 | u16(at + 2));
    }
    std::uint32_t value(std::size_t at, std::size_t bytes) const {
        return bytes == 1 ? data[at] : bytes == 2 ? u16(at) : u32(at);
    }
};

// Bytes of an integer of that TIFF type, signed or not; 0 for other types.
std::size_t integer_bytes(std::uint32_t type) {
    switch (type) {
        case 1:
        case 6:
            return 1;
        case 3:
        case 8:
            return 2;
        case 4:
        case 9:
            return 4;
        default:
            return 0;
    }
}

int hex_digit(std::uint8_t c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

int exif_orientation(ByteSpan tiff) {
    constexpr std::size_t kHeaderSize = 8;
    constexpr std::size_t kEntrySize = 12;
    constexpr std::size_t kInlineBytes = 4;
    if (tiff.size < kHeaderSize) return kUnknown;
    const bool little = tiff.data[0] == 'I' && tiff.data[1] == 'I';
    const bool big = tiff.data[0] == 'M' && tiff.data[1] == 'M';
    const TiffReader reader{tiff.data, little};
    if ((!little && !big) || reader.u16(2) != 42) return kUnknown;
    const std::size_t directory = reader.u32(4);
    if (directory > tiff.size - 2) return kUnknown;
    const std::size_t count = reader.u16(directory);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t entry = directory + 2 + i * kEntrySize;
        if (entry + kEntrySize > tiff.size) return kUnknown;
        if (reader.u16(entry) != kOrientationTag) continue;
        const std::size_t bytes = integer_bytes(reader.u16(entry + 2));
        const std::size_t values = reader.u32(entry + 4);
        if (bytes == 0 || values == 0) return kUpright;
        std::size_t at = entry + 8;
        if (values > kInlineBytes / bytes) {
            at = reader.u32(entry + 8);
            if (at > tiff.size || bytes > tiff.size - at) return kUpright;
        }
        return orientation_or_upright(reader.value(at, bytes));
    }
    return kUnknown;
}

int xmp_orientation(ByteSpan xmp) {
    constexpr std::string_view kName = "tiff:Orientation";
    const std::string_view text(reinterpret_cast<const char*>(xmp.data), xmp.size);
    for (std::size_t at = text.find(kName); at != text.npos; at = text.find(kName, at + 1)) {
        std::string_view rest = text;
        rest.remove_prefix(at + kName.size());
        const auto skip_spaces = [&] {
            while (!rest.empty() && is_space(rest.front())) rest.remove_prefix(1);
        };
        skip_spaces();
        bool has_value = false;
        if (!rest.empty() && rest.front() == '>') {
            has_value = true;  // an element
        } else if (!rest.empty() && rest.front() == '=') {
            rest.remove_prefix(1);
            skip_spaces();
            has_value = !rest.empty() && (rest.front() == '"' || rest.front() == '\'');
        }
        if (!has_value) continue;  // a closing tag, or a longer name
        rest.remove_prefix(1);
        skip_spaces();
        if (rest.empty() || rest[0] < '0' || rest[0] > '9') continue;
        const bool has_one_digit = rest.size() == 1 || rest[1] < '0' || rest[1] > '9';
        return has_one_digit ? orientation_or_upright(static_cast<std::uint32_t>(rest[0] - '0'))
                             : kUpright;
    }
    return kUnknown;
}

bool read_raw_profile(ByteSpan text, Buffer<std::uint8_t>* bytes) {
    std::size_t at = 0;
    for (int line = 0; line < 3; ++line) {
        while (at < text.size && text.data[at] != '\n') ++at;
        if (at == text.size) return bytes->allocate(0);
        ++at;
    }
    std::size_t digits = 0;
    for (std::size_t i = at; i < text.size; ++i) digits += hex_digit(text.data[i]) >= 0 ? 1U : 0U;
    if (!bytes->allocate(digits / 2)) return false;
    std::size_t count = 0;
    int high = -1;
    for (; at < text.size && count < bytes->size(); ++at) {
        const int digit = hex_digit(text.data[at]);
        if (digit < 0) continue;
        if (high < 0) {
            high = digit;
        } else {
            (*bytes)[count++] = static_cast<std::uint8_t>(high << 4 | digit);
            high = -1;
        }
    }
    return true;
}

ByteSpan without_exif_header(ByteSpan block) {
    constexpr std::size_t kHeaderSize = 6;
    const bool has_header = block.size >= kHeaderSize && std::memcmp(block.data, "Exif", 5) == 0;
    return has_header ? ByteSpan{block.data + kHeaderSize, block.size - kHeaderSize} : block;
}

}  // namespace fovea::preprocess
