// SPDX-License-Identifier: Apache-2.0
// Between the public header's pictures and preprocess/: statuses, limits, formats, presets.
#pragma once

#include <cstddef>

#include "engine/log.h"
#include "engine/model/contents.h"
#include "fovea/fovea.h"
#include "preprocess/cancel.h"
#include "preprocess/image.h"
#include "preprocess/photo.h"
#include "preprocess/preset.h"
#include "preprocess/quality_rows.h"

namespace fovea {

// What the calls that take pictures need of a session's settings.
struct PictureContext {
    Allocator allocator;
    Log log;
    std::uint32_t max_side;
    std::uint64_t max_pixels;
    std::uint64_t max_bytes;
    Cancel cancel;

    explicit PictureContext(const fovea_session_settings& settings);
};

// The public status of a preprocessing failure, told to the log as "what: detail".
fovea_status picture_status(preprocess::Status status, const char* what, const char* detail,
                            const Log& log);

// A JPEG or PNG file, upright.
fovea_status decode_picture(const void* data, std::size_t size, const PictureContext& context,
                            preprocess::Image* out);

// The same for a preset, at the scale that the preset's settings allow. quality, which may be null, sees all rows.
fovea_status decode_photo(const void* data, std::size_t size, const preprocess::PresetSettings& settings,
                          const PictureContext& context, preprocess::Photo* out, preprocess::QualityRows* quality);

// The preset of a model for a square input of that side.
preprocess::PresetSettings model_preset(const Preprocessing& preprocessing, std::uint32_t side);

// Makes the network's picture of a photo, within the context's limits. The geometry is in pixels of the photo at its full size.
fovea_status run_preset(const preprocess::Photo& photo, preprocess::PresetSettings settings,
                        const PictureContext& context, preprocess::Image* out,
                        preprocess::PresetGeometry* geometry = nullptr);

// The caller's preset, checked.
fovea_status public_preset(const fovea_preset& preset, const Log& log,
                           preprocess::PresetSettings* settings);

}  // namespace fovea
