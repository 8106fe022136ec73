// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"

namespace fovea::preprocess {

struct JpegInfo {
    int width = 0;
    int height = 0;
    int components = 0;
    bool is_progressive = false;
};

// Reads the frame header of a JPEG file. kCorruptImage or kUnsupportedImage with *detail otherwise.
Status read_jpeg_info(const std::uint8_t* data, std::size_t size, JpegInfo* info,
                      const char** detail);

// Walks the whole file as a decoder would, without computing pixels: marker order, tables defined
// before they are used and within bounds, every Huffman code, restart markers, no early end of the
// data, all scans there. What passes here is decoded by stb_image without guessing. *detail is a
// static string. Takes 8 bytes of memory a block for progressive files; kImageTooLarge if that is
// more than max_bytes.
Status check_jpeg(const std::uint8_t* data, std::size_t size, std::uint64_t max_bytes,
                  const Allocator& allocator, const char** detail);

}  // namespace fovea::preprocess
