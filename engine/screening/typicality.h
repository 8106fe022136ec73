// SPDX-License-Identifier: Apache-2.0
// Is the photo like those that the network knows? The Mahalanobis score of Lee et al. 2018 on some layers' features.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/model/contents.h"

namespace fovea {

// The mean of each channel over the pixels of a map [pixels][channels].
void mean_of_pixels(const float* map, std::size_t pixels, std::size_t channels, double* means);

// The score of features (statistics.dimension doubles): max over the classes of -1/2 (f - mean)^T C^-1 (f - mean), where the
// covariance C has the variances along the directions and rest_variance across them. `difference` is scratch of as many.
double mahalanobis_score(const FeatureStatistics& statistics, const double* features, double* difference);

// The share of the sorted values that lie below this one, 0 to 1; of a NaN 0.
double share_below(const float* sorted, std::uint32_t count, double value);

}  // namespace fovea
