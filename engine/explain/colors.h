// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace fovea {

struct Color {
    std::uint8_t red, green, blue;
};

// Colours of 0 to 255: as OpenCV's applyColorMap gives for COLORMAP_JET and COLORMAP_VIRIDIS.
Color jet_color(std::uint8_t value);
Color viridis_color(std::uint8_t value);

}  // namespace fovea
