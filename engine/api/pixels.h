// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/screening/pictures.h"
#include "fovea/fovea.h"
#include "preprocess/image.h"

namespace fovea {

// The caller's pixels, checked; copied to packed upright RGB.
fovea_status read_pixels(const fovea_pixels* given, const PictureContext& context,
                         preprocess::Image* out);

}  // namespace fovea
