// SPDX-License-Identifier: Apache-2.0
#include "preprocess/png_check.h"

#include <array>
#include <cstring>
#include <string_view>

#include "preprocess/bytes.h"

namespace fovea::preprocess {
namespace {

constexpr std::size_t kSignatureSize = 8;
constexpr std::size_t kChunkOverhead = 12;  // length, type, checksum
constexpr std::size_t kHeaderChunkEnd = kSignatureSize + kChunkOverhead + 13;
constexpr std::uint32_t kMaxChunk = 0x7FFFFFFF;
constexpr int kPaletteColor = 3;

constexpr std::uint32_t chunk_type(const char (&name)[5]) {
    return std::uint32_t{static_cast<unsigned char>(name[0])} << 24 |
           std::uint32_t{static_cast<unsigned char>(name[1])} << 16 |
           std::uint32_t{static_cast<unsigned char>(name[2])} << 8 |
           std::uint32_t{static_cast<unsigned char>(name[3])};
}

// CRC-32 of the PNG specification (reflected polynomial 0xEDB88320), four bytes at a time: table k
// advances a byte by k more zero bytes. The tables are made for each file, which inflating takes far longer than: as constants they
// would be 4 KB of a phone's program. (ops/crc32 is of a room that this one knows nothing of.)
class Crc32 {
  public:
    Crc32() {
        for (std::uint32_t i = 0; i < 256; ++i) {
            std::uint32_t crc = i;
            for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320U : crc >> 1;
            tables_[0][i] = crc;
        }
        for (std::size_t k = 1; k < 4; ++k) {
            for (std::size_t i = 0; i < 256; ++i) {
                tables_[k][i] = tables_[k - 1][i] >> 8 ^ tables_[0][tables_[k - 1][i] & 255];
            }
        }
    }

    std::uint32_t of(const std::uint8_t* data, std::size_t size) const {
        std::uint32_t crc = 0xFFFFFFFFU;
        for (; size >= 4; size -= 4, data += 4) {
            crc ^= data[0] | std::uint32_t{data[1]} << 8 | std::uint32_t{data[2]} << 16 |
                   std::uint32_t{data[3]} << 24;
            crc = tables_[3][crc & 255] ^ tables_[2][crc >> 8 & 255] ^
                  tables_[1][crc >> 16 & 255] ^ tables_[0][crc >> 24];
        }
        for (; size > 0; --size, ++data) crc = crc >> 8 ^ tables_[0][(crc ^ *data) & 255];
        return ~crc;
    }

  private:
    std::array<std::array<std::uint32_t, 256>, 4> tables_;
};

bool is_legal_depth(int color_type, int depth) {
    switch (color_type) {
        case 0:
            return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
        case kPaletteColor:
            return depth == 1 || depth == 2 || depth == 4 || depth == 8;
        case 2:
        case 4:
        case 6:
            return depth == 8 || depth == 16;
        default:
            return false;
    }
}

bool is_letter(std::uint8_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// Behind the next zero; false without one.
bool skip_string(ByteSpan* bytes) {
    const void* zero = bytes->size == 0 ? nullptr : std::memchr(bytes->data, 0, bytes->size);
    if (zero == nullptr) return false;
    const auto* behind = static_cast<const std::uint8_t*>(zero) + 1;
    *bytes = {behind, static_cast<std::size_t>(bytes->data + bytes->size - behind)};
    return true;
}

// Keeps the text of a tEXt, zTXt or iTXt chunk if it is one that fovea reads.
void read_text(std::uint32_t type, ByteSpan chunk, PngInfo* info) {
    const std::string_view keyword(reinterpret_cast<const char*>(chunk.data),
                                   chunk.size < 80 ? chunk.size : 80);
    const auto is = [&](std::string_view name) {
        return keyword.size() > name.size() && keyword.starts_with(name) &&
               keyword[name.size()] == 0;
    };
    PngText* target = nullptr;
    if (is("Raw profile type exif") || is("Raw profile type APP1")) target = &info->exif_profile;
    if (is("XML:com.adobe.xmp")) target = &info->xmp;
    if (target == nullptr || target->text.data != nullptr || !skip_string(&chunk)) return;
    std::size_t flags = 0;  // bytes before the text
    bool is_compressed = type == chunk_type("zTXt");
    if (is_compressed) flags = 1;  // the method
    if (type == chunk_type("iTXt")) {
        flags = 2;  // compressed?, the method
        is_compressed = chunk.size >= flags && chunk.data[0] == 1;
    }
    if (chunk.size < flags || (is_compressed && chunk.data[flags - 1] != 0)) return;
    chunk = {chunk.data + flags, chunk.size - flags};
    // The language, the keyword in it.
    if (type == chunk_type("iTXt") && !(skip_string(&chunk) && skip_string(&chunk))) return;
    *target = {chunk, is_compressed};
}

// Keeps what the first chunk of each kind says of the colours. Of those that conflict decode.cpp
// chooses.
void read_colors(std::uint32_t type, ByteSpan chunk, PngInfo* info) {
    if (type == chunk_type("iCCP") && info->icc.data == nullptr) {
        // The name, the method of compression.
        if (!skip_string(&chunk) || chunk.size < 1 || chunk.data[0] != 0) chunk.size = 1;
        info->icc = {chunk.data + 1, chunk.size - 1};
    } else if (type == chunk_type("sRGB")) {
        info->has_srgb = true;
    } else if (type == chunk_type("gAMA") && chunk.size == 4 && info->gamma == 0) {
        info->gamma = read_u32_big_endian(chunk.data);
    } else if (type == chunk_type("cHRM") && chunk.size == 32 && !info->has_chromaticities) {
        info->has_chromaticities = true;
        for (std::size_t i = 0; i < 8; ++i) {
            info->chromaticities[i] = read_u32_big_endian(chunk.data + 4 * i);
        }
    } else if (type == chunk_type("cICP") && chunk.size == 4) {
        // The primaries of ITU-T H.273, and sRGB's curve or that of video, which stands for it.
        const bool is_srgb = chunk.data[0] == 1 && (chunk.data[1] == 13 || chunk.data[1] == 1);
        info->has_other_coding = !is_srgb;
    }
}

Status refuse(const char** detail, const char* cause, Status status = Status::kCorruptImage) {
    *detail = cause;
    return status;
}

Status read_header(const std::uint8_t* data, std::size_t size, const Crc32& crc32, PngInfo* info,
                   const char** detail) {
    if (size < kHeaderChunkEnd) return refuse(detail, "the PNG file ends within its header");
    const std::uint8_t* chunk = data + kSignatureSize;
    const std::uint32_t type = read_u32_big_endian(chunk + 4);
    if (type == chunk_type("CgBI")) {
        return refuse(detail, "the PNG is in Apple's CgBI variant", Status::kUnsupportedImage);
    }
    if (type != chunk_type("IHDR") || read_u32_big_endian(chunk) != 13) {
        return refuse(detail, "the PNG does not start with its header chunk");
    }
    const std::uint8_t* header = chunk + 8;
    if (crc32.of(chunk + 4, 17) != read_u32_big_endian(header + 13)) {
        return refuse(detail, "the checksum of the PNG header is wrong");
    }
    info->width = read_u32_big_endian(header);
    info->height = read_u32_big_endian(header + 4);
    info->bit_depth = header[8];
    info->color_type = header[9];
    if (info->width == 0 || info->height == 0 || info->width > kMaxChunk ||
        info->height > kMaxChunk) {
        return refuse(detail, "the PNG header gives no valid size");
    }
    if (!is_legal_depth(info->color_type, info->bit_depth)) {
        return refuse(detail, "the PNG header gives no valid colour type and depth");
    }
    if (header[10] != 0 || header[11] != 0 || header[12] > 1) {
        return refuse(detail, "the PNG uses an unknown compression, filter or interlace method");
    }
    return Status::kOk;
}

}  // namespace

Status read_png_info(const std::uint8_t* data, std::size_t size, PngInfo* info,
                     const char** detail) {
    return read_header(data, size, Crc32(), info, detail);
}

Status check_png(const std::uint8_t* data, std::size_t size, PngInfo* info, const char** detail) {
    const Crc32 crc32;
    const Status status = read_header(data, size, crc32, info, detail);
    if (status != Status::kOk) return status;
    info->has_transparency = info->color_type == 4 || info->color_type == 6;
    bool has_transparency_chunk = false;
    bool has_data = false;
    bool data_ended = false;
    std::size_t data_bytes = 0;
    std::size_t at = kHeaderChunkEnd;
    while (true) {
        if (size - at < kChunkOverhead) return refuse(detail, "the PNG file is cut off");
        const std::size_t length = read_u32_big_endian(data + at);
        if (length > kMaxChunk || length > size - at - kChunkOverhead) {
            return refuse(detail, "the PNG file is cut off within a chunk");
        }
        const std::uint8_t* type_bytes = data + at + 4;
        for (int i = 0; i < 4; ++i) {
            if (!is_letter(type_bytes[i])) return refuse(detail, "a PNG chunk has no valid type");
        }
        if (crc32.of(type_bytes, length + 4) != read_u32_big_endian(type_bytes + 4 + length)) {
            return refuse(detail, "the checksum of a PNG chunk is wrong");
        }
        const std::uint32_t type = read_u32_big_endian(type_bytes);
        if (type != chunk_type("IDAT") && has_data) data_ended = true;
        if (type == chunk_type("IHDR")) {
            return refuse(detail, "the PNG has two headers");
        } else if (type == chunk_type("PLTE")) {
            const std::size_t entries = length / 3;
            const bool is_allowed =
                info->color_type == 2 || info->color_type == 6 || info->color_type == kPaletteColor;
            const bool fits =
                info->color_type != kPaletteColor || entries <= std::size_t{1} << info->bit_depth;
            if (!is_allowed || !fits || entries == 0 || entries > 256 || entries * 3 != length ||
                info->palette_at != 0 || has_transparency_chunk || has_data) {
                return refuse(detail, "the PNG palette is misplaced or has a wrong size");
            }
            info->palette_at = at;
            info->palette_entries = entries;
        } else if (type == chunk_type("tRNS")) {
            const bool is_palette = info->color_type == kPaletteColor;
            const bool fits = is_palette ? length <= info->palette_entries
                                         : length == (info->color_type == 0 ? 2U : 6U);
            if (info->has_transparency || !fits || has_data) {
                return refuse(detail,
                              "the PNG transparency chunk is misplaced or has a wrong size");
            }
            has_transparency_chunk = true;
            info->has_transparency = true;
        } else if (type == chunk_type("IDAT")) {
            if (data_ended) return refuse(detail, "the PNG data chunks are not in one run");
            if (info->color_type == kPaletteColor && info->palette_at == 0) {
                return refuse(detail, "the PNG has no palette");
            }
            has_data = true;
            data_bytes += length;
        } else if (type == chunk_type("eXIf")) {
            if (info->exif.data == nullptr) info->exif = {type_bytes + 4, length};
        } else if (type == chunk_type("tEXt") || type == chunk_type("zTXt") ||
                   type == chunk_type("iTXt")) {
            read_text(type, {type_bytes + 4, length}, info);
        } else if (type == chunk_type("iCCP") || type == chunk_type("sRGB") ||
                   type == chunk_type("gAMA") || type == chunk_type("cHRM") ||
                   type == chunk_type("cICP")) {
            if (!has_data) read_colors(type, {type_bytes + 4, length}, info);
        } else if (type == chunk_type("IEND")) {
            if (length != 0) return refuse(detail, "the PNG end chunk is not empty");
            break;
        } else if ((type_bytes[0] & 0x20) == 0) {
            return refuse(detail, "the PNG has an unknown critical chunk",
                          Status::kUnsupportedImage);
        }
        at += length + kChunkOverhead;
    }
    if (data_bytes == 0) return refuse(detail, "the PNG has no data");
    return Status::kOk;
}

}  // namespace fovea::preprocess
