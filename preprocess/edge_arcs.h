// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/disc_fit.h"
#include "preprocess/edge_pixels.h"

namespace fovea::preprocess {

// How many numbers longest_arc() counts in.
std::size_t arc_counts(FrameSize size);

// The most pixels that lie on one circle with all its bright side in or out: one of a quarter to 1.2 of the radius, about another centre
// than the disc's own edge.
int longest_arc(const EdgePixel* pixels, std::size_t count, FrameSize size, float radius, const Disc& own, std::uint16_t* counts);

}  // namespace fovea::preprocess
