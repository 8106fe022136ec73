// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/edge_pixels.h"

namespace fovea::preprocess {

// How many numbers longest_line() counts in.
inline std::size_t line_counts(FrameSize size) {
    return static_cast<std::size_t>(size.width) + static_cast<std::size_t>(size.height);
}

// The longest line along rows or columns, or five eighths of the longest at any slant, in pixels. Where two photos meet the brighter side
// may change along the line. pixels: with room for kMostEdgePixels more behind kMostEdgePixels.
float longest_line(EdgePixel* pixels, std::size_t count, FrameSize size, std::uint16_t* counts);

}  // namespace fovea::preprocess
