// SPDX-License-Identifier: Apache-2.0
// From a map to a picture that people can look at.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fovea/fovea.h"
#include "preprocess/cancel.h"

namespace fovea {

// One number a pixel: of a map of one channel itself, else its channels' absolute values reduced. map: [pixels][channels].
void reduce_channels(const float* map, std::size_t pixels, std::size_t channels, fovea_map_reduction reduction, float* output);

// The value below which that part of the values lies, between two of them in proportion (NumPy's "linear"). values are not
// negative, count >= 1, 0 <= part <= 1. Takes no memory.
double quantile(const float* values, std::size_t count, double part);

// To 0 at the least value and 1 at the quantile `part`, cut off there; all 0 where these are the same.
void normalise(float* values, std::size_t count, double part);

// Colours over a picture, in place. The map lies on the rectangle (x, y, width, height) of the picture, in pixels from the
// outer edge of its first; between its values in proportion; what lies outside stays as it is.
struct Overlay {
    const float* map;
    int map_width, map_height;
    double x, y, width, height;
    fovea_map_colors colors;
    double opacity;
    bool opacity_follows_map;
};
// False: the caller wishes to stop.
[[nodiscard]] bool draw_overlay(const Overlay& overlay, std::uint8_t* rgb, int width, int height, const Cancel& cancel);

}  // namespace fovea
