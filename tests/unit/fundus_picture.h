// SPDX-License-Identifier: Apache-2.0
// The drawn photo of synthetic_fundus.h, square, in the forms that the public header takes.
#pragma once

#include <cstdint>
#include <vector>

#include "fovea/fovea.h"

namespace fundus_picture {

struct Picture {
    int side = 0;
    std::vector<std::uint8_t> rgb;  // side x side x 3

    fovea_pixels pixels() const {
        const auto n = static_cast<std::uint32_t>(side);
        fovea_pixels pixels = {};
        pixels.size = sizeof(pixels);
        pixels.format = FOVEA_RGB;
        pixels.width = pixels.height = n;
        pixels.planes[0] = rgb.data();
        pixels.strides[0] = std::size_t{n} * 3;
        return pixels;
    }
    std::vector<std::uint8_t> png() const;  // not compressed
};

// light scales the brightness: 1 = a well lit photo.
Picture make(int side, double light = 1.0);

}  // namespace fundus_picture
