// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/disc_fit.h"
#include "preprocess/image.h"

namespace fovea::preprocess {

// What of the light in a picture one disc does not explain: a second eye, an inset, a window.
struct Surroundings {
    float lit = 0;    // lit pixels more than 6 % of the radius outside the disc / pixels inside it
    float other = 0;  // of these, the largest connected piece that is no line of text: at least a
                      // tenth of the disc's diameter both wide and high
    float concavity = 0;  // share of the disc's convex hull that is not lit: 0 to 0.02 for a disc,
                          // its notches included, more for two that touch
};

// picture, disc and component: as given to fit_disc() and received from it. Status: kOutOfMemory.
Status measure_surroundings(const ImageView& picture, const Disc& disc,
                            const std::uint8_t* component, const Allocator& allocator,
                            Surroundings* surroundings);

// How far straight horizontal or vertical edges stand out of the lit part of one channel, as
// quotients of mean absolute differences between neighbouring columns (rows).
struct StraightEdges {
    float seam = 0;  // the strongest column's or row's / the median of those 3 to 8 away: a border
    float blocks = 0;  // mean over all of the strongest within 8 / that median: blocks
};

// pixels: width * height of one channel; lit: lit_width * lit_height, 0 or 1, of a smaller picture
// of the same. Status: kOutOfMemory.
Status measure_straight_edges(const std::uint8_t* pixels, int width, int height,
                              const std::uint8_t* lit, int lit_width, int lit_height,
                              const Allocator& allocator, StraightEdges* edges);

}  // namespace fovea::preprocess
