// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "preprocess/image.h"

namespace fovea::preprocess {

// Root mean square of second differences (twice a pixel less those so far before and behind it) of one channel 2 pixels apart / that
// 3 apart, in some of the mask's rows, across and down. Grain and fine vessels are about as strong at either distance; a picture that
// was enlarged or smoothed has none so fine, and what bends slowly gives 4 / 9. pixels: width * height bytes; mask: as many, 0 or 1,
// where all three pixels must be. An empty mask gives 1.
float step_ratio(const std::uint8_t* pixels, int width, int height, const std::uint8_t* mask);

// Root mean square of second differences `distance` pixels apart of what red, or blue, has more than green / that of green. Where the
// colour's detail was lost and the luma's kept, all three channels change alike: about 0. Vessels and lesions change them by unlike
// parts.
struct ColourSteps {
    float red = 1;
    float blue = 1;
};

// mask: as above, of the picture's size. An empty one gives 1.
ColourSteps colour_steps(const ImageView& picture, const std::uint8_t* mask, int distance);

}  // namespace fovea::preprocess
