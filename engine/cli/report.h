// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "json_numbers.h"

namespace fovea::cli {

// One of several questions that a model answers about each photo.
struct Question {
    std::string target, operating_point;
    double threshold = 0;
};

// What every photo's report repeats.
struct ReportContext {
    std::string target;
    std::vector<Question> questions;  // of a model of five grades, that of the result the last; of others none
    std::vector<std::string> classes;
    std::string operating_point;  // empty: the model has none
    double threshold = 0;
    double temperature = 1;
    std::uint32_t views = 1;  // of which the logits are the means; told where there are several
    std::string model_name, model_sha256, dtype, preset;
    std::uint32_t input_height = 0, input_width = 0, input_channels = 0;
    std::string engine;  // "fovea 0.1.0 scalar"
    bool typicality = false;  // the model has statistics for it
    bool explains = false;    // results have maps
    bool timings = true;
    bool colours = false;
    bool byte_order_mark = false;  // at the beginning of CSV
};

enum class PhotoStatus { kOk, kNotGradable, kError };

// What is known about one photo when it has been through the screening, or failed on the way.
struct PhotoReport {
    std::string file;
    PhotoStatus status = PhotoStatus::kError;
    std::string error_code, error_message;
    std::string sha256;           // empty: the file could not be read, or no result names it
    fovea_screening screening{};  // meaningless for kError
    Json explanation;             // null: none was asked for, or there is no result to explain
    std::vector<std::string> warnings;
    bool bad_model = false;  // the error is the model's, not the photo's
};

// Marks a result that was given in spite of the photo's quality.
inline constexpr const char* kForcedWarning = "forced: the photo's quality or typicality is reject";

// One photo as JSON, keys in a fixed order. What is not known is null; the model and what was asked
// of it are always there.
Json photo_json(const PhotoReport& report, const ReportContext& context);

// The flat subset of the JSON as one row, and the score that was compared with the threshold; lists are joined by semicolons,
// logits stand in brackets. The columns depend on the context alone, and there is none for what is not measured yet. A row is
// one line, and none of its beginnings is a row: the last field is always quoted. No text is a spreadsheet's formula: those that
// would be begin with ' or, for the file's path, with ./
std::string csv_header(const ReportContext& context);
std::string csv_row(const PhotoReport& report, const ReportContext& context);

// A few lines for people. The confidence is that of the result: the threshold may ask for one that is the less likely.
std::string photo_text(const PhotoReport& report, const ReportContext& context);

inline constexpr const char* kResearchUse =
    "For research use. Not a medical device: a result here is no medical advice.\n";

}  // namespace fovea::cli
