// SPDX-License-Identifier: Apache-2.0
#include "preprocess/exif.h"

#include <cstring>

#include "preprocess/bytes.h"

namespace fovea::preprocess {
namespace {

constexpr int kUpright = 1;
constexpr std::uint32_t kOrientationTag = 0x0112;
constexpr std::uint32_t kTypeShort = 3;

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
};

}  // namespace

int exif_orientation(const std::uint8_t* tiff, std::size_t size) {
    constexpr std::size_t kHeaderSize = 8;
    constexpr std::size_t kEntrySize = 12;
    if (size < kHeaderSize) return kUpright;
    const bool little = tiff[0] == 'I' && tiff[1] == 'I';
    const bool big = tiff[0] == 'M' && tiff[1] == 'M';
    const TiffReader reader{tiff, little};
    if ((!little && !big) || reader.u16(2) != 42) return kUpright;
    const std::size_t directory = reader.u32(4);
    if (directory > size - 2) return kUpright;
    const std::size_t count = reader.u16(directory);
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t entry = directory + 2 + i * kEntrySize;
        if (entry + kEntrySize > size) return kUpright;
        if (reader.u16(entry) != kOrientationTag) continue;
        const std::uint32_t value = reader.u16(entry + 8);
        const bool is_valid = reader.u16(entry + 2) == kTypeShort && reader.u32(entry + 4) == 1 &&
                              value >= 1 && value <= 8;
        return is_valid ? static_cast<int>(value) : kUpright;
    }
    return kUpright;
}

int jpeg_orientation(const std::uint8_t* data, std::size_t size) {
    constexpr std::uint8_t kExifHeader[6] = {'E', 'x', 'i', 'f', 0, 0};
    constexpr int kApp1 = 0xE1;
    constexpr int kStartOfScan = 0xDA;
    std::size_t at = 2;
    while (size >= 4 && at <= size - 4) {
        if (data[at] != 0xFF) return kUpright;
        const int marker = data[at + 1];
        if (marker == 0xFF) {  // fill byte
            ++at;
            continue;
        }
        if (marker == kStartOfScan) return kUpright;
        const std::size_t length = read_u16_big_endian(data + at + 2);
        const std::size_t begin = at + 4;
        if (length < 2 || length - 2 > size - begin) return kUpright;
        if (marker == kApp1 && length - 2 >= sizeof(kExifHeader) &&
            std::memcmp(data + begin, kExifHeader, sizeof(kExifHeader)) == 0) {
            return exif_orientation(data + begin + sizeof(kExifHeader),
                                    length - 2 - sizeof(kExifHeader));
        }
        at = begin + length - 2;
    }
    return kUpright;
}

int png_orientation(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kSignatureSize = 8;
    constexpr std::size_t kChunkOverhead = 12;
    std::size_t at = kSignatureSize;
    while (size >= kChunkOverhead && at <= size - kChunkOverhead) {
        const std::size_t length = read_u32_big_endian(data + at);
        if (length > size - kChunkOverhead - at) return kUpright;
        if (std::memcmp(data + at + 4, "eXIf", 4) == 0) {
            return exif_orientation(data + at + 8, length);
        }
        at += length + kChunkOverhead;
    }
    return kUpright;
}

}  // namespace fovea::preprocess
