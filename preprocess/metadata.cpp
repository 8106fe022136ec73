// SPDX-License-Identifier: Apache-2.0
#include "preprocess/metadata.h"

#include <algorithm>
#include <cstring>

#include "preprocess/exif.h"
#include "preprocess/stb_decoder.h"

namespace fovea::preprocess {
namespace {

// What inflates to more is not taken for a text or a profile of a matrix.
constexpr std::uint64_t kMaxTextBytes = std::uint64_t{1} << 20;

// kOutOfMemory, or kOk with the content in *buffer, empty where there is none to be had.
Status inflate_small(ByteSpan zlib, std::uint64_t max_bytes, Buffer<std::uint8_t>* buffer) {
    const auto most = static_cast<std::size_t>(std::min(kMaxTextBytes, max_bytes / kInflateFactor));
    const Status status = inflate(zlib, most, buffer);
    return status == Status::kOutOfMemory ? status : Status::kOk;
}

Status read_text(const PngText& source, std::uint64_t max_bytes, Buffer<std::uint8_t>* buffer,
                 ByteSpan* text) {
    *text = source.text;
    if (!source.is_compressed) return Status::kOk;
    const Status status = inflate_small(source.text, max_bytes, buffer);
    *text = {buffer->data(), buffer->size()};
    return status;
}

// The EXIF block of a PNG: of its own chunk, or else of a text, spelled out into *buffer.
Status read_exif(const PngInfo& info, std::uint64_t max_bytes, const Allocator& allocator,
                 Buffer<std::uint8_t>* buffer, ByteSpan* exif) {
    *exif = without_exif_header(info.exif);
    if (info.exif.data != nullptr) return Status::kOk;
    Buffer<std::uint8_t> inflated(allocator);
    ByteSpan text;
    const Status status = read_text(info.exif_profile, max_bytes, &inflated, &text);
    if (status != Status::kOk) return status;
    if (text.size / 2 + inflated.size() > max_bytes) return Status::kImageTooLarge;
    if (!read_raw_profile(text, buffer)) return Status::kOutOfMemory;
    *exif = without_exif_header({buffer->data(), buffer->size()});
    return Status::kOk;
}

// Each only where what comes before it says nothing; as Pillow decides it.
Status read_orientation(const PngInfo& info, ByteSpan exif, std::uint64_t max_bytes,
                        const Allocator& allocator, int* orientation) {
    int found = exif_orientation(exif);
    Status status = Status::kOk;
    if (found == 0) {
        Buffer<std::uint8_t> inflated(allocator);
        ByteSpan text;
        status = read_text(info.xmp, max_bytes, &inflated, &text);
        if (status == Status::kOk) found = xmp_orientation(text);
    }
    *orientation = found != 0 ? found : 1;
    return status;
}

enum class Colors { kSrgb, kOther, kUnknown };

Status convert_from(Colors colors, const ColorSpace& space, std::uint64_t max_bytes,
                    const Allocator& allocator, Metadata* metadata) {
    metadata->has_unknown_colors = colors == Colors::kUnknown;
    if (colors != Colors::kOther) return Status::kOk;
    if (max_bytes < SrgbConversion::kTableBytes) return Status::kImageTooLarge;
    SrgbConversion conversion(allocator);
    if (!conversion.prepare(space)) return Status::kOutOfMemory;
    if (conversion.is_identity()) return Status::kOk;
    metadata->needs_conversion = true;
    metadata->to_srgb = std::move(conversion);
    return Status::kOk;
}

Colors colors_of_icc(ByteSpan profile, bool is_gray, ColorSpace* space) {
    return read_icc_profile(profile, is_gray, space) ? Colors::kOther : Colors::kUnknown;
}

Status read_colors(const JpegInfo& info, std::uint64_t max_bytes, const Allocator& allocator,
                   Colors* colors, ColorSpace* space) {
    *colors = Colors::kUnknown;
    if (!info.icc_is_sound) return Status::kOk;
    std::size_t total = 0;
    for (int i = 0; i < info.icc_part_count; ++i) {
        if (info.icc_parts[i].data == nullptr) return Status::kOk;
        total += info.icc_parts[i].size;
    }
    if (total > max_bytes) return Status::kImageTooLarge;
    ByteSpan profile = info.icc_parts[0];
    Buffer<std::uint8_t> joined(allocator);
    if (info.icc_part_count > 1) {
        if (!joined.allocate(total)) return Status::kOutOfMemory;
        std::size_t at = 0;
        for (int i = 0; i < info.icc_part_count; ++i) {
            const ByteSpan part = info.icc_parts[i];
            if (part.size > 0) std::memcpy(joined.data() + at, part.data, part.size);
            at += part.size;
        }
        profile = {joined.data(), total};
    }
    *colors = colors_of_icc(profile, info.components == 1, space);
    return Status::kOk;
}

// By a chunk of the PNG's own, or else by the EXIF block, as in a JPEG.
Status read_colors(const PngInfo& info, ByteSpan exif, std::uint64_t max_bytes,
                   const Allocator& allocator, Colors* colors, ColorSpace* space) {
    const bool is_gray = info.color_type == 0 || info.color_type == 4;
    *colors = Colors::kUnknown;
    if (info.has_other_coding) return Status::kOk;
    if (info.icc.data != nullptr) {
        Buffer<std::uint8_t> profile(allocator);
        const Status status = inflate_small(info.icc, max_bytes, &profile);
        if (status == Status::kOk) {
            *colors = colors_of_icc({profile.data(), profile.size()}, is_gray, space);
        }
        return status;
    }
    *colors = Colors::kSrgb;
    if (info.has_srgb) return Status::kOk;
    if (info.gamma == 0 && !info.has_chromaticities) {
        if (is_gray || !exif_says_adobe_rgb(exif)) return Status::kOk;
        adobe_rgb_color_space(space);
        *colors = Colors::kOther;
        return Status::kOk;
    }
    const bool has_primaries = info.has_chromaticities && !is_gray;
    const bool is_known =
        png_color_space(info.gamma, has_primaries ? info.chromaticities : nullptr, space);
    *colors = is_known ? Colors::kOther : Colors::kUnknown;
    return Status::kOk;
}

}  // namespace

Status read_metadata(const JpegInfo& info, std::uint64_t max_bytes, const Allocator& allocator,
                     Metadata* metadata) {
    const int by_exif = exif_orientation(info.exif);
    const int found = by_exif != 0 ? by_exif : xmp_orientation(info.xmp);
    metadata->orientation = found != 0 ? found : 1;
    ColorSpace space;
    if (info.icc_part_count == 0 && info.icc_is_sound) {
        if (info.components != 3 || !exif_says_adobe_rgb(info.exif)) return Status::kOk;
        adobe_rgb_color_space(&space);
        return convert_from(Colors::kOther, space, max_bytes, allocator, metadata);
    }
    Colors colors;
    const Status status = read_colors(info, max_bytes, allocator, &colors, &space);
    if (status != Status::kOk) return status;
    return convert_from(colors, space, max_bytes, allocator, metadata);
}

Status read_metadata(const PngInfo& info, std::uint64_t max_bytes, const Allocator& allocator,
                     Metadata* metadata) {
    Buffer<std::uint8_t> buffer(allocator);
    ByteSpan exif;
    Status status = read_exif(info, max_bytes, allocator, &buffer, &exif);
    if (status != Status::kOk) return status;
    status = read_orientation(info, exif, max_bytes, allocator, &metadata->orientation);
    if (status != Status::kOk) return status;
    Colors colors;
    ColorSpace space;
    status = read_colors(info, exif, max_bytes, allocator, &colors, &space);
    if (status != Status::kOk) return status;
    return convert_from(colors, space, max_bytes, allocator, metadata);
}

}  // namespace fovea::preprocess
