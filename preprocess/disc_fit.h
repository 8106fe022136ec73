// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"

namespace fovea::preprocess {

// The lit disc of a fundus photo. Lengths in pixels of the picture it was found in, origin at the
// centre of the top-left pixel.
struct Disc {
    bool found = false;  // false: the numbers below describe the circle round the whole frame
    float center_x = 0;
    float center_y = 0;
    float radius_x = 0;  // the same as radius_y unless the photo was squeezed
    float radius_y = 0;
    float visible_arc = 0;   // share of the edge that was seen inside the frame, 0..1
    float visible_area = 0;  // share of the disc's area that lies inside the frame, 0..1
    float residual = 1;  // mean distance of the seen edge from the fitted one / radius, at most 1
};

// Finds the lit disc in a small picture (at most 1024 x 1024).
//  1. Lit means a luminance above a threshold between that of the corners and the 95th percentile.
//  2. The largest 4-connected lit component; its edge is its outermost pixels in each row and
//     column, those at the frame aside.
//  3. Algebraic least squares (Kasa 1976) with robust reweighting: points further off than three
//     times the median distance are left out of the next round. A circle, or, where a circle fits
//     badly and an ellipse with upright axes fits much better (a photo squeezed to a square), that
//     ellipse.
// component, width * height bytes, receives 1 where a pixel belongs to the component, else 0.
// Status: kInvalidArgument, kOutOfMemory. No disc is kOk with found = false.
Status fit_disc(const ImageView& picture, const Allocator& allocator, Disc* disc,
                std::uint8_t* component);

}  // namespace fovea::preprocess
