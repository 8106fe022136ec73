// SPDX-License-Identifier: Apache-2.0
// Pictures that the library hands out, and the settings that calls without a session take.
#pragma once

#include "engine/screening/pictures.h"
#include "fovea/fovea.h"
#include "preprocess/image.h"

namespace fovea {

// Hands the picture over to the caller, whose struct can take one.
fovea_status give(preprocess::Image&& picture, const PictureContext& context, fovea_image* image);

// Whether the caller's struct can take a picture; it is empty then.
bool make_empty(fovea_image* image);

// The caller's settings; false when they are not sound.
bool read_settings(const fovea_session_settings* given, fovea_session_settings* settings);

}  // namespace fovea
