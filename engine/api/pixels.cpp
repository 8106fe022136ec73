// SPDX-License-Identifier: Apache-2.0
#include "engine/api/pixels.h"

#include <climits>

#include "engine/api/structs.h"
#include "preprocess/camera_pixels.h"

namespace fovea {
namespace {

// False for no format of the header.
bool to_internal(fovea_pixel_format format, preprocess::PixelFormat* internal) {
    using preprocess::PixelFormat;
    switch (format) {
        case FOVEA_RGB:
            *internal = PixelFormat::kRgb;
            return true;
        case FOVEA_RGBA:
            *internal = PixelFormat::kRgba;
            return true;
        case FOVEA_BGR:
            *internal = PixelFormat::kBgr;
            return true;
        case FOVEA_BGRA:
            *internal = PixelFormat::kBgra;
            return true;
        case FOVEA_GRAY:
            *internal = PixelFormat::kGray;
            return true;
        case FOVEA_NV12:
            *internal = PixelFormat::kNv12;
            return true;
        case FOVEA_NV21:
            *internal = PixelFormat::kNv21;
            return true;
        case FOVEA_YUV420:
            *internal = PixelFormat::kYuv420;
            return true;
        case FOVEA_PIXEL_FORMAT_ANY_INT_:
            break;
    }
    return false;
}

bool is_yuv(fovea_pixel_format format) {
    return format == FOVEA_NV12 || format == FOVEA_NV21 || format == FOVEA_YUV420;
}

}  // namespace

fovea_status read_pixels(const fovea_pixels* given, const PictureContext& context,
                         preprocess::Image* out) {
    const auto bad = [&](const char* what) {
        return context.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "pixels: %s", what);
    };
    if (given == nullptr) return bad("null");
    fovea_pixels pixels = {};
    const char* problem = read_struct(given, &pixels);
    if (problem != nullptr) return bad(problem);
    if (pixels.width == 0 || pixels.height == 0) return bad("width or height is 0");
    preprocess::CameraPixels camera;
    if (!to_internal(pixels.format, &camera.format)) return bad("unknown format");
    const bool says_range =
        pixels.yuv == FOVEA_YUV_BT601_LIMITED || pixels.yuv == FOVEA_YUV_BT601_FULL;
    if (!says_range && pixels.yuv != FOVEA_YUV_NONE) return bad("unknown yuv");
    if (says_range != is_yuv(pixels.format)) {
        return bad(says_range ? "yuv is set for a format without Y, U and V"
                              : "yuv says not what Y, U and V mean");
    }
    // The decoder's limits hold for pixels too; they also keep sides within int.
    if (pixels.width > context.max_side || pixels.height > context.max_side ||
        pixels.width > INT_MAX / 4 || pixels.height > INT_MAX / 4 ||
        std::uint64_t{pixels.width} * pixels.height > context.max_pixels) {
        return context.log.fail(FOVEA_ERROR_IMAGE_TOO_LARGE,
                                "pixels: %u x %u is over the session's limits", pixels.width,
                                pixels.height);
    }
    if (pixels.mirror > 1) return bad("mirror is not 0 or 1");
    const int degrees = pixels.rotation <= 270 ? static_cast<int>(pixels.rotation) : -1;
    const int orientation = preprocess::orientation_of_rotation(degrees, pixels.mirror == 1);
    if (orientation == 0) return bad("rotation is not 0, 90, 180 or 270");
    camera.width = static_cast<int>(pixels.width);
    camera.height = static_cast<int>(pixels.height);
    camera.range = pixels.yuv == FOVEA_YUV_BT601_FULL ? preprocess::YuvRange::kFull
                                                      : preprocess::YuvRange::kLimited;
    for (int i = 0; i < preprocess::kMaxPlanes; ++i) {
        camera.planes[i] = {pixels.planes[i], pixels.strides[i], pixels.pixel_strides[i],
                            pixels.plane_sizes[i]};
    }
    int plane = 0;
    problem = preprocess::plane_problem(camera, &plane);
    if (problem != nullptr) {
        return context.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "pixels: plane %d: %s", plane, problem);
    }
    return picture_status(preprocess::copy_upright(camera, orientation, context.allocator, out, context.cancel),
                          "pixels", nullptr, context.log);
}

}  // namespace fovea
