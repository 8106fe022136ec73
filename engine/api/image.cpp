// SPDX-License-Identifier: Apache-2.0
// C entry points: pictures and presets.
#include <utility>

#include "engine/api/common.h"
#include "engine/api/images.h"
#include "engine/api/pixels.h"
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

// A shorter picture could not be freed.
constexpr std::size_t kLeastImageSize = offsetof(fovea_image, owner) + sizeof(fovea_image::owner);

// open brings the photo for the checked preset.
template <typename Open>
fovea_status preprocess_photo(const fovea_preset* preset, const fovea_session_settings* given, fovea_image* image, const Open& open) {
    const DefaultFloats floats;
    fovea_session_settings settings;
    if (!make_empty(image) || !read_settings(given, &settings)) return FOVEA_ERROR_INVALID_ARGUMENT;
    const PictureContext context(settings);
    fovea_preset wanted;
    fovea_preset_init(&wanted);
    const char* problem = preset == nullptr ? "null" : read_struct(preset, &wanted);
    if (problem != nullptr) {
        return context.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "preset: %s", problem);
    }
    preprocess::PresetSettings preset_settings;
    fovea_status status = public_preset(wanted, context.log, &preset_settings);
    if (status != FOVEA_OK) return status;
    preprocess::Photo photo(context.allocator);
    preprocess::Image result(context.allocator);
    status = open(preset_settings, context, &photo);
    if (status == FOVEA_OK) status = run_preset(photo, preset_settings, context, &result);
    return status == FOVEA_OK ? give(std::move(result), context, image) : status;
}

}  // namespace

namespace fovea {

fovea_status give(preprocess::Image&& picture, const PictureContext& context, fovea_image* image) {
    auto* owner = create<ImageOwner>(context.allocator, context.allocator, std::move(picture));
    if (owner == nullptr) {
        return context.log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for a picture");
    }
    fill_struct({.size = 0,
                 .data = owner->image.pixels.data(),
                 .width = static_cast<std::uint32_t>(owner->image.width),
                 .height = static_cast<std::uint32_t>(owner->image.height),
                 .owner = owner},
                image);
    return FOVEA_OK;
}

bool make_empty(fovea_image* image) {
    if (!can_be_filled(image) || image->size < kLeastImageSize) return false;
    fill_struct({}, image);
    return true;
}

bool read_settings(const fovea_session_settings* given, fovea_session_settings* settings) {
    fovea_session_settings_init(settings);
    const char* problem = read_struct(given, settings);
    if (problem == nullptr && !is_valid(settings->allocator)) {
        problem = "allocator needs both allocate and release, or neither";
    }
    if (problem != nullptr) Log(settings->log).write(FOVEA_LOG_ERROR, "session settings: %s", problem);
    return problem == nullptr;
}

}  // namespace fovea

void fovea_image_free(fovea_image* image) {
    if (image == nullptr || image->size < kLeastImageSize) return;
    auto* owner = static_cast<ImageOwner*>(image->owner);
    if (!make_empty(image)) return;
    if (owner == nullptr) return;
    const Allocator allocator = owner->allocator;
    destroy(allocator, owner);
}

fovea_status fovea_decode(const void* data, size_t data_size,
                          const fovea_session_settings* given, fovea_image* image) {
    const DefaultFloats floats;
    fovea_session_settings settings;
    if (!make_empty(image) || !read_settings(given, &settings)) return FOVEA_ERROR_INVALID_ARGUMENT;
    const PictureContext context(settings);
    if (data == nullptr)
        return context.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "image: data is null");
    preprocess::Image picture(context.allocator);
    const fovea_status status = decode_picture(data, data_size, context, &picture);
    return status == FOVEA_OK ? give(std::move(picture), context, image) : status;
}

void fovea_preset_init_sized(fovea_preset* preset, size_t size) {
    fovea_preset defaults = {};
    defaults.name = preprocess::preset_name(preprocess::Preset::kKaggleBenColor);
    defaults.output_size = 512;
    defaults.tolerance = 7;
    defaults.circle_mask = 1;
    defaults.resize = "cv_linear";
    defaults.graham_scale = 300;
    set_defaults(defaults, preset, size);
}

fovea_status fovea_model_preset(const fovea_model* model, fovea_preset* preset) {
    if (model == nullptr || !can_be_filled(preset)) return FOVEA_ERROR_INVALID_ARGUMENT;
    const ModelFile& file = model->file;
    if (file.graph.default_height != file.graph.default_width) {
        return model->log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL,
                               "presets give squares, the network's input is %u x %u",
                               file.graph.default_height, file.graph.default_width);
    }
    const preprocess::PresetSettings own =
        model_preset(file.preprocessing, file.graph.default_height);
    fovea_preset made;
    fovea_preset_init(&made);
    made.name = preprocess::preset_name(own.preset);
    made.output_size = static_cast<std::uint32_t>(own.output_size);
    made.sigma = own.sigma;
    made.tolerance = static_cast<std::uint32_t>(own.tolerance);
    made.circle_mask = own.circle_mask ? 1 : 0;
    made.gray_swapped = own.gray_swapped ? 1 : 0;
    made.pad_square = own.pad_square ? 1 : 0;
    made.resize = own.resize == preprocess::ResizeMethod::kArea ? "cv_area" : "cv_linear";
    made.graham_scale = own.graham_scale;
    made.scaled_decoding = static_cast<std::uint32_t>(own.scaled_decoding);
    fill_struct(made, preset);
    return FOVEA_OK;
}

const char* fovea_preset_name(uint32_t index) {
    if (index > static_cast<std::uint32_t>(preprocess::Preset::kEyeq)) return nullptr;
    return preprocess::preset_name(static_cast<preprocess::Preset>(index));
}

fovea_status fovea_preprocess(const fovea_pixels* pixels, const fovea_preset* preset,
                              const fovea_session_settings* settings, fovea_image* image) {
    return preprocess_photo(preset, settings, image,
                            [&](const preprocess::PresetSettings&, const PictureContext& context, preprocess::Photo* photo) {
                                preprocess::Image upright(context.allocator);
                                const fovea_status status = read_pixels(pixels, context, &upright);
                                if (status == FOVEA_OK) *photo = preprocess::Photo(std::move(upright));
                                return status;
                            });
}

fovea_status fovea_preprocess_bytes(const void* data, size_t data_size, const fovea_preset* preset,
                                    const fovea_session_settings* settings, fovea_image* image) {
    return preprocess_photo(preset, settings, image,
                            [&](const preprocess::PresetSettings& own, const PictureContext& context, preprocess::Photo* photo) {
                                if (data == nullptr) return context.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "image: data is null");
                                return decode_photo(data, data_size, own, context, photo, nullptr);
                            });
}
