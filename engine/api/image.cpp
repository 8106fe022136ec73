// SPDX-License-Identifier: Apache-2.0
// C entry points: pictures and presets.
#include <utility>

#include "engine/api/common.h"
#include "engine/model/model.h"
#include "engine/screening/pictures.h"
#include "preprocess/preset.h"

using namespace fovea;

namespace {

// What fovea_image::owner points to.
struct ImageOwner {
    ImageOwner(const Allocator& allocator_, preprocess::Image&& image_)
        : allocator(allocator_), image(std::move(image_)) {}

    Allocator allocator;
    preprocess::Image image;
};

fovea_status give(preprocess::Image&& picture, const PictureContext& context, fovea_image* image) {
    auto* owner = create<ImageOwner>(context.allocator, context.allocator, std::move(picture));
    if (owner == nullptr) {
        return context.log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for a picture");
    }
    *image = {owner->image.pixels.data(), static_cast<std::uint32_t>(owner->image.width),
              static_cast<std::uint32_t>(owner->image.height), owner};
    return FOVEA_OK;
}

// The caller's settings, or *defaults when there are none; null when they are not sound.
const fovea_session_settings* settings_or(const fovea_session_settings* settings,
                                          fovea_session_settings* defaults) {
    if (settings == nullptr) {
        fovea_session_settings_init(defaults);
        return defaults;
    }
    return is_initialised(settings) && is_valid(settings->allocator) ? settings : nullptr;
}

}  // namespace

void fovea_image_free(fovea_image* image) {
    if (image == nullptr) return;
    auto* owner = static_cast<ImageOwner*>(image->owner);
    *image = {};
    if (owner == nullptr) return;
    const Allocator allocator = owner->allocator;
    destroy(allocator, owner);
}

fovea_status fovea_decode(const void* data, size_t data_size,
                          const fovea_session_settings* settings, fovea_image* image) {
    if (image == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    *image = {};
    fovea_session_settings defaults;
    settings = settings_or(settings, &defaults);
    if (settings == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    const PictureContext context(*settings);
    if (data == nullptr)
        return context.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "image: data is null");
    preprocess::Image picture(context.allocator);
    const fovea_status status = decode_picture(data, data_size, context, &picture);
    return status == FOVEA_OK ? give(std::move(picture), context, image) : status;
}

void fovea_preset_init(fovea_preset* preset) {
    if (preset == nullptr) return;
    *preset = {};
    preset->size = sizeof(*preset);
    preset->name = preprocess::preset_name(preprocess::Preset::kKaggleBenColor);
    preset->output_size = 512;
    preset->tolerance = 7;
    preset->circle_mask = 1;
    preset->resize = "cv_linear";
    preset->graham_scale = 300;
}

fovea_status fovea_model_preset(const fovea_model* model, fovea_preset* preset) {
    if (model == nullptr || !is_initialised(preset)) return FOVEA_ERROR_INVALID_ARGUMENT;
    const ModelFile& file = model->file;
    if (file.graph.default_height != file.graph.default_width) {
        return model->log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL,
                               "presets give squares, the network's input is %u x %u",
                               file.graph.default_height, file.graph.default_width);
    }
    const preprocess::PresetSettings own =
        model_preset(file.preprocessing, file.graph.default_height);
    fovea_preset_init(preset);
    preset->name = preprocess::preset_name(own.preset);
    preset->output_size = static_cast<std::uint32_t>(own.output_size);
    preset->sigma = own.sigma;
    preset->tolerance = static_cast<std::uint32_t>(own.tolerance);
    preset->circle_mask = own.circle_mask ? 1 : 0;
    preset->gray_swapped = own.gray_swapped ? 1 : 0;
    preset->pad_square = own.pad_square ? 1 : 0;
    preset->resize = own.resize == preprocess::ResizeMethod::kArea ? "cv_area" : "cv_linear";
    preset->graham_scale = own.graham_scale;
    return FOVEA_OK;
}

const char* fovea_preset_name(uint32_t index) {
    if (index > static_cast<std::uint32_t>(preprocess::Preset::kEyeq)) return nullptr;
    return preprocess::preset_name(static_cast<preprocess::Preset>(index));
}

fovea_status fovea_preprocess(const fovea_pixels* pixels, const fovea_preset* preset,
                              const fovea_session_settings* settings, fovea_image* image) {
    if (image == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    *image = {};
    fovea_session_settings defaults;
    settings = settings_or(settings, &defaults);
    if (settings == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    const PictureContext context(*settings);
    if (pixels == nullptr || !is_initialised(preset)) {
        return context.log.fail(FOVEA_ERROR_INVALID_ARGUMENT,
                                "preprocess: pixels is null or preset is not initialised");
    }
    preprocess::PresetSettings preset_settings;
    fovea_status status = public_preset(*preset, context.log, &preset_settings);
    if (status != FOVEA_OK) return status;
    preprocess::Image upright(context.allocator), result(context.allocator);
    status = copy_picture(*pixels, context, &upright);
    if (status != FOVEA_OK) return status;
    status = run_preset(upright, preset_settings, context, &result);
    return status == FOVEA_OK ? give(std::move(result), context, image) : status;
}
