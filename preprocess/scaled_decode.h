// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "preprocess/decode_limits.h"
#include "preprocess/photo.h"
#include "preprocess/preset.h"
#include "preprocess/quality_rows.h"

namespace fovea::preprocess {

// Decodes a file for a preset, as decode_image() does. Where the settings allow it (scaled_decoding), a JPEG is decoded at the smallest
// of the scales 1/1, 1/2, 1/4 and 1/8 at which the shorter side of what the preset cuts out of the picture still has scaled_decoding
// times output_size pixels, and the longer one of the whole picture least_longer; of a picture that is still large, half is kept if that
// does (decode.h). What is cut out is seen in the picture itself, at the scale at which a disc as large as the frame would do; only a
// photo whose disc is too small then is decoded a second time. quality, which may be null, sees all rows at the scale in the end.
Status decode_for_preset(const std::uint8_t* data, std::size_t size, const DecodeLimits& limits, const PresetSettings& settings,
                         int least_longer, const Allocator& allocator, Photo* out, QualityRows* quality, const char** detail);

}  // namespace fovea::preprocess
