// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace fovea::preprocess {

// The orientation tag (0x0112) of the first directory of a TIFF block as EXIF embeds it, in either
// byte order: 1 to 8; 1 (upright) where the block is damaged or holds no such tag. size may be 0.
int exif_orientation(const std::uint8_t* tiff, std::size_t size);

// The same, found in a JPEG file (first APP1 segment with an Exif header, before the first scan) or
// in a PNG file (eXIf chunk).
int jpeg_orientation(const std::uint8_t* data, std::size_t size);
int png_orientation(const std::uint8_t* data, std::size_t size);

}  // namespace fovea::preprocess
