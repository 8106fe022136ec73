// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/bytes.h"
#include "preprocess/memory.h"

namespace fovea::preprocess {

// How a picture is to be turned, 1 to 8 as EXIF numbers it; 0 = nothing is said of it. A value that
// means nothing is 1, upright, and no other source is asked: Pillow decides so too.

// By the orientation tag (0x0112) of the first directory of a TIFF block as EXIF embeds it, in
// either byte order: the first of its values, of any type of integer. The directory of the
// thumbnail does not count. 0 as well where the block is damaged.
int exif_orientation(ByteSpan tiff);

// Whether the colours are those of Adobe RGB, by DCF 2.0: an uncalibrated colour space and the
// interoperability index R03. Cameras that write so embed no profile.
bool exif_says_adobe_rgb(ByteSpan tiff);

// By tiff:Orientation in an XMP packet, as an attribute or an element.
int xmp_orientation(ByteSpan xmp);

// The bytes that a "Raw profile type" text of a PNG spells out in hexadecimal digits, behind three
// lines: an empty one, the profile's name, the number of bytes. Empty where the text is none.
// False: out of memory.
[[nodiscard]] bool read_raw_profile(ByteSpan text, Buffer<std::uint8_t>* bytes);

// An EXIF block without the "Exif" that JPEG files put before it.
ByteSpan without_exif_header(ByteSpan block);

}  // namespace fovea::preprocess
