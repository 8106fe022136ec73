// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"

namespace fovea::preprocess {

struct DecodeLimits {
    std::uint32_t max_side = 16384;          // pixels
    std::uint64_t max_pixels = 100'000'000;  // stb_image's 32-bit sizes allow 2^27 at most
    std::uint64_t max_bytes = std::uint64_t{1} << 30;  // working memory, the picture included
};

// Decodes a whole JPEG (baseline or progressive, 8 bits, grey or colour) or PNG (any kind) to RGB8,
// upright by its EXIF orientation. 16-bit samples keep their high byte; grey fills the three
// channels; alpha is put on black. Dimensions are checked before anything is decoded. A file that
// is cut off or damaged is refused even where its pixels could be guessed: the structure, the PNG
// checksums and every Huffman code of a JPEG are checked first, so stb_image only sees sound files.
//
// data holds size bytes and is only read. All memory comes from allocator; out is replaced on
// success and owns its pixels. *detail (may be null) is set to a static string that names the cause
// of a failure, "" on success. Any thread.
Status decode_image(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits,
                    const Allocator& allocator, Image* out, const char** detail);

}  // namespace fovea::preprocess
