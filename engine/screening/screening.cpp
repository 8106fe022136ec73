// SPDX-License-Identifier: Apache-2.0
#include "engine/screening/screening.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/clock.h"
#include "engine/finite.h"
#include "engine/screening/pictures.h"
#include "engine/screening/typicality.h"
#include "engine/screening/views.h"
#include "preprocess/fundus_crop.h"
#include "preprocess/preset.h"
#include "preprocess/quality.h"

namespace fovea {
namespace {

static_assert(preprocess::kQualityCheckCount <= FOVEA_MAX_QUALITY_CHECKS);

fovea_quality public_verdict(preprocess::QualityVerdict verdict) {
    switch (verdict) {
        case preprocess::QualityVerdict::kGood:
            return FOVEA_QUALITY_GOOD;
        case preprocess::QualityVerdict::kUsable:
            return FOVEA_QUALITY_USABLE;
        case preprocess::QualityVerdict::kReject:
            return FOVEA_QUALITY_REJECT;
    }
    return FOVEA_QUALITY_REJECT;
}

void swap_red_and_blue(preprocess::Image* picture) {
    std::uint8_t* pixel = picture->pixels.data();
    for (std::size_t i = 0; i + 2 < picture->pixels.size(); i += 3) {
        std::swap(pixel[i], pixel[i + 2]);
    }
}

double milliseconds_since(double start) {
    return (monotonic_seconds() - start) * 1e3;
}

}  // namespace

fovea_status check_screenable(const fovea_session& session) {
    const Labels& labels = session.file().labels;
    const Shape& input = session.input_shape();
    const auto refuse = [&](const char* what) {
        return session.log.fail(FOVEA_ERROR_UNSUPPORTED_MODEL, "screening: %s", what);
    };
    if (labels.target == Target::kOther) return refuse("the model's target is not retinopathy");
    if (labels.class_count() > FOVEA_MAX_CLASSES) return refuse("the model has over 16 classes");
    if (input.channels != 3) return refuse("the network's input is not a colour picture");
    if (input.height != input.width) {
        return session.log.fail(FOVEA_ERROR_INPUT_SIZE,
                                "screening: needs a square input, this session's is %u x %u",
                                input.height, input.width);
    }
    return FOVEA_OK;
}

const OperatingPoint* find_operating_point(const fovea_session& session, const char* name) {
    const Calibration& calibration = session.file().calibration;
    if (name == nullptr) return &calibration.points[calibration.default_point];
    for (std::uint32_t i = 0; i < calibration.count; ++i) {
        if (std::strcmp(calibration.points[i].name, name) == 0) return &calibration.points[i];
    }
    session.log.write(FOVEA_LOG_ERROR, "screening: the model has no operating point '%.64s'", name);
    return nullptr;
}

fovea_status judge_quality(fovea_session& session, preprocess::QualityCopies&& copies,
                           fovea_screening* screening) {
    const double start = monotonic_seconds();
    preprocess::QualityReport report;
    const fovea_status status =
        picture_status(preprocess::assess_quality(std::move(copies), session.allocator, &report),
                       "quality", nullptr, session.log);
    if (status != FOVEA_OK) return status;
    screening->quality = public_verdict(report.verdict);
    screening->quality_check_count = preprocess::kQualityCheckCount;
    for (int i = 0; i < preprocess::kQualityCheckCount; ++i) {
        const preprocess::QualityCheck& check = report.checks[i];
        screening->quality_checks[i] = {check.name,           check.value,
                                        check.limit,          check.limit_is_minimum ? 1 : 0,
                                        check.passed ? 1 : 0, check.advice};
    }
    screening->quality_ms = milliseconds_since(start);
    return FOVEA_OK;
}

double positive_score(const Labels& labels, std::uint32_t first, const float* probabilities) {
    double score = 0;
    for (std::uint32_t i = first; i < labels.class_count(); ++i) {
        const double probability = probabilities[i];
        // Independent probabilities do not add up.
        score = labels.form == OutputForm::kSigmoids ? std::max(score, probability)
                                                     : score + probability;
    }
    return std::min(score, 1.0);
}

namespace {

// The picture that the session's network sees of a photo, as the model's preset makes it with these settings.
fovea_status network_picture(fovea_session& session, const preprocess::Photo& photo, const preprocess::PresetSettings& settings,
                             preprocess::Image* picture) {
    const fovea_status status = run_preset(photo, settings, PictureContext(session.settings), picture);
    if (status == FOVEA_OK && session.file().preprocessing.wants_bgr) swap_red_and_blue(picture);
    return status;
}

// A NaN is below every threshold: it must not come out as "no signs".
fovea_status check_logits(const float* logits, std::uint32_t count, const Log& log) {
    if (all_finite(logits, count)) return FOVEA_OK;
    return log.fail(FOVEA_ERROR_BAD_MODEL, "screening: the network's output is not a number");
}

// The means of the views' logits. The picture lacks the circle mask if is_masked: each view gets it, as the photo so turned would.
fovea_status run_views(fovea_session& session, std::uint32_t views, bool is_masked, preprocess::Image* picture, float* logits) {
    preprocess::Image masked(session.allocator);
    if (is_masked && !masked.allocate(picture->width, picture->height)) {
        return session.log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for a view of the picture");
    }
    const std::uint32_t count = session.file().labels.logit_count();
    float of_views[FOVEA_MAX_CLASSES][kMaxViews];
    for (std::uint32_t view = 0; view < views; ++view) {
        turn_to_view(view, views, picture);
        const preprocess::Image* seen = picture;
        if (is_masked) {
            std::memcpy(masked.pixels.data(), picture->pixels.data(), picture->pixels.size());
            preprocess::mask_circle(&masked);
            seen = &masked;
        }
        fovea_status status = session.run(seen->pixels.data(), FOVEA_U8, logits, nullptr);
        if (status == FOVEA_OK) status = check_logits(logits, count, session.log);
        if (status != FOVEA_OK) return status;
        for (std::uint32_t i = 0; i < count; ++i) of_views[i][view] = logits[i];
    }
    for (std::uint32_t i = 0; i < count; ++i) logits[i] = mean_of_views(of_views[i], views);
    return FOVEA_OK;
}

// The likeliest grade would be too far off too often where neighbours share a probability.
std::uint32_t median_grade(const Labels& labels, const float* probabilities) {
    std::uint32_t grade = 0;
    while (grade + 1 < labels.class_count() && positive_score(labels, grade + 1, probabilities) >= 0.5) ++grade;
    return grade;
}

void add_answer(const Labels& labels, const char* target, std::uint32_t first, const OperatingPoint& point,
                fovea_screening* screening) {
    fovea_answer& answer = screening->answers[screening->answer_count++];
    answer.target = target;
    answer.score = positive_score(labels, first, screening->probabilities);
    answer.operating_point = point.name;
    answer.threshold = point.threshold;
    answer.result = answer.score >= point.threshold ? FOVEA_RESULT_DR_SIGNS_FOUND : FOVEA_RESULT_NO_DR_SIGNS_FOUND;
}

}  // namespace

fovea_status judge_logits(const Labels& labels, const Calibration& calibration, const OperatingPoint& point,
                          const Log& log, fovea_screening* screening) {
    screening->class_count = labels.class_count();
    screening->logit_count = labels.logit_count();
    const fovea_status status = check_logits(screening->logits, screening->logit_count, log);
    if (status != FOVEA_OK) return status;
    screening->temperature = calibration.temperature;
    probabilities_from_logits(labels, screening->logits, screening->temperature,
                              screening->probabilities);
    const float* begin = screening->probabilities;
    const float* largest = std::max_element(begin, begin + screening->class_count);
    screening->predicted_class = static_cast<std::uint32_t>(largest - begin);
    screening->confidence = *largest;
    if (labels.has_grades()) {
        screening->grade = median_grade(labels, screening->probabilities);
        const OperatingPoint* any_dr = calibration.any_dr_point(point.name);
        if (any_dr != nullptr) add_answer(labels, "any_dr", 1, *any_dr, screening);
    }
    const bool is_any_dr = labels.target == Target::kAnyDr;
    add_answer(labels, is_any_dr ? "any_dr" : "referable_dr", labels.first_positive(), point, screening);
    const fovea_answer& deciding = screening->answers[screening->answer_count - 1];
    screening->positive_score = deciding.score;
    screening->operating_point = deciding.operating_point;
    screening->threshold = deciding.threshold;
    screening->result = deciding.result;
    screening->has_scores = 1;
    return FOVEA_OK;
}

fovea_status judge_signs(fovea_session& session, preprocess::Photo* photo, bool keeps_photo, const OperatingPoint& point,
                         std::uint32_t views, fovea_screening* screening) {
    double start = monotonic_seconds();
    preprocess::PresetSettings settings = model_preset(session.file().preprocessing, session.input_shape().height);
    const bool masks_views = views > 1 && preprocess::ends_in_circle_mask(settings);
    if (masks_views) settings.circle_mask = false;
    preprocess::Image picture(session.allocator);
    fovea_status status = network_picture(session, *photo, settings, &picture);
    if (status != FOVEA_OK) return status;
    if (!keeps_photo) *photo = preprocess::Photo(session.allocator);
    screening->preprocess_ms = milliseconds_since(start);

    start = monotonic_seconds();
    status = run_views(session, views, masks_views, &picture, screening->logits);
    if (status != FOVEA_OK) return status;
    screening->infer_ms = milliseconds_since(start);
    return judge_logits(session.file().labels, session.file().calibration, point, session.log, screening);
}

fovea_status judge_typicality(const fovea_session& session, bool force, fovea_screening* screening) {
    if (!session.planned.measures_typicality) return FOVEA_OK;
    const Typicality& typicality = session.file().typicality;
    double smallest = 1;
    Buffer<double> features(session.allocator);
    for (std::uint32_t i = 0; i < typicality.tap_count; ++i) {
        const FeatureStatistics& statistics = typicality.taps[i];
        const Shape& shape = session.planned.plan.values[statistics.value].shape;
        if (!features.allocate(std::size_t{statistics.dimension} * 2)) {
            return session.log.fail(FOVEA_ERROR_OUT_OF_MEMORY, "out of memory for the typicality");
        }
        mean_of_pixels(session.executor->value(statistics.value), shape.pixels(), statistics.dimension, features.data());
        const double score = mahalanobis_score(statistics, features.data(), features.data() + statistics.dimension);
        const double share = share_below(statistics.sorted_scores, typicality.score_count, score);
        if (i == 0 || share < smallest) {
            smallest = share;
            screening->typicality_score = score;
        }
    }
    // Rounded as the file has them, so that equal shares are equal.
    const double share = share_below(typicality.sorted_shares, typicality.score_count, static_cast<float>(smallest));
    screening->typicality_percentile = 100 * share;
    screening->typicality = share < typicality.reject_below     ? FOVEA_TYPICALITY_REJECT
                            : share < typicality.atypical_below ? FOVEA_TYPICALITY_ATYPICAL
                                                                : FOVEA_TYPICALITY_TYPICAL;
    if (screening->typicality != FOVEA_TYPICALITY_REJECT) return FOVEA_OK;
    if (force) {
        screening->forced = 1;
    } else {
        screening->result = FOVEA_RESULT_NOT_GRADABLE;
        for (std::uint32_t i = 0; i < screening->answer_count; ++i) screening->answers[i].result = FOVEA_RESULT_NOT_GRADABLE;
    }
    return FOVEA_OK;
}

}  // namespace fovea
