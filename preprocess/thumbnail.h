// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/photo.h"

namespace fovea::preprocess {

// Area-averaged copy of a photo whose longer side is at most longest_side (>= 1) pixels; a picture
// that is small enough already is copied. Never enlarges.
//
// Every output pixel is the mean of the source area under it with fixed-point weights (vertical 8
// bits, horizontal 12 bits, each row of weights adding up to exactly 1, sums rounded to nearest),
// so flat colours stay what they are and every machine gives the same bytes. Of a photo decoded at a
// smaller scale the areas are as much smaller as the decoder has averaged already: where twice the
// thumbnail's side is left, it has within half a per cent the detail of the whole photo's. Reads the
// pixels once, row by row. It is for measuring, not for the network's input: resize.h holds the
// filters that equal OpenCV's.
Status make_thumbnail(const PhotoView& photo, int longest_side, const Allocator& allocator,
                      Image* thumbnail);

}  // namespace fovea::preprocess
