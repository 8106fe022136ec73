// SPDX-License-Identifier: Apache-2.0
// C entry points: maps made pictures.
#include <algorithm>
#include <cmath>

#include "engine/api/common.h"
#include "engine/api/images.h"
#include "engine/api/pixels.h"
#include "engine/explain/heat_map.h"
#include "engine/finite.h"

using namespace fovea;

namespace {

// What is wrong with the caller's settings, or null.
const char* read_heat_map_settings(const fovea_heat_map_settings* given, fovea_heat_map_settings* settings) {
    fovea_heat_map_settings_init(settings);
    const char* const problem = read_struct(given, settings);
    if (problem != nullptr) return problem;
    if (settings->reduction < FOVEA_REDUCE_MAX || settings->reduction > FOVEA_REDUCE_L2) return "unknown reduction";
    if (settings->colors < FOVEA_COLORS_JET || settings->colors > FOVEA_COLORS_VIRIDIS) return "unknown colors";
    if (!(settings->percentile > 0 && settings->percentile <= 100)) return "percentile is not above 0 and at most 100";
    if (!(settings->opacity >= 0 && settings->opacity <= 1)) return "opacity is outside 0 to 1";
    return nullptr;
}

// What is wrong with an explanation that was not filled by the library, or null.
const char* read_explanation(const fovea_explanation* given, fovea_explanation* explanation) {
    *explanation = {};
    if (given == nullptr) return "null";
    const char* const problem = read_struct(given, explanation);
    if (problem != nullptr) return problem;
    constexpr std::uint32_t kMostSide = 1u << 16;
    const fovea_explanation& e = *explanation;
    if (e.map == nullptr) return "has no map";
    if (e.height == 0 || e.width == 0 || e.channels == 0) return "its map is empty";
    if (e.height > kMostSide || e.width > kMostSide || e.channels > kMostSide) return "its map is too large";
    return nullptr;
}

// Zeros where the network saw nothing: black in all channels.
void mask_black(const std::uint8_t* picture, std::size_t pixels, float* values) {
    for (std::size_t p = 0; p < pixels; ++p, picture += 3) {
        if ((picture[0] | picture[1] | picture[2]) == 0) values[p] = 0.0f;
    }
}

}  // namespace

void fovea_heat_map_settings_init_sized(fovea_heat_map_settings* settings, size_t size) {
    fovea_heat_map_settings defaults = {};
    defaults.percentile = 99;
    defaults.opacity = 0.4;
    set_defaults(defaults, settings, size);
}

fovea_status fovea_heat_map(const fovea_explanation* explanation, const fovea_heat_map_settings* given, float* values) {
    const DefaultFloats floats;
    fovea_heat_map_settings settings;
    fovea_explanation made;
    if (values == nullptr || read_heat_map_settings(given, &settings) != nullptr || read_explanation(explanation, &made) != nullptr) {
        return FOVEA_ERROR_INVALID_ARGUMENT;
    }
    const std::size_t pixels = std::size_t{made.height} * made.width;
    const std::size_t count = pixels * made.channels;
    if (!all_finite(made.map, count)) return FOVEA_ERROR_INVALID_ARGUMENT;
    reduce_channels(made.map, pixels, made.channels, settings.reduction, values);
    // A coarser map is of places, not of pixels.
    if (made.picture != nullptr && made.channels == 3 && settings.unmasked == 0) mask_black(made.picture, pixels, values);
    normalise(values, pixels, settings.percentile / 100);
    return FOVEA_OK;
}

fovea_status fovea_heat_map_overlay(const fovea_explanation* explanation, const float* values, const fovea_pixels* picture,
                                    const fovea_heat_map_settings* given, const fovea_session_settings* session_settings,
                                    fovea_image* image) {
    const DefaultFloats floats;
    fovea_session_settings session;
    if (!make_empty(image) || !read_settings(session_settings, &session)) return FOVEA_ERROR_INVALID_ARGUMENT;
    const PictureContext context(session);
    const auto bad = [&](const char* of, const char* problem) {
        return context.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "overlay: %s: %s", of, problem);
    };
    fovea_heat_map_settings settings;
    fovea_explanation made;
    const char* problem = read_heat_map_settings(given, &settings);
    if (problem != nullptr) return bad("settings", problem);
    problem = read_explanation(explanation, &made);
    if (problem != nullptr) return bad("explanation", problem);
    if (values == nullptr) return bad("values", "null");
    const std::size_t count = std::size_t{made.height} * made.width;
    if (!std::all_of(values, values + count, [](float v) { return v >= 0 && v <= 1; })) return bad("values", "some are outside 0 to 1");
    const double sides[] = {made.photo_x, made.photo_y, made.photo_width, made.photo_height};
    const bool placed = std::all_of(sides, sides + 4, [](double v) { return std::isfinite(v); }) && sides[2] > 0 && sides[3] > 0;
    if (!placed) return bad("explanation", "its place on the photo is none");
    preprocess::Image drawn(context.allocator);
    const fovea_status status = read_pixels(picture, context, &drawn);
    if (status != FOVEA_OK) return status;
    const bool is_drawn =
        draw_overlay({values, static_cast<int>(made.width), static_cast<int>(made.height), made.photo_x, made.photo_y,
                      made.photo_width, made.photo_height, settings.colors, settings.opacity, settings.opacity_follows_map != 0},
                     drawn.pixels.data(), drawn.width, drawn.height, context.cancel);
    if (!is_drawn) return context.log.fail(FOVEA_ERROR_CANCELLED, "the overlay was cancelled");
    return give(std::move(drawn), context, image);
}
