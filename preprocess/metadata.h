// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/color_space.h"
#include "preprocess/image.h"
#include "preprocess/jpeg_headers.h"
#include "preprocess/png_check.h"

namespace fovea::preprocess {

// How the stored pixels of a file become an upright picture in sRGB, by what the file says of them.
struct Metadata {
    explicit Metadata(const Allocator& allocator) : to_srgb(allocator) {}

    int orientation = 1;
    bool needs_conversion = false;
    SrgbConversion to_srgb;
    bool has_unknown_colors = false;  // a profile that is damaged, or not a matrix and curves
};

// EXIF decides the orientation, XMP where EXIF has no such tag. An embedded ICC profile decides the
// colours, in a JPEG else EXIF, in a PNG else sRGB, else gAMA and cHRM. At most max_bytes are used.
// kOutOfMemory, kImageTooLarge.
Status read_metadata(const JpegInfo& info, std::uint64_t max_bytes, const Allocator& allocator,
                     Metadata* metadata);
Status read_metadata(const PngInfo& info, std::uint64_t max_bytes, const Allocator& allocator,
                     Metadata* metadata);

}  // namespace fovea::preprocess
