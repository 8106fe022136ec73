// SPDX-License-Identifier: Apache-2.0
#include "preprocess/exif.h"

#include <cstring>
#include <string_view>

namespace fovea::preprocess {
namespace {

constexpr int kUnknown = 0;
constexpr int kUpright = 1;

int orientation_or_upright(std::uint32_t value) {
    return value >= 1 && value <= 8 ? static_cast<int>(value) : kUpright;
}

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
        case 13:  // the place of a directory, which some programs write for any number
            return 4;
        default:
            return 0;
    }
}

// A TIFF block in its own byte order. Places are those of whole entries of its directories.
class TiffReader {
  public:
    explicit TiffReader(ByteSpan tiff)
        : data_(tiff.data), size_(tiff.size), is_little_endian_(tiff.size >= kHeaderSize && tiff.data[0] == 'I') {}

    // The first directory, or a place beyond the block where there is none.
    std::size_t first_directory() const {
        if (size_ < kHeaderSize || (data_[0] != 'I' && data_[0] != 'M') || data_[1] != data_[0] || u16(2) != 42) return size_;
        return u32(4);
    }
    // The place of a tag's entry; 0 = none.
    std::size_t find(std::size_t directory, std::uint32_t tag) const {
        if (size_ < kHeaderSize || directory > size_ - 2) return 0;
        const std::size_t count = u16(directory);
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t entry = directory + 2 + i * kEntrySize;
            if (entry + kEntrySize > size_) break;
            if (u16(entry) == tag) return entry;
        }
        return 0;
    }
    // The first of an entry's integers; false where it has none.
    bool first_value(std::size_t entry, std::uint32_t* value) const {
        const std::size_t bytes = integer_bytes(u16(entry + 2));
        const std::size_t values = u32(entry + 4);
        if (bytes == 0 || values == 0) return false;
        std::size_t at = entry + 8;
        if (values > kInlineBytes / bytes) {
            at = u32(entry + 8);
            if (at > size_ || bytes > size_ - at) return false;
        }
        *value = bytes == 1 ? data_[at] : bytes == 2 ? u16(at) : u32(at);
        return true;
    }
    // The same of a tag, 0 where it is not there.
    std::uint32_t value(std::size_t directory, std::uint32_t tag) const {
        const std::size_t entry = find(directory, tag);
        std::uint32_t value = 0;
        return entry != 0 && first_value(entry, &value) ? value : 0;
    }
    // A text of up to four bytes stands in the entry itself.
    bool is_short_text(std::size_t entry, const char (&text)[4]) const {
        constexpr std::uint32_t kText = 2;
        return u16(entry + 2) == kText && u32(entry + 4) <= kInlineBytes && u32(entry + 4) >= 3 &&
               std::memcmp(data_ + entry + 8, text, 3) == 0;
    }

  private:
    static constexpr std::size_t kHeaderSize = 8, kEntrySize = 12, kInlineBytes = 4;

    std::uint32_t u16(std::size_t at) const {
        const std::uint8_t* p = data_ + at;
        return is_little_endian_ ? (std::uint32_t{p[1]} << 8 | p[0]) : read_u16_big_endian(p);
    }
    std::uint32_t u32(std::size_t at) const {
        return is_little_endian_ ? (u16(at + 2) << 16 | u16(at)) : (u16(at) << 16 | u16(at + 2));
    }

    const std::uint8_t* data_;
    std::size_t size_;
    bool is_little_endian_;
};

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
    constexpr std::uint32_t kOrientation = 0x0112;
    const TiffReader reader(tiff);
    const std::size_t entry = reader.find(reader.first_directory(), kOrientation);
    if (entry == 0) return kUnknown;
    std::uint32_t value;
    return reader.first_value(entry, &value) ? orientation_or_upright(value) : kUpright;
}

bool exif_says_adobe_rgb(ByteSpan tiff) {
    constexpr std::uint32_t kExifDirectory = 0x8769, kColorSpace = 0xA001, kInteroperability = 0xA005, kIndex = 1;
    constexpr std::uint32_t kUncalibrated = 0xFFFF;
    const TiffReader reader(tiff);
    // A directory at 0 is none: there the header stands, whose entries would mean nothing.
    const std::size_t exif = reader.value(reader.first_directory(), kExifDirectory);
    if (exif == 0 || reader.value(exif, kColorSpace) != kUncalibrated) return false;
    const std::size_t interoperability = reader.value(exif, kInteroperability);
    if (interoperability == 0) return false;
    const std::size_t index = reader.find(interoperability, kIndex);
    return index != 0 && reader.is_short_text(index, "R03");
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
