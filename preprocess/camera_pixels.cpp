// SPDX-License-Identifier: Apache-2.0
#include "preprocess/camera_pixels.h"

#include <algorithm>
#include <cstring>

#include "preprocess/camera_yuv.h"

namespace fovea::preprocess {
namespace {

constexpr int kTile = 32;  // pixels: a turned copy stays within the first cache; even, as blocks of U and V begin

bool is_known(PixelFormat format) {
    return format >= PixelFormat::kRgb && format <= PixelFormat::kYuv420;
}

int plane_count(PixelFormat format) {
    switch (format) {
        case PixelFormat::kNv12:
        case PixelFormat::kNv21:
            return 2;
        case PixelFormat::kYuv420:
            return 3;
        default:
            return 1;
    }
}

// Of a pixel, or of a pair of U and V.
std::size_t bytes_of_pixel(PixelFormat format, int plane) {
    switch (format) {
        case PixelFormat::kRgb:
        case PixelFormat::kBgr:
            return 3;
        case PixelFormat::kRgba:
        case PixelFormat::kBgra:
            return 4;
        case PixelFormat::kNv12:
        case PixelFormat::kNv21:
            return plane == 0 ? 1 : 2;
        default:
            return 1;
    }
}

// The bytes of a plane that are read: rows of row_bytes, stride apart.
struct Extent {
    const std::uint8_t* data;
    std::size_t rows, row_bytes, stride, pixel_stride, bytes;
};

// False when the plane is larger than memory.
bool measure(const CameraPixels& pixels, int index, Extent* extent) {
    const PixelPlane& plane = pixels.planes[index];
    const auto side = [&](int side_of_picture) {
        const auto full = static_cast<std::size_t>(side_of_picture);
        return index == 0 ? full : (full + 1) / 2;
    };
    const std::size_t pixel_bytes = bytes_of_pixel(pixels.format, index);
    const std::size_t pixel_stride = plane.pixel_stride != 0 ? plane.pixel_stride : pixel_bytes;
    *extent = {plane.data, side(pixels.height), 0, plane.stride, pixel_stride, 0};
    std::size_t before_last_row = 0;
    return checked_product(side(pixels.width) - 1, pixel_stride, &extent->row_bytes) &&
           !__builtin_add_overflow(extent->row_bytes, pixel_bytes, &extent->row_bytes) &&
           checked_product(extent->rows - 1, plane.stride, &before_last_row) &&
           !__builtin_add_overflow(before_last_row, extent->row_bytes, &extent->bytes) &&
           extent->bytes <= static_cast<std::size_t>(PTRDIFF_MAX) &&
           reinterpret_cast<std::uintptr_t>(plane.data) <= UINTPTR_MAX - extent->bytes;
}

// Whether some byte lies in both. Planes whose rows are as far apart may share lines: U beside V, or U and V in turn.
bool overlap(Extent a, Extent b) {
    if (a.data > b.data) std::swap(a, b);
    const auto distance = static_cast<std::size_t>(b.data - a.data);
    if (distance >= a.bytes) return false;
    if (a.stride != b.stride) return true;
    const std::size_t in_row = distance % a.stride;
    if (in_row + b.row_bytes > a.stride) return true;
    const bool beside = in_row >= a.row_bytes;
    const bool in_turn =
        distance > 0 && distance < a.pixel_stride && a.pixel_stride == b.pixel_stride;
    return !beside && !in_turn;
}

template <int kBytes, bool kSwap>
void read_colors(const std::uint8_t* p, std::size_t pixel_stride, int count, std::uint8_t* rgb) {
    constexpr int kRed = kSwap ? 2 : 0;
    constexpr int kBlue = kSwap ? 0 : 2;
    for (int i = 0; i < count; ++i, p += pixel_stride, rgb += 3) {
        if constexpr (kBytes == 4) {
            const int alpha = p[3];
            rgb[0] = static_cast<std::uint8_t>((p[kRed] * alpha + 127) / 255);
            rgb[1] = static_cast<std::uint8_t>((p[1] * alpha + 127) / 255);
            rgb[2] = static_cast<std::uint8_t>((p[kBlue] * alpha + 127) / 255);
        } else {
            rgb[0] = p[kRed];
            rgb[1] = p[1];
            rgb[2] = p[kBlue];
        }
    }
}

void read_gray(const std::uint8_t* p, std::size_t pixel_stride, int count, std::uint8_t* rgb) {
    for (int i = 0; i < count; ++i, p += pixel_stride, rgb += 3) std::memset(rgb, *p, 3);
}

// count pixels of a stored row from column `left`, which is even, as RGB. Of planes whose pixels touch, too, the
// pixel strides are said.
void read_row(const CameraPixels& pixels, int y, int left, int count, std::uint8_t* rgb) {
    const auto at = [&](int index, int row, int column) {
        const PixelPlane& plane = pixels.planes[index];
        return plane.data + static_cast<std::size_t>(row) * plane.stride +
               static_cast<std::size_t>(column) * plane.pixel_stride;
    };
    const std::uint8_t* first = at(0, y, left);
    const std::size_t step = pixels.planes[0].pixel_stride;
    switch (pixels.format) {
        case PixelFormat::kRgb:
            if (step == 3) {
                std::memcpy(rgb, first, static_cast<std::size_t>(count) * 3);
            } else {
                read_colors<3, false>(first, step, count, rgb);
            }
            return;
        case PixelFormat::kRgba:
            return read_colors<4, false>(first, step, count, rgb);
        case PixelFormat::kBgr:
            return read_colors<3, true>(first, step, count, rgb);
        case PixelFormat::kBgra:
            return read_colors<4, true>(first, step, count, rgb);
        case PixelFormat::kGray:
            return read_gray(first, step, count, rgb);
        case PixelFormat::kNv12:
        case PixelFormat::kNv21: {
            const std::uint8_t* pair = at(1, y / 2, left / 2);
            const int u = pixels.format == PixelFormat::kNv12 ? 0 : 1;
            const std::size_t pair_step = pixels.planes[1].pixel_stride;
            const YuvRow row{first, pair + u, pair + 1 - u, step, pair_step, pair_step};
            return read_yuv(row, pixels.range, count, rgb);
        }
        case PixelFormat::kYuv420: {
            const YuvRow row{first, at(1, y / 2, left / 2), at(2, y / 2, left / 2), step,
                             pixels.planes[1].pixel_stride, pixels.planes[2].pixel_stride};
            return read_yuv(row, pixels.range, count, rgb);
        }
    }
}

bool turns_sideways(int orientation) {
    return orientation >= 5;
}

// Where the stored pixels go in the upright picture, in bytes.
struct Walk {
    std::uint8_t* origin;  // of the stored picture's upper left pixel
    std::ptrdiff_t step_x;
    std::ptrdiff_t step_y;
};

Walk upright_walk(Image* upright, int orientation) {
    constexpr std::ptrdiff_t kPixel = 3;
    const std::ptrdiff_t row = kPixel * upright->width;
    const std::ptrdiff_t right = row - kPixel;
    const std::ptrdiff_t bottom = row * (upright->height - 1);
    std::uint8_t* p = upright->pixels.data();
    switch (orientation) {
        case 2:
            return {p + right, -kPixel, row};  // mirrored
        case 3:
            return {p + right + bottom, -kPixel, -row};  // upside down
        case 4:
            return {p + bottom, kPixel, -row};
        case 5:
            return {p, row, kPixel};  // transposed
        case 6:
            return {p + right, row, -kPixel};  // turn clockwise
        case 7:
            return {p + right + bottom, -row, -kPixel};
        case 8:
            return {p + bottom, -row, kPixel};  // turn anticlockwise
        default:
            return {p, kPixel, row};
    }
}

// False: the caller wishes to stop.
[[nodiscard]] bool copy_turned(const CameraPixels& pixels, int orientation, Image* upright, Pace* pace) {
    const Walk walk = upright_walk(upright, orientation);
    for (int top = 0; top < pixels.height; top += kTile) {
        const int bottom = std::min(top + kTile, pixels.height);
        for (int left = 0; left < pixels.width; left += kTile) {
            if (pace->is_stopped_after(2 * kTile * kTile)) return false;
            const int count = std::min(kTile, pixels.width - left);
            for (int y = top; y < bottom; ++y) {
                std::uint8_t rgb[kTile * 3];
                read_row(pixels, y, left, count, rgb);
                std::uint8_t* to = walk.origin + left * walk.step_x + y * walk.step_y;
                for (int x = 0; x < count; ++x) std::memcpy(to + x * walk.step_x, rgb + 3 * x, 3);
            }
        }
    }
    return true;
}

}  // namespace

CameraPixels packed_pixels(const std::uint8_t* data, int width, int height, PixelFormat format) {
    CameraPixels pixels{.width = width, .height = height, .format = format};
    pixels.planes[0].data = data;
    pixels.planes[0].stride = static_cast<std::size_t>(width) * bytes_of_pixel(format, 0);
    return pixels;
}

const char* plane_problem(const CameraPixels& pixels, int* plane) {
    Extent extents[kMaxPlanes];
    const int count = plane_count(pixels.format);
    for (int i = 0; i < kMaxPlanes; ++i) {
        *plane = i;
        const PixelPlane& given = pixels.planes[i];
        if (i >= count) {
            if (given.data != nullptr) return "the format has no such plane";
            continue;
        }
        if (given.data == nullptr) return "data is null";
        const std::size_t pixel_bytes = bytes_of_pixel(pixels.format, i);
        if (given.pixel_stride != 0 && given.pixel_stride < pixel_bytes) {
            return "pixel_stride is less than a pixel";
        }
        if (!measure(pixels, i, &extents[i])) return "stride or pixel_stride is too large";
        if (given.stride < extents[i].row_bytes) return "stride is less than a row";
        if (given.size != 0 && given.size < extents[i].bytes) return "the picture is larger than the plane's size";
        for (int before = 0; before < i; ++before) {
            if (overlap(extents[before], extents[i])) return "it overlaps an earlier plane";
        }
    }
    return nullptr;
}

int orientation_of_rotation(int degrees, bool mirrored) {
    switch (degrees) {
        case 0:
            return mirrored ? 2 : 1;
        case 90:
            return mirrored ? 5 : 6;
        case 180:
            return mirrored ? 4 : 3;
        case 270:
            return mirrored ? 7 : 8;
        default:
            return 0;
    }
}

Status copy_upright(const CameraPixels& pixels, int orientation, const Allocator& allocator,
                    Image* out, const Cancel& cancel) {
    int plane = 0;
    if (pixels.width < 1 || pixels.height < 1 || !is_known(pixels.format) || orientation < 1 ||
        orientation > 8 || plane_problem(pixels, &plane) != nullptr) {
        return Status::kInvalidArgument;
    }
    CameraPixels stored = pixels;
    for (int i = 0; i < plane_count(stored.format); ++i) {
        if (stored.planes[i].pixel_stride == 0) {
            stored.planes[i].pixel_stride = bytes_of_pixel(stored.format, i);
        }
    }
    const bool sideways = turns_sideways(orientation);
    Image upright(allocator);
    if (!upright.allocate(sideways ? stored.height : stored.width,
                          sideways ? stored.width : stored.height)) {
        return Status::kOutOfMemory;
    }
    Pace pace(cancel);
    if (orientation == 1) {
        for (int y = 0; y < upright.height; ++y) {
            if (pace.is_stopped_after(2 * std::int64_t{stored.width})) return Status::kCancelled;
            read_row(stored, y, 0, stored.width, upright.row(y));
        }
    } else if (!copy_turned(stored, orientation, &upright, &pace)) {
        return Status::kCancelled;
    }
    *out = std::move(upright);
    return Status::kOk;
}

}  // namespace fovea::preprocess
