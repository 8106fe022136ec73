// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/bytes.h"
#include "preprocess/decode_limits.h"
#include "preprocess/image.h"
#include "preprocess/mended_jpeg.h"

namespace fovea::preprocess {

struct JpegInfo {
    int width = 0;
    int height = 0;
    int components = 0;
    bool is_progressive = false;

    // Of what stands before the first scan. All data pointers are into the file.
    ByteSpan exif;  // the TIFF block of the first EXIF segment
    ByteSpan xmp;   // the first XMP packet
    static constexpr int kMaxIccParts = 255;
    ByteSpan icc_parts[kMaxIccParts];  // part i of icc_part_count in its place
    int icc_part_count = 0;            // 0 = none
    bool icc_is_sound = true;          // the parts that are there agree on their number

    bool has_stray_bytes = false;  // bytes that are no part of the image follow its data
};

// Reads the frame header of a JPEG file: the size, components and is_progressive. kCorruptImage or
// kUnsupportedImage with *detail otherwise.
Status read_jpeg_info(const std::uint8_t* data, std::size_t size, JpegInfo* info,
                      const char** detail);

// Walks the file as a decoder would, without computing pixels, until the image is whole: marker
// order, tables defined before they are used and within bounds, every Huffman code, restart
// markers, no early end of the data, all scans there. What passes here, as mended, is decoded by
// stb_image without guessing; departures from the standard that leave no doubt about the pixels are
// mended, as far as libjpeg takes them too. Fills the rest of info. *detail is a static string.
//
// kImageTooLarge: decoding would need more memory than limits.max_bytes, known from the header; or
// a progressive file's scans visit its blocks more than kMaxScanPasses times. kCancelled: as asked.
Status check_jpeg(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits,
                  const Allocator& allocator, JpegInfo* info, MendedJpeg* mended,
                  const char** detail);

// How often the scans of a progressive file may visit each block on average. The usual script
// visits luminance 6 times; one scan for every coefficient makes 64. A visit takes some 20 ns: 100
// of them are at most 0.1 seconds a megapixel.
inline constexpr int kMaxScanPasses = 100;

}  // namespace fovea::preprocess
