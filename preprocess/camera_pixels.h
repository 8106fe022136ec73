// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/cancel.h"
#include "preprocess/image.h"

namespace fovea::preprocess {

enum class PixelFormat {
    kRgb,
    kRgba,
    kBgr,
    kBgra,
    kGray,
    kNv12,    // planes: Y; U and V in turn
    kNv21,    // planes: Y; V and U in turn
    kYuv420,  // planes: Y; U; V
};

// Of the YUV formats, ITU-R BT.601.
enum class YuvRange { kLimited, kFull };

struct PixelPlane {
    const std::uint8_t* data = nullptr;
    std::size_t stride = 0;        // bytes from one row to the next, at least those of a row
    std::size_t pixel_stride = 0;  // bytes from one pixel (or pair of U and V) to the next; 0 = they touch
    std::size_t size = 0;          // bytes from data on that may be read; 0 = not said
};

inline constexpr int kMaxPlanes = 3;

// Pixels owned by somebody else, as a camera or a decoder leaves them. U and V have a sample for a block of two by
// two pixels, which at an odd right or lower edge is narrower or lower.
struct CameraPixels {
    int width = 0;  // of the stored rows
    int height = 0;
    PixelFormat format = PixelFormat::kRgb;
    YuvRange range = YuvRange::kLimited;
    PixelPlane planes[kMaxPlanes] = {};
};

// A picture of one plane whose rows and pixels touch.
CameraPixels packed_pixels(const std::uint8_t* data, int width, int height, PixelFormat format);

// Why the planes cannot be a picture of that size and format, and *plane which of them; null when they can: each is
// there, its rows hold their pixels, all lies in memory and within the plane's size, and no byte has two meanings.
// Width and height are at least 1, the format is one.
const char* plane_problem(const CameraPixels& pixels, int* plane);

// The EXIF orientation (1 to 8) that says "turn the picture clockwise by that many degrees to stand
// upright, then mirror it left to right, if it is mirrored"; 0 unless degrees is 0, 90, 180 or 270.
int orientation_of_rotation(int degrees, bool mirrored);

// Packed RGB8, upright: the picture is turned and mirrored as the EXIF orientation asks. Alpha is
// put on black: each channel becomes (channel * alpha + 127) / 255. Y, U and V become RGB as the
// public header says at fovea_yuv. Reads the bytes of the pixels alone. kInvalidArgument: a picture without pixels,
// a plane_problem, an unknown format or orientation. Else kOutOfMemory, kCancelled.
Status copy_upright(const CameraPixels& pixels, int orientation, const Allocator& allocator,
                    Image* out, const Cancel& cancel = {});

}  // namespace fovea::preprocess
