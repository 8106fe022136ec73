// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"

namespace fovea::preprocess {

// Order of the bytes of a pixel.
enum class PixelFormat { kRgb, kRgba, kBgr, kBgra };

// Pixels owned by somebody else, as a camera or a decoder leaves them.
struct CameraPixels {
    const std::uint8_t* data = nullptr;
    int width = 0;  // of the stored rows
    int height = 0;
    std::ptrdiff_t stride = 0;  // bytes from one row to the next, at least those of a row
    PixelFormat format = PixelFormat::kRgb;
};

// The EXIF orientation (1 to 8) that says "turn the picture clockwise by that many degrees to stand
// upright"; 0 unless degrees is 0, 90, 180 or 270.
int orientation_of_rotation(int degrees);

// Packed RGB8, upright: the picture is turned and mirrored as the EXIF orientation asks. Alpha is
// put on black: each channel becomes (channel * alpha + 127) / 255. kInvalidArgument: no pixels, a
// stride below a row, an unknown format or orientation.
Status copy_upright(const CameraPixels& pixels, int orientation, const Allocator& allocator,
                    Image* out);

}  // namespace fovea::preprocess
