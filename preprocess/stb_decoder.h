// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/bytes.h"
#include "preprocess/cancel.h"
#include "preprocess/image.h"

namespace fovea::preprocess {

struct DecodedPixels {
    explicit DecodedPixels(const Allocator& allocator) : pixels(allocator) {}

    Buffer<std::uint8_t> pixels;  // packed
    int width = 0;
    int height = 0;
};

// Runs stb_image on a PNG file that has been checked; channels is 3 or 4. It never holds
// more than max_bytes. zero_fill: its memory starts as zeros. kImageTooLarge: over the limit;
// kCorruptImage: it gave up. Asks before each of its passes over the picture: gathering, inflating,
// undoing the filters (of each Adam7 part), narrowing 16 bits, other channels.
Status decode_pixels(ByteSpan file, int channels, std::uint64_t max_bytes, bool zero_fill,
                     const Cancel& cancel, DecodedPixels* out);

// The content of a zlib stream of at most some max_bytes; statuses as above. While it grows it
// holds up to kInflateFactor times as much.
inline constexpr std::uint64_t kInflateFactor = 3;
Status inflate(ByteSpan zlib, std::size_t max_bytes, Buffer<std::uint8_t>* out);

}  // namespace fovea::preprocess
