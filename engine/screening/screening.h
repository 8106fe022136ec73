// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/model/contents.h"
#include "engine/session.h"
#include "fovea/fovea.h"
#include "preprocess/image.h"
#include "preprocess/photo.h"
#include "preprocess/quality_rows.h"

namespace fovea {

// Whether the session's network can judge a photo: its target, classes and input.
fovea_status check_screenable(const fovea_session& session);

// The operating point of that name (null = the model's default), or null with a log line.
const OperatingPoint* find_operating_point(const fovea_session& session, const char* name);

// Is the photo good enough? Fills the screening's quality and quality_ms.
fovea_status judge_quality(fovea_session& session, preprocess::QualityCopies&& copies,
                           fovea_screening* screening);

// What the logits in the screening say: fills the scores and the result at the operating point. Knows of no session, so that the logits
// may be those of several networks.
fovea_status judge_logits(const Labels& labels, const Calibration& calibration, const OperatingPoint& point,
                          const Log& log, fovea_screening* screening);

// What does the network say? Makes its picture of the photo, runs it on so many views of that (views.h), the photo as it is last, and
// judges the means of their logits; fills these and the times too. The photo's pixels are released before the run, unless they are kept.
fovea_status judge_signs(fovea_session& session, preprocess::Photo* photo, bool keeps_photo, const OperatingPoint& point,
                         std::uint32_t views, fovea_screening* screening);

// Is the photo like those that the network knows? Of the session's last run; fills the screening's typicality where the
// session measures it, and takes the result back where the photo is rejected and not forced.
fovea_status judge_typicality(const fovea_session& session, bool force, fovea_screening* screening);

// The probability of the classes from `first` on, from the classes' probabilities.
double positive_score(const Labels& labels, std::uint32_t first, const float* probabilities);

}  // namespace fovea
