// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"
#include "preprocess/selected_view.h"

namespace fovea::preprocess {

enum class ResizeMethod {
    kLinear,  // cv2.INTER_LINEAR: samples two by two source pixels, so shrinking aliases
    kArea,    // cv2.INTER_AREA: mean over the covered area when shrinking both ways
};

// Source pixels a step of one output pixel, as OpenCV's float64 arithmetic gives it.
struct ResizeScale {
    double x;
    double y;
};

// The scale that cv2.resize(image, (width, height)) uses.
ResizeScale resize_scale(const SelectedView& image, int width, int height);

// The same pixels as OpenCV 4 for 8-bit images of three channels. out is allocated; it must not be
// the owner of image. scale is resize_scale(), or 1 / factor where the caller resizes by a factor.
// Status: kInvalidArgument, kOutOfMemory, kCancelled.
Status resize(const SelectedView& image, int width, int height, ResizeScale scale,
              ResizeMethod method, const Allocator& allocator, Image* out, const Cancel& cancel = {});

// Sets rows[y], of image.height values, to 1 for the rows that resize() with these arguments reads, else to 0.
void mark_rows_read(const SelectedView& image, int width, int height, ResizeScale scale,
                    ResizeMethod method, std::uint8_t* rows);

}  // namespace fovea::preprocess
