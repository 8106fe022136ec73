// SPDX-License-Identifier: Apache-2.0
// C entry points: screening.
#include <optional>
#include <utility>

#include "engine/api/common.h"
#include "engine/api/pixels.h"
#include "engine/clock.h"
#include "engine/explain/explainer.h"
#include "engine/screening/pictures.h"
#include "engine/screening/screening.h"
#include "engine/screening/views.h"
#include "engine/session.h"

using namespace fovea;

namespace {

struct Bytes {
    const void* data;
    std::size_t size;
};

fovea_status open_bytes(const void* bytes, const fovea_session& session, const PictureContext& context, preprocess::Photo* photo,
                        preprocess::QualityCopies* copies) {
    const auto [data, size] = *static_cast<const Bytes*>(bytes);
    if (data == nullptr) return context.log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "screening: data is null");
    preprocess::QualityRows rows(context.allocator);
    const preprocess::PresetSettings preset = model_preset(session.file().preprocessing, session.input_shape().height);
    const fovea_status status = decode_photo(data, size, preset, context, photo, &rows);
    return status == FOVEA_OK ? picture_status(rows.finish(copies), "quality", nullptr, context.log) : status;
}

fovea_status open_pixels(const void* pixels, const fovea_session&, const PictureContext& context, preprocess::Photo* photo,
                         preprocess::QualityCopies* copies) {
    preprocess::Image upright(context.allocator);
    const fovea_status status = read_pixels(static_cast<const fovea_pixels*>(pixels), context, &upright);
    if (status != FOVEA_OK) return status;
    *photo = preprocess::Photo(std::move(upright));
    return picture_status(preprocess::copy_for_quality(*photo, context.allocator, copies, context.cancel), "quality", nullptr, context.log);
}

// quality -> result -> map, if asked for; open brings the photo of what is given, and what its quality is judged by. By a pointer: a
// program then has only the kind of photo that it calls for, and this once.
fovea_status screen(fovea_session* session, decltype(&open_bytes) open, const void* photo_given, const fovea_screen_options* given,
                    fovea_screening* screening) {
    if (session == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    const SessionCall call(*session);
    if (!call.may_go_on()) return FOVEA_ERROR_BUSY;
    fovea_screen_options options;
    fovea_screen_options_init(&options);
    const char* problem = read_struct(given, &options);
    if (problem != nullptr) {
        return session->log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "screen options: %s", problem);
    }
    const std::uint32_t views = options.views == 0 ? 1 : options.views;
    if (!is_view_count(views)) {
        return session->log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "screen options: %u views; there may be 1, 2, 4 or 8", views);
    }
    if (!can_be_filled(screening)) {
        return session->log.fail(FOVEA_ERROR_INVALID_ARGUMENT,
                                 "screening: null, or its size is not set");
    }
    std::optional<SessionCall> explaining;
    if (options.explainer != nullptr) {
        const char* const wrong = &options.explainer->session.model != &session->model ? "is of another model"
                                  : !can_be_filled(options.explanation)               ? "has no explanation to fill, or its size is not set"
                                                                                      : nullptr;
        if (wrong != nullptr) {
            return session->log.fail(FOVEA_ERROR_INVALID_ARGUMENT, "screen options: the explainer %s", wrong);
        }
        explaining.emplace(options.explainer->session);
        if (!explaining->may_go_on()) return FOVEA_ERROR_BUSY;
    }
    fovea_status status = check_screenable(*session);
    if (status != FOVEA_OK) return status;
    const OperatingPoint* point = find_operating_point(*session, options.operating_point);
    if (point == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;

    fovea_screening made = {};
    const PictureContext context(session->settings);
    preprocess::Photo photo(context.allocator);
    preprocess::QualityCopies copies(context.allocator);
    const double start = monotonic_seconds();
    status = open(photo_given, *session, context, &photo, &copies);
    if (status != FOVEA_OK) return status;
    made.decode_ms = (monotonic_seconds() - start) * 1e3;
    made.image_width = static_cast<std::uint32_t>(photo.width);
    made.image_height = static_cast<std::uint32_t>(photo.height);

    status = judge_quality(*session, std::move(copies), &made);
    if (status != FOVEA_OK) return status;
    made.result = FOVEA_RESULT_NOT_GRADABLE;
    made.forced = made.quality == FOVEA_QUALITY_REJECT && options.force != 0 ? 1 : 0;
    if (made.quality != FOVEA_QUALITY_REJECT || made.forced != 0) {
        status = judge_signs(*session, &photo, options.explainer != nullptr, *point, views, &made);
        if (status == FOVEA_OK) status = judge_typicality(*session, options.force != 0, &made);
        if (status != FOVEA_OK) return status;
    }
    fovea_explanation explanation = {};
    if (options.explainer != nullptr && made.result != FOVEA_RESULT_NOT_GRADABLE) {
        const double explain_start = monotonic_seconds();
        status = options.explainer->explain_screened(*options.explainer, photo, &explanation);
        if (status != FOVEA_OK) return status;
        made.explain_ms = (monotonic_seconds() - explain_start) * 1e3;
    }
    if (options.explainer != nullptr) fill_struct(explanation, options.explanation);
    fill_struct(made, screening);
    return FOVEA_OK;
}

}  // namespace

void fovea_screen_options_init_sized(fovea_screen_options* options, size_t size) {
    fovea_screen_options defaults = {};
    defaults.views = 1;
    set_defaults(defaults, options, size);
}

const char* fovea_quality_string(fovea_quality quality) {
    switch (quality) {
        case FOVEA_QUALITY_GOOD:
            return "good";
        case FOVEA_QUALITY_USABLE:
            return "usable";
        case FOVEA_QUALITY_REJECT:
            return "reject";
        case FOVEA_QUALITY_ANY_INT_:
            break;
    }
    return "unknown";
}

const char* fovea_typicality_string(fovea_typicality typicality) {
    switch (typicality) {
        case FOVEA_TYPICALITY_NOT_MEASURED:
            return "not_measured";
        case FOVEA_TYPICALITY_TYPICAL:
            return "typical";
        case FOVEA_TYPICALITY_ATYPICAL:
            return "atypical";
        case FOVEA_TYPICALITY_REJECT:
            return "reject";
        case FOVEA_TYPICALITY_ANY_INT_:
            break;
    }
    return "unknown";
}

const char* fovea_result_string(fovea_result result) {
    switch (result) {
        case FOVEA_RESULT_NOT_GRADABLE:
            return "not_gradable";
        case FOVEA_RESULT_NO_DR_SIGNS_FOUND:
            return "no_dr_signs_found";
        case FOVEA_RESULT_DR_SIGNS_FOUND:
            return "dr_signs_found";
        case FOVEA_RESULT_ANY_INT_:
            break;
    }
    return "unknown";
}

fovea_status fovea_screen_bytes(fovea_session* session, const void* data, size_t data_size,
                                const fovea_screen_options* options, fovea_screening* screening) {
    const Bytes bytes = {data, data_size};
    return screen(session, open_bytes, &bytes, options, screening);
}

fovea_status fovea_screen_pixels(fovea_session* session, const fovea_pixels* pixels,
                                 const fovea_screen_options* options, fovea_screening* screening) {
    return screen(session, open_pixels, pixels, options, screening);
}
