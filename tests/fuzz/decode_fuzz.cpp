// SPDX-License-Identifier: Apache-2.0
// Any bytes through the decoder, and what decodes through a preset; JPEGs at a smaller scale too, which
// must be taken or refused as at full size. A PNG runs a second time with
// its checksums made right: a fuzz engine does not guess them, and what lies behind them must be
// safe too.
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "preprocess/bytes.h"
#include "preprocess/decode.h"
#include "preprocess/exif.h"
#include "preprocess/jpeg_decoder.h"
#include "preprocess/preset.h"
#include "preprocess/quality.h"
#include "preprocess/scaled_decode.h"

namespace {

using namespace fovea;
using namespace fovea::preprocess;

void decode_and_preprocess(const std::uint8_t* data, std::size_t size) {
    DecodeLimits limits;
    limits.max_side = 4096;
    limits.max_pixels = 1 << 20;
    limits.max_bytes = 64 << 20;
    Image image;
    const char* detail = nullptr;
    const Status status = decode_image(data, size, limits, Allocator(), &image, &detail);
    // On success a detail is a warning.
    if (detail == nullptr || (status != Status::kOk && *detail == 0)) std::abort();
    if (status != Status::kOk) return;

    PresetSettings settings;
    settings.preset = static_cast<Preset>(size % 6);
    settings.output_size = 32;
    settings.sigma = 2.0;
    settings.graham_scale = 30.0;
    settings.pad_square = size % 7 == 0;
    settings.max_side = limits.max_side;
    settings.max_pixels = limits.max_pixels;
    settings.resize = size % 5 == 0 ? ResizeMethod::kArea : ResizeMethod::kLinear;
    Image picture;
    PresetGeometry geometry;
    if (apply_preset(image.view(), settings, Allocator(), &picture, &geometry) == Status::kOk &&
        (picture.width != 32 || picture.height != 32)) {
        std::abort();
    }
}

// The way of a screening, at whatever scale the file allows.
void screen(const std::uint8_t* data, std::size_t size) {
    DecodeLimits limits;
    limits.max_side = 4096;
    limits.max_pixels = 1 << 20;
    limits.max_bytes = 64 << 20;
    constexpr Preset kPresets[] = {Preset::kNone, Preset::kKaggleBenColor, Preset::kEyeq};
    PresetSettings settings;
    settings.preset = kPresets[size % 3];
    settings.output_size = 2;
    settings.sigma = 2.0;
    settings.resize = ResizeMethod::kArea;
    settings.scaled_decoding = 2 + static_cast<int>(size % 2);
    Photo photo;
    QualityRows rows{Allocator()};
    QualityCopies copies{Allocator()};
    const char* detail = nullptr;
    const Status status = decode_for_preset(data, size, limits, settings, 0, Allocator(), &photo, &rows, &detail);
    if (detail == nullptr || (status != Status::kOk && *detail == 0)) std::abort();
    if (status != Status::kOk || photo.is_full_size()) return;  // as above, then
    QualityReport report;
    Image picture;
    if (rows.finish(&copies) != Status::kOk || assess_quality(std::move(copies), Allocator(), &report) != Status::kOk) std::abort();
    const Status made = apply_preset(photo.image.view(), settings, Allocator(), &picture, nullptr);
    if (made == Status::kOk && (picture.width != settings.output_size || picture.height != settings.output_size)) std::abort();
}

struct Rows {
    int next = 0;
    std::size_t bytes = 0;
    std::uint32_t sum = 0;
};

Status take_row(void* cookie, int y, std::uint8_t* row) {
    auto* rows = static_cast<Rows*>(cookie);
    if (y != rows->next++) std::abort();
    for (std::size_t i = 0; i < rows->bytes; ++i) rows->sum += row[i];
    return Status::kOk;
}

Status decode_scaled(const std::uint8_t* data, std::size_t size, JpegScale scale) {
    const DecodeLimits limits;
    JpegDecoder decoder(data, size, limits, Allocator());
    const char* detail = nullptr;
    Status status = decoder.read_frame(&detail);
    if (status != Status::kOk) return status;
    constexpr std::int64_t kMaxPixels = 1 << 20;
    if (std::int64_t{decoder.frame().width} * decoder.frame().height > kMaxPixels) return status;
    status = decoder.read_headers(&detail);
    if (status != Status::kOk) return status;
    decoder.plan(scale);
    Rows rows;
    rows.bytes = std::size_t{3} * static_cast<std::size_t>(decoder.width());
    status = decoder.decode({&take_row, &rows}, &detail);
    if (status == Status::kOk && rows.next != decoder.height()) std::abort();
    if (status != Status::kOk && *detail == 0) std::abort();
    return status;
}

void correct_checksums(std::uint8_t* png, std::size_t size) {
    std::size_t at = 8;
    while (size >= 12 && at <= size - 12) {
        const std::size_t length = read_u32_big_endian(png + at);
        if (length > size - 12 - at) return;
        std::uint32_t crc = 0xFFFFFFFFU;
        for (std::size_t i = at + 4; i < at + 8 + length; ++i) {
            crc ^= png[i];
            for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xEDB88320U : crc >> 1;
        }
        crc = ~crc;
        for (int i = 0; i < 4; ++i) {
            png[at + 8 + length + static_cast<std::size_t>(i)] =
                static_cast<std::uint8_t>(crc >> (24 - 8 * i));
        }
        at += length + 12;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // An allocation of exactly that size, so that a read beyond it is seen.
    auto* copy = static_cast<std::uint8_t*>(std::calloc(size == 0 ? 1 : size, 1));
    if (copy == nullptr) return 0;
    if (size > 0) std::memcpy(copy, data, size);
    for (const int orientation : {exif_orientation({copy, size}), xmp_orientation({copy, size})}) {
        if (orientation < 0 || orientation > 8) std::abort();
    }
    decode_and_preprocess(copy, size);
    if (size > 2 && copy[0] == 0xFF && copy[1] == 0xD8) {
        screen(copy, size);
        constexpr JpegScale kSmaller[] = {JpegScale::kHalf, JpegScale::kQuarter, JpegScale::kEighth};
        const Status full = decode_scaled(copy, size, JpegScale::kFull);
        if (decode_scaled(copy, size, kSmaller[size % 3]) != full) std::abort();
    }
    if (size > 0 && copy[0] == 0x89) {
        correct_checksums(copy, size);
        decode_and_preprocess(copy, size);
    }
    std::free(copy);
    return 0;
}
