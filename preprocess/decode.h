// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/decode_limits.h"
#include "preprocess/photo.h"
#include "preprocess/quality_rows.h"

namespace fovea::preprocess {

// A JPEG is decoded at the smallest scale (1/1, 1/2, 1/4, 1/8) at which its sides are at least these; zeros: at full size. Where that
// leaves more than kMostScaledPixels, and half of its shorter side is enough, half of that size is kept (halved_rows.h): the longer
// side is for what sees the rows as they come.
struct LeastSides {
    std::int64_t shorter = 0;
    std::int64_t longer = 0;

    bool are_any() const { return shorter > 0 || longer > 0; }
};
inline constexpr std::int64_t kMostScaledPixels = 1'000'000;

// Decodes a whole JPEG (baseline or progressive, 8 bits, grey or colour) or PNG (any kind) to RGB8,
// upright by its orientation and in sRGB by its colour profile (metadata.h). 16-bit samples keep
// their high byte; grey fills the three channels; alpha is put on black. Dimensions are checked
// before anything is decoded. A file that is cut off or damaged is refused even where its pixels
// could be guessed: the structure, the PNG checksums before stb_image sees the file, every Huffman
// code of a JPEG (jpeg_decoder.h). Departures from the standard that leave no doubt about the pixels
// are no damage.
//
// quality, which may be null, sees all rows at the scale at which they are decoded: it can be finished then.
//
// data holds size bytes and is only read. All memory comes from allocator; out is replaced on
// success and owns its pixels. *detail (may be null) is set to a static string that names the cause
// of a failure; on success, what is worth a warning, or "". Any thread.
Status decode_image(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits,
                    const LeastSides& least, const Allocator& allocator, Photo* out, QualityRows* quality,
                    const char** detail);

// At full size.
Status decode_image(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits,
                    const Allocator& allocator, Image* out, const char** detail);

}  // namespace fovea::preprocess
