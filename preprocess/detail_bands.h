// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/image.h"
#include "preprocess/memory.h"

namespace fovea::preprocess {

// How much detail of each size one channel has inside a mask, by the starlet transform (a trous
// wavelet with the B3 spline 1 4 6 4 1 / 16 and holes of 1, 2, 4, 8 pixels: Starck, Fadili &
// Murtagh 2007). Smoothing number j has a standard deviation of 1, 2.2, 4.6, 9.2 pixels; band j is
// the difference between smoothings j and j + 1, so bands 0..3 hold detail of about 1, 2, 4 and 8
// pixels. Smoothing is normalised: pixels outside the mask have no weight, so the disc's edge is
// not detail. Bands are divided by the smoothing that they were taken from (local brightness), so
// dim light is not lack of detail.
inline constexpr int kDetailBandCount = 4;

struct DetailBands {
    float rms[kDetailBandCount] = {};  // root mean square inside the mask
    float skewness = 0;      // of all bands together: > 0 = bright detail on a darker ground
    float kurtosis = 0;      // 3 for a normal distribution; large = few, strong details
    float illumination = 0;  // standard deviation of the coarsest smoothing / its mean
};

// pixels: width * height bytes; mask: as many, 0 or 1. An empty mask gives zeros. contrast, width *
// height numbers, or null: receives all bands together in thousandths, at most kLargestContrast
// either way, 0 outside the mask. Status: kOutOfMemory, kInvalidArgument.
inline constexpr int kLargestContrast = 500;
Status measure_detail(const std::uint8_t* pixels, int width, int height, const std::uint8_t* mask,
                      const Allocator& allocator, DetailBands* bands,
                      std::int16_t* contrast = nullptr);

}  // namespace fovea::preprocess
