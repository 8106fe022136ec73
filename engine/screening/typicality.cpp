// SPDX-License-Identifier: Apache-2.0
#include "engine/screening/typicality.h"

#include <Eigen/Core>
#include <algorithm>

namespace fovea {
namespace {

using Vector = Eigen::Map<Eigen::VectorXd>;
using ConstVector = Eigen::Map<const Eigen::VectorXd>;
using ConstVectorFloat = Eigen::Map<const Eigen::VectorXf>;

// (f - mean)^T C^-1 (f - mean), from the squared length along the directions and what is left across them.
double squared_distance(const FeatureStatistics& statistics, const Vector& difference) {
    double along = 0, distance = 0;
    for (std::uint32_t i = 0; i < statistics.direction_count; ++i) {
        const ConstVectorFloat direction(statistics.directions + std::size_t{i} * statistics.dimension,
                                         statistics.dimension);
        const double part = direction.cast<double>().dot(difference);
        along += part * part;
        distance += part * part / double{statistics.variances[i]};
    }
    if (statistics.direction_count == statistics.dimension) return distance;
    return distance + std::max(0.0, difference.squaredNorm() - along) / double{statistics.rest_variance};
}

}  // namespace

void mean_of_pixels(const float* map, std::size_t pixels, std::size_t channels, double* means) {
    const auto count = static_cast<Eigen::Index>(channels);
    Vector sum(means, count);
    sum.setZero();
    for (std::size_t i = 0; i < pixels; ++i) sum += ConstVectorFloat(map + i * channels, count).cast<double>();
    sum /= static_cast<double>(pixels);
}

double mahalanobis_score(const FeatureStatistics& statistics, const double* features, double* difference) {
    const Eigen::Index dimension = statistics.dimension;
    Vector away(difference, dimension);
    double nearest = 0;
    for (std::uint32_t i = 0; i < statistics.class_count; ++i) {
        away = ConstVector(features, dimension) -
               ConstVectorFloat(statistics.means + std::size_t{i} * statistics.dimension, dimension).cast<double>();
        const double distance = squared_distance(statistics, away);
        // Written so that a NaN is the farthest of all.
        if (i == 0 || !(distance >= nearest)) nearest = distance;
    }
    return -0.5 * nearest;
}

double share_below(const float* sorted, std::uint32_t count, double value) {
    // Of a NaN nothing is below it.
    const float* const end = std::partition_point(sorted, sorted + count, [&](float x) { return x < value; });
    return static_cast<double>(end - sorted) / count;
}

}  // namespace fovea
