// SPDX-License-Identifier: Apache-2.0
#include "engine/explain/heat_map.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "engine/explain/colors.h"

namespace fovea {
namespace {

float reduced(const float* values, std::size_t channels, fovea_map_reduction reduction) {
    double result = 0;
    for (std::size_t c = 0; c < channels; ++c) {
        const double value = std::fabs(static_cast<double>(values[c]));
        switch (reduction) {
            case FOVEA_REDUCE_SUM:
                result += value;
                break;
            case FOVEA_REDUCE_L2:
                result += value * value;
                break;
            default:
                result = std::max(result, value);
                break;
        }
    }
    return static_cast<float>(reduction == FOVEA_REDUCE_L2 ? std::sqrt(result) : result);
}

// The value that `index` others are not above, found byte by byte: floats that are not negative are in the order of their bits.
float selected(const float* values, std::size_t count, std::size_t index) {
    std::uint32_t found = 0;
    for (int shift = 24; shift >= 0; shift -= 8) {
        std::size_t counts[256] = {};
        const std::uint32_t known = shift == 24 ? 0 : ~std::uint32_t{0} << (shift + 8);
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t bits = std::bit_cast<std::uint32_t>(values[i] + 0.0f);
            if ((bits & known) == found) ++counts[bits >> shift & 255];
        }
        std::uint32_t byte = 0;
        while (index >= counts[byte]) index -= counts[byte++];
        found |= byte << shift;
    }
    return std::bit_cast<float>(found);
}

// Where along one side of a map pixel p of a picture lies: the two values around it, and the second one's weight.
struct Between {
    int first, second;
    double weight;
};
Between between(double place, int count) {
    const double clamped = std::clamp(place, 0.0, count - 1.0);
    const int first = std::min(static_cast<int>(clamped), count - 1);
    return {first, std::min(first + 1, count - 1), clamped - first};
}

Color color_of(fovea_map_colors colors, double value) {
    const auto index = static_cast<std::uint8_t>(std::nearbyint(255.0 * value));
    return colors == FOVEA_COLORS_VIRIDIS ? viridis_color(index) : jet_color(index);
}

std::uint8_t mixed(std::uint8_t below, std::uint8_t above, double opacity) {
    return static_cast<std::uint8_t>(std::nearbyint((1.0 - opacity) * below + opacity * above));
}

}  // namespace

void reduce_channels(const float* map, std::size_t pixels, std::size_t channels, fovea_map_reduction reduction, float* output) {
    for (std::size_t p = 0; p < pixels; ++p, map += channels) {
        output[p] = channels == 1 ? std::max(map[0], 0.0f) : reduced(map, channels, reduction);
    }
}

double quantile(const float* values, std::size_t count, double part) {
    const double place = part * static_cast<double>(count - 1);
    const auto index = static_cast<std::size_t>(place);
    const double below = static_cast<double>(selected(values, count, index));
    const double rest = place - static_cast<double>(index);
    return rest > 0 ? below + rest * (static_cast<double>(selected(values, count, index + 1)) - below) : below;
}

void normalise(float* values, std::size_t count, double part) {
    const double least = static_cast<double>(*std::min_element(values, values + count));
    const double most = quantile(values, count, part);
    for (std::size_t i = 0; i < count; ++i) {
        values[i] = most > least ? static_cast<float>(std::clamp((values[i] - least) / (most - least), 0.0, 1.0)) : 0.0f;
    }
}

bool draw_overlay(const Overlay& overlay, std::uint8_t* rgb, int width, int height, const Cancel& cancel) {
    constexpr std::int64_t kWorkOfPixel = 8;
    Pace pace(cancel);
    const auto place = [](int pixel, double begin, double size, int count) { return (pixel + 0.5 - begin) / size * count; };
    for (int y = 0; y < height; ++y) {
        if (pace.is_stopped_after(kWorkOfPixel * width)) return false;
        const double v = place(y, overlay.y, overlay.height, overlay.map_height);
        if (v < 0 || v > overlay.map_height) continue;
        const Between rows = between(v - 0.5, overlay.map_height);
        const float* const above = overlay.map + std::ptrdiff_t{rows.first} * overlay.map_width;
        const float* const below = overlay.map + std::ptrdiff_t{rows.second} * overlay.map_width;
        for (int x = 0; x < width; ++x) {
            const double u = place(x, overlay.x, overlay.width, overlay.map_width);
            if (u < 0 || u > overlay.map_width) continue;
            const Between columns = between(u - 0.5, overlay.map_width);
            const auto along = [&](const float* row) {
                return (1 - columns.weight) * static_cast<double>(row[columns.first]) +
                       columns.weight * static_cast<double>(row[columns.second]);
            };
            const double value = (1 - rows.weight) * along(above) + rows.weight * along(below);
            const Color color = color_of(overlay.colors, value);
            const double opacity = overlay.opacity_follows_map ? overlay.opacity * value : overlay.opacity;
            std::uint8_t* const pixel = rgb + (std::ptrdiff_t{y} * width + x) * 3;
            pixel[0] = mixed(pixel[0], color.red, opacity);
            pixel[1] = mixed(pixel[1], color.green, opacity);
            pixel[2] = mixed(pixel[2], color.blue, opacity);
        }
    }
    return true;
}

}  // namespace fovea
