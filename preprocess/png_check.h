// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/bytes.h"
#include "preprocess/image.h"

namespace fovea::preprocess {

// The text of a tEXt, zTXt or iTXt chunk.
struct PngText {
    ByteSpan text;  // null = there is none
    bool is_compressed = false;
};

struct PngInfo {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    int bit_depth = 0;
    int color_type = 0;
    bool has_transparency = false;  // an alpha channel or a tRNS chunk
    std::size_t palette_at = 0;     // offset of the PLTE chunk's length field; 0 = none
    std::size_t palette_entries = 0;
    // The first of each, wherever it stands. All pointers are into the file.
    ByteSpan exif;         // eXIf
    PngText exif_profile;  // EXIF as older programs write it: hexadecimal digits in a text
    PngText xmp;
    ByteSpan icc;  // iCCP, compressed
    bool has_srgb = false;
    std::uint32_t gamma = 0;  // gAMA; 0 = none
    bool has_chromaticities = false;
    std::uint32_t chromaticities[8] = {};  // cHRM
    bool has_other_coding = false;         // cICP says that the colours are not sRGB's
};

// Reads the IHDR chunk: width, height, bit_depth and color_type.
Status read_png_info(const std::uint8_t* data, std::size_t size, PngInfo* info,
                     const char** detail);

// Walks all chunks to IEND: bounds, order, sizes, the checksum of each. Fills the rest of info.
// *detail is a static string.
Status check_png(const std::uint8_t* data, std::size_t size, PngInfo* info, const char** detail);

}  // namespace fovea::preprocess
