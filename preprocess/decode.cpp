// SPDX-License-Identifier: Apache-2.0
#include "preprocess/decode.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "preprocess/bytes.h"
#include "preprocess/camera_pixels.h"
#include "preprocess/halved_rows.h"
#include "preprocess/jpeg_decoder.h"
#include "preprocess/metadata.h"
#include "preprocess/png_check.h"
#include "preprocess/stb_decoder.h"
#include "preprocess/upright_rows.h"

namespace fovea::preprocess {
namespace {

// stb_image multiplies sizes in 32 bits: 8 bytes a pixel must stay below 2^31.
constexpr std::uint64_t kMaxPixels = std::uint64_t{1} << 27;
constexpr std::size_t kMaxFileBytes = std::size_t{1} << 30;

Status refuse(const char** detail, const char* cause, Status status) {
    *detail = cause;
    return status;
}

bool starts_with(const std::uint8_t* data, std::size_t size, const char* bytes, std::size_t count, std::size_t at = 0) {
    return size >= at + count && std::memcmp(data + at, bytes, count) == 0;
}

// Bytes in place: a pointer to them would take more room than they do.
struct Signature {
    char bytes[9];
    std::uint8_t count;
    std::uint8_t at;
    const char* detail;
};

// Formats that people have, so that the message can say what the file is.
constexpr Signature kOtherFormats[] = {
    {"WEBP", 4, 8, "the file is a WebP image; convert it to JPEG or PNG"},
    {"GIF8", 4, 0, "the file is a GIF image; convert it to JPEG or PNG"},
    {"BM", 2, 0, "the file is a BMP image; convert it to JPEG or PNG"},
    {"II*\0", 4, 0, "the file is a TIFF image; convert it to JPEG or PNG"},
    {"MM\0*", 4, 0, "the file is a TIFF image; convert it to JPEG or PNG"},
    {"II\xBC", 3, 0, "the file is a JPEG XR image; convert it to JPEG or PNG"},
    {"II+\0", 4, 0, "the file is a BigTIFF image; convert it to JPEG or PNG"},
    {"MM\0+", 4, 0, "the file is a BigTIFF image; convert it to JPEG or PNG"},
    {"%PDF", 4, 0, "the file is a PDF document"},
    {"DICM", 4, 128, "the file is a DICOM image; export it as JPEG or PNG"},
    {"\0\0\0\x0CjP  ", 8, 0, "the file is a JPEG 2000 image; convert it to JPEG or PNG"},
    {"\xFF\x4F\xFF\x51", 4, 0, "the file is a JPEG 2000 image; convert it to JPEG or PNG"},
    {"\xFF\x0A", 2, 0, "the file is a JPEG XL image; convert it to JPEG or PNG"},
    {"\0\0\0\x0CJXL ", 8, 0, "the file is a JPEG XL image; convert it to JPEG or PNG"},
    {"8BPS", 4, 0, "the file is a Photoshop image; convert it to JPEG or PNG"},
    {"PK\x03\x04", 4, 0, "the file is a ZIP archive"},
};

// PPM, PGM and PBM: "P1" to "P6", then a number or a comment.
bool is_pnm(const std::uint8_t* data, std::size_t size) {
    if (size < 4 || data[0] != 'P' || data[1] < '1' || data[1] > '6' ||
        (data[2] != ' ' && data[2] != '\n' && data[2] != '\r' && data[2] != '\t'))
        return false;
    return data[3] == '#' || (data[3] >= '0' && data[3] <= '9');
}

struct Brand {
    char name[5];
    const char* detail;
};

// Of files that begin with an "ftyp" box. In this order: a file may bear
// several, and the general ones say less.
constexpr Brand kBrands[] = {
    {"avif", "the file is an AVIF image; convert it to JPEG or PNG"},
    {"avis", "the file is an AVIF image sequence; convert it to JPEG or PNG"},
    {"heic", "the file is a HEIC image; convert it to JPEG or PNG"},
    {"heix", "the file is a HEIC image; convert it to JPEG or PNG"},
    {"heim", "the file is a HEIC image; convert it to JPEG or PNG"},
    {"heis", "the file is a HEIC image; convert it to JPEG or PNG"},
    {"hevc", "the file is a HEIC image sequence; convert it to JPEG or PNG"},
    {"hevx", "the file is a HEIC image sequence; convert it to JPEG or PNG"},
    {"hevm", "the file is a HEIC image sequence; convert it to JPEG or PNG"},
    {"hevs", "the file is a HEIC image sequence; convert it to JPEG or PNG"},
    {"mif1", "the file is a HEIF image; convert it to JPEG or PNG"},
    {"mif2", "the file is a HEIF image; convert it to JPEG or PNG"},
    {"msf1", "the file is a HEIF image sequence; convert it to JPEG or PNG"},
    {"crx ", "the file is a Canon raw image; convert it to JPEG or PNG"},
};

// What a file is that begins with an "ftyp" box: its major brand, a version,
// compatible brands.
const char* media_detail(const std::uint8_t* data, std::size_t size) {
    constexpr std::size_t kMajor = 8, kCompatible = 16, kBrandSize = 4, kMostBrands = 32;
    std::size_t end = std::min<std::size_t>(size, kCompatible + kMostBrands * kBrandSize);
    if (size >= kBrandSize) end = std::min<std::size_t>(end, read_u32_big_endian(data));
    for (const Brand& brand : kBrands) {
        if (starts_with(data, size, brand.name, kBrandSize, kMajor)) return brand.detail;
        for (std::size_t at = kCompatible; at + kBrandSize <= end; at += kBrandSize) {
            if (starts_with(data, size, brand.name, kBrandSize, at)) return brand.detail;
        }
    }
    return "the file is a video";
}

Status check_limits(std::uint64_t width, std::uint64_t height, const DecodeLimits& limits, const char** detail) {
    if (width > limits.max_side || height > limits.max_side) {
        return refuse(detail, "a side of the image exceeds the limit", Status::kImageTooLarge);
    }
    if (width * height > std::min(limits.max_pixels, kMaxPixels)) {
        return refuse(detail, "the image has more pixels than the limit", Status::kImageTooLarge);
    }
    return Status::kOk;
}

constexpr const char* kNeedsMemory = "decoding needs more memory than the limit";

constexpr const char* kCancelled = "the decoding was cancelled";

constexpr const char* kStrayBytes = "bytes that are no part of the image follow its data; it may be damaged";
constexpr const char* kUnknownColors =
    "the colour profile is of no kind that can be converted to sRGB; the colours may be off";
constexpr const char* kBothWarnings =
    "bytes that are no part of the image follow its data, and its colour profile cannot be converted "
    "to sRGB; it may be damaged, and its colours off";

// Decodes, converts and turns upright. channels is 3 or 4.
Status decode_checked(ByteSpan file, int channels, const Metadata& metadata, const DecodeLimits& limits,
                      std::uint64_t max_bytes, bool zero_fill, const Allocator& allocator, Image* out,
                      const char** detail) {
    DecodedPixels decoded(allocator);
    const Status decoding = decode_pixels(file, channels, max_bytes, zero_fill, limits.cancel, &decoded);
    if (decoding == Status::kCancelled) return refuse(detail, kCancelled, decoding);
    if (decoding == Status::kImageTooLarge) return refuse(detail, kNeedsMemory, decoding);
    if (decoding == Status::kOutOfMemory) return refuse(detail, "out of memory", decoding);
    if (decoding != Status::kOk) return refuse(detail, "the image data are damaged", decoding);
    Pace pace(limits.cancel);
    for (int y = 0; metadata.needs_conversion && y < decoded.height; ++y) {
        if (pace.is_stopped_after(8 * std::int64_t{decoded.width}))
            return refuse(detail, kCancelled, Status::kCancelled);
        const auto width = static_cast<std::size_t>(decoded.width);
        metadata.to_srgb.convert(
            decoded.pixels.data() + static_cast<std::size_t>(y) * width * static_cast<std::size_t>(channels), width,
            channels);
    }
    if (channels == 3 && metadata.orientation == 1) {
        Image image(allocator);
        image.pixels = std::move(decoded.pixels);
        image.width = decoded.width;
        image.height = decoded.height;
        *out = std::move(image);
        return Status::kOk;
    }
    const std::uint64_t used = static_cast<std::uint64_t>(decoded.width) * static_cast<std::uint64_t>(decoded.height);
    if (used * 3 > max_bytes - used * static_cast<std::uint64_t>(channels)) {
        return refuse(detail, kNeedsMemory, Status::kImageTooLarge);
    }
    const Status status = copy_upright(packed_pixels(decoded.pixels.data(), decoded.width, decoded.height,
                                                     channels == 4 ? PixelFormat::kRgba : PixelFormat::kRgb),
                                       metadata.orientation, allocator, out, limits.cancel);
    if (status == Status::kCancelled) return refuse(detail, kCancelled, status);
    return status == Status::kOk ? status : refuse(detail, "out of memory", status);
}

Status refuse_memory(const char** detail, Status status) {
    return refuse(detail, status == Status::kOutOfMemory ? "out of memory" : kNeedsMemory, status);
}

// Where decoded rows become a picture.
struct PictureSink {
    const SrgbConversion* conversion;  // null: none is needed
    UprightRows upright;
    int width;
    Image* image;
    HalvedRows* halved;    // null: the picture has all rows
    QualityRows* quality;  // may be null

    static Status take(void* cookie, int y, std::uint8_t* row) {
        const auto* self = static_cast<const PictureSink*>(cookie);
        if (self->conversion != nullptr) {
            self->conversion->convert(row, static_cast<std::size_t>(self->width), 3);
        }
        if (self->quality != nullptr) self->quality->take(row);
        if (self->halved == nullptr) {
            self->upright.put(row, y, self->image);
        } else if (const std::uint8_t* half = self->halved->take(row)) {
            self->upright.put(half, y / 2, self->image);
        }
        return Status::kOk;
    }
};

bool keeps_half(int width, int height, const LeastSides& least) {
    return least.are_any() && std::int64_t{width} * height > kMostScaledPixels &&
           (std::min(width, height) + 1) / 2 >= least.shorter;
}

JpegScale choose_scale(const JpegFrame& frame, const LeastSides& least) {
    if (!least.are_any()) return JpegScale::kFull;
    for (const JpegScale scale : {JpegScale::kEighth, JpegScale::kQuarter, JpegScale::kHalf}) {
        const int width = scaled_side(frame.width, scale);
        const int height = scaled_side(frame.height, scale);
        if (std::min(width, height) >= least.shorter && std::max(width, height) >= least.longer) return scale;
    }
    return JpegScale::kFull;
}

Status decode_jpeg(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits, const LeastSides& least,
                   const Allocator& allocator, Photo* out, QualityRows* quality, const char** detail) {
    JpegDecoder decoder(data, size, limits, allocator);
    Status status = decoder.read_frame(detail);
    if (status != Status::kOk) return status;
    status = check_limits(static_cast<std::uint64_t>(decoder.frame().width),
                          static_cast<std::uint64_t>(decoder.frame().height), limits, detail);
    if (status != Status::kOk) return status;
    if (decoder.frame().component_count == 4) {
        return refuse(detail, "the JPEG is in CMYK colours; convert it to RGB", Status::kUnsupportedImage);
    }
    status = decoder.read_headers(detail);
    if (status != Status::kOk) return status;
    decoder.plan(choose_scale(decoder.frame(), least));
    const int width = decoder.width(), height = decoder.height();
    const bool is_halved = keeps_half(width, height, least);
    const int kept_width = is_halved ? (width + 1) / 2 : width;
    const int kept_height = is_halved ? (height + 1) / 2 : height;
    const std::uint64_t picture_bytes =
        static_cast<std::uint64_t>(kept_width) * static_cast<std::uint64_t>(kept_height) * 3;
    std::uint64_t needed = decoder.working_bytes() + picture_bytes;
    if (is_halved) needed += HalvedRows::bytes_for(width);
    if (needed > limits.max_bytes) return refuse_memory(detail, Status::kImageTooLarge);
    Metadata metadata(allocator);
    status = read_metadata(decoder.info(), limits.max_bytes, allocator, &metadata);
    if (status != Status::kOk) return refuse_memory(detail, status);
    if (metadata.needs_conversion) needed += SrgbConversion::kTableBytes;
    if (needed > limits.max_bytes) return refuse_memory(detail, Status::kImageTooLarge);
    const UprightRows upright(kept_width, kept_height, metadata.orientation);
    Image image(allocator);
    HalvedRows halved(allocator);
    if (!upright.allocate(&image) || (is_halved && !halved.begin(width, height)))
        return refuse_memory(detail, Status::kOutOfMemory);
    if (quality != nullptr) {
        status = quality->begin(width, height, decoder.frame().width, decoder.frame().height, metadata.orientation);
        if (status != Status::kOk) return refuse_memory(detail, status);
    }
    PictureSink sink = {metadata.needs_conversion ? &metadata.to_srgb : nullptr,
                        upright,
                        width,
                        &image,
                        is_halved ? &halved : nullptr,
                        quality};
    status = decoder.decode({&PictureSink::take, &sink}, detail);
    if (status != Status::kOk) return status;
    out->image = std::move(image);
    out->width = decoder.frame().width;
    out->height = decoder.frame().height;
    if (upright.is_sideways()) std::swap(out->width, out->height);
    if (decoder.has_stray_bytes()) {
        *detail = metadata.has_unknown_colors ? kBothWarnings : kStrayBytes;
    } else if (metadata.has_unknown_colors) {
        *detail = kUnknownColors;
    }
    return status;
}

// stb_image looks up palette indices beyond the palette in uninitialised
// memory: a copy of the file whose palette is filled up with black.
bool fill_palette(const std::uint8_t* data, std::size_t size, const PngInfo& info, Buffer<std::uint8_t>* copy) {
    const std::size_t wanted = std::size_t{1} << info.bit_depth;
    const std::size_t added = (wanted - info.palette_entries) * 3;
    if (!copy->allocate(size + added)) return false;
    const std::size_t kept = info.palette_at + 8 + info.palette_entries * 3;
    std::memcpy(copy->data(), data, kept);
    std::memset(copy->data() + kept, 0, added);
    std::memcpy(copy->data() + kept + added, data + kept, size - kept);
    const std::size_t length = wanted * 3;
    (*copy)[info.palette_at + 2] = static_cast<std::uint8_t>(length >> 8);
    (*copy)[info.palette_at + 3] = static_cast<std::uint8_t>(length & 255);
    return true;
}

Status decode_png(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits, const Allocator& allocator,
                  Image* out, const char** detail) {
    PngInfo info;
    Status status = read_png_info(data, size, &info, detail);
    if (status != Status::kOk) return status;
    status = check_limits(info.width, info.height, limits, detail);
    if (status != Status::kOk) return status;
    status = check_png(data, size, &info, detail);
    if (status != Status::kOk) return status;
    Metadata metadata(allocator);
    status = read_metadata(info, limits.max_bytes, allocator, &metadata);
    if (status != Status::kOk) return refuse_memory(detail, status);
    const int channels = info.has_transparency ? 4 : 3;
    std::uint64_t max_bytes = limits.max_bytes;
    if (metadata.needs_conversion) max_bytes -= SrgbConversion::kTableBytes;
    Buffer<std::uint8_t> filled(allocator);
    if (info.color_type == 3 && info.palette_entries < std::size_t{1} << info.bit_depth) {
        if (size + 768 > max_bytes) {
            return refuse(detail, "decoding needs more memory than the limit", Status::kImageTooLarge);
        }
        if (!fill_palette(data, size, info, &filled)) {
            return refuse(detail, "out of memory", Status::kOutOfMemory);
        }
        data = filled.data();
        size = filled.size();
        max_bytes -= size;
    }
    // Zeroed: a deflate distance of zero, which stb_image lets pass, copies what
    // was never written.
    status = decode_checked({data, size}, channels, metadata, limits, max_bytes, true, allocator, out, detail);
    if (status == Status::kOk && metadata.has_unknown_colors) *detail = kUnknownColors;
    return status;
}

}  // namespace

Status decode_image(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits, const LeastSides& least,
                    const Allocator& allocator, Photo* out, QualityRows* quality, const char** detail) {
    const char* unused;
    if (detail == nullptr) detail = &unused;
    *detail = "";
    if ((data == nullptr && size > 0) || out == nullptr) {
        return refuse(detail, "no data", Status::kInvalidArgument);
    }
    if (size == 0) return refuse(detail, "the file is empty", Status::kNotAnImage);
    const bool is_jpeg = starts_with(data, size, "\xFF\xD8\xFF", 3);
    const bool is_png = starts_with(data, size, "\x89PNG\r\n\x1A\n", 8);
    if (is_jpeg || is_png) {
        if (size > kMaxFileBytes) {
            return refuse(detail, "the file is larger than 1 GiB", Status::kImageTooLarge);
        }
        if (is_jpeg) return decode_jpeg(data, size, limits, least, allocator, out, quality, detail);
        Image image(allocator);
        Status status = decode_png(data, size, limits, allocator, &image, detail);
        if (status == Status::kOk && quality != nullptr) {
            status = quality->begin(image.width, image.height, image.width, image.height, 1);
            if (status != Status::kOk) return refuse_memory(detail, status);
            Pace pace(limits.cancel);
            for (int y = 0; y < image.height; ++y) {
                if (pace.is_stopped_after(2 * std::int64_t{image.width}))
                    return refuse(detail, kCancelled, Status::kCancelled);
                quality->take(image.row(y));
            }
        }
        if (status == Status::kOk) *out = Photo(std::move(image));
        return status;
    }
    if (starts_with(data, size, "ftyp", 4, 4)) {
        return refuse(detail, media_detail(data, size), Status::kUnsupportedImage);
    }
    for (const Signature& format : kOtherFormats) {
        if (starts_with(data, size, format.bytes, format.count, format.at)) {
            return refuse(detail, format.detail, Status::kUnsupportedImage);
        }
    }
    if (is_pnm(data, size)) {
        return refuse(detail, "the file is a PNM image; convert it to JPEG or PNG", Status::kUnsupportedImage);
    }
    return refuse(detail, "the file is neither JPEG nor PNG", Status::kNotAnImage);
}

Status decode_image(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits, const Allocator& allocator,
                    Image* out, const char** detail) {
    Photo photo(allocator);
    const Status status =
        decode_image(data, size, limits, {}, allocator, out == nullptr ? nullptr : &photo, nullptr, detail);
    if (status == Status::kOk) *out = std::move(photo.image);
    return status;
}

}  // namespace fovea::preprocess
