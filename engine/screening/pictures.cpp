// SPDX-License-Identifier: Apache-2.0
#include "engine/screening/pictures.h"

#include <cstring>

#include "engine/settings.h"
#include "preprocess/decode.h"
#include "preprocess/quality.h"
#include "preprocess/scaled_decode.h"

namespace fovea {
namespace {

constexpr const char* kLinear = "cv_linear";
constexpr const char* kArea = "cv_area";

preprocess::DecodeLimits limits_of(const PictureContext& context) {
    return {context.max_side, context.max_pixels, context.max_bytes, context.cancel};
}

// The detail of a success is a warning.
fovea_status tell_decoded(preprocess::Status status, const char* detail, const Log& log) {
    if (status != preprocess::Status::kOk) return picture_status(status, "image", detail, log);
    if (detail[0] != '\0') log.write(FOVEA_LOG_WARNING, "image: %s", detail);
    return FOVEA_OK;
}

}  // namespace

PictureContext::PictureContext(const fovea_session_settings& settings)
    : allocator(to_internal(settings.allocator)),
      log(settings.log),
      max_side(settings.max_image_side),
      max_pixels(settings.max_image_pixels),
      max_bytes(settings.max_decode_bytes),
      cancel{settings.cancel, settings.cancel_cookie} {}

fovea_status picture_status(preprocess::Status status, const char* what, const char* detail,
                            const Log& log) {
    fovea_status mapped = FOVEA_OK;
    switch (status) {
        case preprocess::Status::kOk:
            return FOVEA_OK;
        case preprocess::Status::kOutOfMemory:
            mapped = FOVEA_ERROR_OUT_OF_MEMORY;
            break;
        case preprocess::Status::kNotAnImage:
            mapped = FOVEA_ERROR_NOT_AN_IMAGE;
            break;
        case preprocess::Status::kUnsupportedImage:
            mapped = FOVEA_ERROR_UNSUPPORTED_IMAGE;
            break;
        case preprocess::Status::kCorruptImage:
            mapped = FOVEA_ERROR_CORRUPT_IMAGE;
            break;
        case preprocess::Status::kImageTooLarge:
            mapped = FOVEA_ERROR_IMAGE_TOO_LARGE;
            break;
        case preprocess::Status::kInvalidArgument:
            mapped = FOVEA_ERROR_INVALID_ARGUMENT;
            break;
        case preprocess::Status::kCancelled:
            mapped = FOVEA_ERROR_CANCELLED;
            break;
    }
    const bool has_detail = detail != nullptr && detail[0] != '\0';
    return log.fail(mapped, "%s: %s", what, has_detail ? detail : fovea_status_string(mapped));
}

fovea_status decode_picture(const void* data, std::size_t size, const PictureContext& context,
                            preprocess::Image* out) {
    const char* detail = "";
    const preprocess::Status status =
        preprocess::decode_image(static_cast<const std::uint8_t*>(data), size, limits_of(context), context.allocator, out, &detail);
    return tell_decoded(status, detail, context.log);
}

fovea_status decode_photo(const void* data, std::size_t size, const preprocess::PresetSettings& settings,
                          const PictureContext& context, preprocess::Photo* out, preprocess::QualityRows* quality) {
    const char* detail = "";
    const preprocess::Status status =
        preprocess::decode_for_preset(static_cast<const std::uint8_t*>(data), size, limits_of(context), settings,
                                      preprocess::kLeastScaledSide, context.allocator, out, quality, &detail);
    return tell_decoded(status, detail, context.log);
}

preprocess::PresetSettings model_preset(const Preprocessing& preprocessing, std::uint32_t side) {
    preprocess::PresetSettings settings = preprocessing.settings;
    settings.output_size = static_cast<int>(side);
    return settings;
}

fovea_status run_preset(const preprocess::Photo& photo, preprocess::PresetSettings settings,
                        const PictureContext& context, preprocess::Image* out,
                        preprocess::PresetGeometry* geometry) {
    settings.max_side = context.max_side;
    settings.max_pixels = context.max_pixels;
    settings.cancel = context.cancel;
    const preprocess::Status status =
        preprocess::apply_preset(photo.image.view(), settings, context.allocator, out, geometry);
    if (geometry != nullptr) {
        const double unit_x = static_cast<double>(photo.width) / photo.image.width;
        const double unit_y = static_cast<double>(photo.height) / photo.image.height;
        geometry->x *= unit_x;
        geometry->y *= unit_y;
        geometry->width *= unit_x;
        geometry->height *= unit_y;
    }
    const char* detail = status == preprocess::Status::kImageTooLarge
                             ? "the preset would enlarge the photo beyond the limits"
                             : nullptr;
    return picture_status(status, "preprocess", detail, context.log);
}

fovea_status public_preset(const fovea_preset& preset, const Log& log,
                           preprocess::PresetSettings* settings) {
    const auto bad = [&](const char* what) {
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "preset: %s", what);
    };
    if (preset.name == nullptr || preset.resize == nullptr) return bad("name or resize is null");
    constexpr auto kPresets = static_cast<std::uint32_t>(preprocess::Preset::kEyeq) + 1;
    std::uint32_t index = 0;
    while (index < kPresets &&
           std::strcmp(preprocess::preset_name(static_cast<preprocess::Preset>(index)), preset.name) != 0) {
        ++index;
    }
    if (index == kPresets) {
        return log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "preset: no preset is named '%.64s'",
                        preset.name);
    }
    if (preset.output_size == 0 && !preprocess::has_native_size(static_cast<preprocess::Preset>(index))) {
        return bad("none and kaggle_ben_color need an output_size");
    }
    const bool area = std::strcmp(preset.resize, kArea) == 0;
    if (!area && std::strcmp(preset.resize, kLinear) != 0) return bad("unknown resize");
    if (preset.output_size > preprocess::kMaxPresetSize) return bad("output_size is over 16384");
    if (preset.tolerance > 255) return bad("tolerance is over 255");
    // Written so that a NaN is refused.
    if (!(preset.sigma >= 0 && preset.sigma <= preprocess::kMaxSigma)) return bad("sigma is outside 0 to 256");
    if (!(preset.graham_scale >= 1 && preset.graham_scale <= preprocess::kMaxGrahamScale)) {
        return bad("graham_scale is outside 1 to 7680");
    }
    if (preset.scaled_decoding == 1 || preset.scaled_decoding > preprocess::kMaxScaledDecoding) {
        return bad("scaled_decoding is neither 0 nor 2 to 16");
    }
    settings->preset = static_cast<preprocess::Preset>(index);
    settings->output_size = static_cast<int>(preset.output_size);
    settings->sigma = preset.sigma;
    settings->tolerance = static_cast<int>(preset.tolerance);
    settings->circle_mask = preset.circle_mask != 0;
    settings->gray_swapped = preset.gray_swapped != 0;
    settings->pad_square = preset.pad_square != 0;
    settings->resize = area ? preprocess::ResizeMethod::kArea : preprocess::ResizeMethod::kLinear;
    settings->graham_scale = preset.graham_scale;
    settings->scaled_decoding = static_cast<int>(preset.scaled_decoding);
    if (settings->scaled_decoding != 0 && !preprocess::may_decode_scaled(settings->preset, settings->resize)) {
        return bad("scaled_decoding is for none, kaggle_ben_color and eyeq with cv_area alone");
    }
    if (settings->scaled_decoding != 0 && settings->output_size == 0) {
        return bad("scaled_decoding needs an output_size");
    }
    return FOVEA_OK;
}

}  // namespace fovea
