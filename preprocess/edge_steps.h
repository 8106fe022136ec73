// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"

namespace fovea::preprocess {

constexpr int kEdgeReach = 6;                // a step is compared over so many pixels on either side
constexpr int kEdgeBorder = kEdgeReach + 1;  // and smoothed by one more

// Of one channel's pixels, all but the kEdgeBorder outermost, 16 times the smoothed value and the height of the step across each and down
// each, positive where it is brighter behind; 0 where there is none. row_sums: room for a row.
void measure_steps(const ImageView& picture, int channel, std::int16_t* row_sums, std::int16_t* smoothed, std::int16_t* across,
                   std::int16_t* down);

}  // namespace fovea::preprocess
