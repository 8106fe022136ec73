// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/disc_fit.h"
#include "preprocess/image.h"

namespace fovea::preprocess {

// The longest edges inside what is lit, as parts of the radius of a disc of that area: where a
// second photo was laid over the first there is a circle's arc (of a quarter to 1.2 of that radius,
// about another centre than the disc's own edge) or a straight line along rows or columns, and where
// halves of two were joined one at any slant. An edge is a step of at least 4 % from one side to the
// other that is as high 2 as 6 pixels away and stands out of the slopes beside it: thin vessels,
// noise and the falling light at the rim make none. A wide and straight vessel's side is one.
struct InnerEdges {
    float arc[2] = {};   // in red, green
    float line[2] = {};  // along rows or columns, or five eighths of one at any slant
};

// picture, disc and component: as given to fit_disc() and received from it. Status: kOutOfMemory.
Status measure_inner_edges(const ImageView& picture, const Disc& disc,
                           const std::uint8_t* component, const Allocator& allocator,
                           InnerEdges* edges);

}  // namespace fovea::preprocess
