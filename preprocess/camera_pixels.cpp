// SPDX-License-Identifier: Apache-2.0
#include "preprocess/camera_pixels.h"

#include <algorithm>
#include <cstring>

namespace fovea::preprocess {
namespace {

constexpr int kTile = 32;  // pixels: a turned copy stays within the first cache

// How to walk the stored pixels in the order of the upright picture, in bytes.
struct Walk {
    const std::uint8_t* origin;  // pixel that becomes the upper left one
    std::ptrdiff_t step_x;
    std::ptrdiff_t step_y;
};

template <int kBytes, bool kSwap>
void copy_pixels(const Walk& walk, Image* out) {
    constexpr int kRed = kSwap ? 2 : 0;
    constexpr int kBlue = kSwap ? 0 : 2;
    for (int top = 0; top < out->height; top += kTile) {
        const int bottom = std::min(top + kTile, out->height);
        for (int left = 0; left < out->width; left += kTile) {
            const int right = std::min(left + kTile, out->width);
            for (int y = top; y < bottom; ++y) {
                const std::uint8_t* p = walk.origin + y * walk.step_y + left * walk.step_x;
                std::uint8_t* q = out->row(y) + static_cast<std::ptrdiff_t>(left) * 3;
                for (int x = left; x < right; ++x, p += walk.step_x, q += 3) {
                    if constexpr (kBytes == 4) {
                        const int alpha = p[3];
                        q[0] = static_cast<std::uint8_t>((p[kRed] * alpha + 127) / 255);
                        q[1] = static_cast<std::uint8_t>((p[1] * alpha + 127) / 255);
                        q[2] = static_cast<std::uint8_t>((p[kBlue] * alpha + 127) / 255);
                    } else {
                        q[0] = p[kRed];
                        q[1] = p[1];
                        q[2] = p[kBlue];
                    }
                }
            }
        }
    }
}

bool turns_sideways(int orientation) {
    return orientation >= 5;
}

Walk upright_walk(const CameraPixels& pixels, std::ptrdiff_t pixel_bytes, int orientation) {
    const std::ptrdiff_t right = (pixels.width - 1) * pixel_bytes;
    const std::ptrdiff_t bottom = (pixels.height - 1) * pixels.stride;
    const std::uint8_t* p = pixels.data;
    switch (orientation) {
        case 2:
            return {p + right, -pixel_bytes, pixels.stride};  // mirrored
        case 3:
            return {p + right + bottom, -pixel_bytes, -pixels.stride};  // upside down
        case 4:
            return {p + bottom, pixel_bytes, -pixels.stride};
        case 5:
            return {p, pixels.stride, pixel_bytes};  // transposed
        case 6:
            return {p + bottom, -pixels.stride, pixel_bytes};  // turn clockwise
        case 7:
            return {p + right + bottom, -pixels.stride, -pixel_bytes};
        case 8:
            return {p + right, pixels.stride, -pixel_bytes};  // turn anticlockwise
        default:
            return {p, pixel_bytes, pixels.stride};
    }
}

}  // namespace

int orientation_of_rotation(int degrees) {
    switch (degrees) {
        case 0:
            return 1;
        case 90:
            return 6;
        case 180:
            return 3;
        case 270:
            return 8;
        default:
            return 0;
    }
}

Status copy_upright(const CameraPixels& pixels, int orientation, const Allocator& allocator,
                    Image* out) {
    const bool has_alpha =
        pixels.format == PixelFormat::kRgba || pixels.format == PixelFormat::kBgra;
    const bool swaps = pixels.format == PixelFormat::kBgr || pixels.format == PixelFormat::kBgra;
    const bool is_known = has_alpha || swaps || pixels.format == PixelFormat::kRgb;
    const std::ptrdiff_t pixel_bytes = has_alpha ? 4 : 3;
    if (pixels.data == nullptr || pixels.width < 1 || pixels.height < 1 || !is_known ||
        pixels.stride / pixel_bytes < pixels.width || orientation < 1 || orientation > 8) {
        return Status::kInvalidArgument;
    }
    const bool sideways = turns_sideways(orientation);
    Image upright(allocator);
    if (!upright.allocate(sideways ? pixels.height : pixels.width,
                          sideways ? pixels.width : pixels.height)) {
        return Status::kOutOfMemory;
    }
    const Walk walk = upright_walk(pixels, pixel_bytes, orientation);
    if (has_alpha) {
        swaps ? copy_pixels<4, true>(walk, &upright) : copy_pixels<4, false>(walk, &upright);
    } else if (orientation == 1 && !swaps) {
        for (int y = 0; y < upright.height; ++y) {
            std::memcpy(upright.row(y), pixels.data + y * pixels.stride,
                        static_cast<std::size_t>(upright.width) * 3);
        }
    } else {
        swaps ? copy_pixels<3, true>(walk, &upright) : copy_pixels<3, false>(walk, &upright);
    }
    *out = std::move(upright);
    return Status::kOk;
}

}  // namespace fovea::preprocess
