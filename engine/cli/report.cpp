// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstdio>
#include <string_view>
#include <utility>

#include "csv.h"
#include "text_safety.h"

namespace fovea::cli {
namespace {

const char* status_text(PhotoStatus status) {
    switch (status) {
        case PhotoStatus::kOk:
            return "ok";
        case PhotoStatus::kNotGradable:
            return "not_gradable";
        case PhotoStatus::kError:
            break;
    }
    return "error";
}

// The shortest decimal that reads back as the same double.
std::string number_text(double value) {
    char text[32];
    const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
    return std::string(text, end);
}

// Quality measures are single precision: more digits than this would be noise.
constexpr int kMeasureDigits = 6;
constexpr int kReadableDigits = 3;

std::string measure_text(double value, int digits) {
    char text[32];
    const auto [end, error] =
        std::to_chars(text, text + sizeof(text), value, std::chars_format::general, digits);
    return std::string(text, end);
}

std::string limit_text(const fovea_quality_check& check, int digits) {
    return (check.limit_is_minimum != 0 ? ">= " : "<= ") + measure_text(check.limit, digits);
}

std::string text_or_empty(const char* text) {
    return text != nullptr ? text : "";
}

Json quality_json(const fovea_screening& screening) {
    Json checks = Json::array();
    for (std::uint32_t i = 0; i < screening.quality_check_count; ++i) {
        const fovea_quality_check& check = screening.quality_checks[i];
        checks.push_back({{"name", text_or_empty(check.name)},
                          {"value", std::strtod(measure_text(check.value, kMeasureDigits).c_str(), nullptr)},
                          {"limit", limit_text(check, kMeasureDigits)},
                          {"passed", check.passed != 0},
                          {"advice", text_or_empty(check.advice)}});
    }
    return {{"verdict", fovea_quality_string(screening.quality)}, {"checks", std::move(checks)}};
}

bool has_typicality(const fovea_screening& screening) {
    return screening.typicality != FOVEA_TYPICALITY_NOT_MEASURED;
}

Json typicality_json(const fovea_screening& screening) {
    if (!has_typicality(screening)) return nullptr;
    return {{"score", screening.typicality_score},
            {"percentile", screening.typicality_percentile},
            {"verdict", fovea_typicality_string(screening.typicality)}};
}

Json answers_json(const PhotoReport& report, const ReportContext& context, bool screened, bool scored) {
    Json answers = Json::array();
    for (std::size_t i = 0; i < context.questions.size(); ++i) {
        const Question& question = context.questions[i];
        const fovea_answer& answer = report.screening.answers[i];
        const fovea_result result = scored ? answer.result : FOVEA_RESULT_NOT_GRADABLE;
        answers.push_back({{"target", question.target},
                           {"result", screened ? Json(fovea_result_string(result)) : Json(nullptr)},
                           {"score", scored ? Json(answer.score) : Json(nullptr)},
                           {"operating_point", {{"name", question.operating_point}, {"threshold", question.threshold}}}});
    }
    return answers;
}

double milliseconds(double value) {
    return std::round(value * 1000) / 1000;
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ";") + part;
    return text;
}

std::string joined_floats(const float* values, std::uint32_t count) {
    std::vector<std::string> parts;
    for (std::uint32_t i = 0; i < count; ++i) parts.push_back(float_text(values[i]));
    return joined(parts);
}

// In brackets: several numbers of which the first is negative would begin like a formula.
std::string bracketed_floats(const float* values, std::uint32_t count) {
    std::string text;
    for (std::uint32_t i = 0; i < count; ++i) text += (i == 0 ? "[" : " ") + float_text(values[i]);
    return text + "]";
}

std::string failed_checks(const fovea_screening& screening) {
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < screening.quality_check_count; ++i) {
        const fovea_quality_check& check = screening.quality_checks[i];
        if (check.passed == 0) names.push_back(text_or_empty(check.name));
    }
    return joined(names);
}

std::string percent(double fraction, int digits = 2) {
    char text[40];
    // What is not certain is not called so.
    if (digits == 2 && fraction < 1 && fraction >= 0.99995) return "more than 99.99 %";
    if (digits == 2 && fraction > 0 && fraction < 0.00005) return "less than 0.01 %";
    std::snprintf(text, sizeof(text), "%.*f %%", digits, fraction * 100);
    return text;
}

// As many digits as it takes to tell a score from its threshold.
int distinguishing_digits(double score, double threshold) {
    constexpr int kFewest = 2, kMost = 9;
    int digits = kFewest;
    while (digits < kMost && score != threshold && percent(score, digits) == percent(threshold, digits)) ++digits;
    return percent(score, digits) == percent(threshold, digits) ? kFewest : digits;
}

std::string target_text(const std::string& target) {
    if (target == "any_dr") return "any diabetic retinopathy";
    if (target == "referable_dr") return "referable diabetic retinopathy";
    if (target == "grade5") return "referable diabetic retinopathy, grade 2 or more";
    return printable(target);
}

// "not_enough_disc" to "not enough disc".
std::string spaced(std::string name) {
    std::replace(name.begin(), name.end(), '_', ' ');
    return name;
}

// What the result is about, as it is called in a line for people.
std::string signs_text(const ReportContext& context) {
    return context.questions.empty() ? "DR signs" : "signs of referable DR";
}

enum class Colour { kNone, kRed, kGreen, kYellow };

std::string coloured(const std::string& text, Colour colour, const ReportContext& context) {
    if (!context.colours || colour == Colour::kNone) return text;
    const char* code = colour == Colour::kRed ? "31" : colour == Colour::kGreen ? "32" : "33";
    return std::string("\x1b[1;") + code + "m" + text + "\x1b[0m";
}

std::string line(std::string_view label, const std::string& value) {
    std::string text = "  " + std::string(label);
    text.resize(std::max<std::size_t>(text.size() + 1, 14), ' ');
    return text + value + "\n";
}

std::string answer_text(const fovea_answer& answer) {
    const int digits = distinguishing_digits(answer.score, answer.threshold);
    return (answer.result == FOVEA_RESULT_DR_SIGNS_FOUND ? "signs found, " : "no signs found, ") + percent(answer.score, digits) +
           "; signs are reported from " + percent(answer.threshold, digits) + " on";
}

}  // namespace

Json photo_json(const PhotoReport& report, const ReportContext& context) {
    const fovea_screening& screening = report.screening;
    const bool screened = report.status != PhotoStatus::kError;
    const bool scored = screened && screening.has_scores != 0;
    Json json = Json::object();
    json["file"] = report.file;
    json["status"] = status_text(report.status);
    json["error"] = nullptr;
    if (!screened) json["error"] = {{"code", report.error_code}, {"message", report.error_message}};
    json["image"] = nullptr;
    if (!report.sha256.empty()) {
        json["image"] = {{"width", nullptr}, {"height", nullptr}, {"sha256", report.sha256}};
        if (screened) {
            json["image"]["width"] = screening.image_width;
            json["image"]["height"] = screening.image_height;
        }
    }
    json["quality"] = screened ? quality_json(screening) : Json(nullptr);
    json["typicality"] = screened ? typicality_json(screening) : Json(nullptr);
    json["result"] = screened ? Json(fovea_result_string(screening.result)) : Json(nullptr);
    json["target"] = context.target;
    json["classes"] = context.classes;
    json["logits"] = scored ? float_json(screening.logits, screening.logit_count) : Json(nullptr);
    json["probabilities"] =
        scored ? float_json(screening.probabilities, screening.class_count) : Json(nullptr);
    json["confidence"] = scored ? Json(screening.confidence) : Json(nullptr);
    if (!context.questions.empty()) json["grade"] = scored ? Json(screening.grade) : Json(nullptr);
    json["operating_point"] = nullptr;
    if (!context.operating_point.empty()) {
        json["operating_point"] = {{"name", context.operating_point},
                                   {"threshold", context.threshold}};
    }
    if (!context.questions.empty()) json["answers"] = answers_json(report, context, screened, scored);
    json["temperature"] = context.temperature;
    if (context.views > 1) json["views"] = context.views;
    if (context.explains) json["explanation"] = report.explanation;
    json["model"] = {
        {"name", context.model_name},
        {"sha256", context.model_sha256},
        {"dtype", context.dtype},
        {"preset", context.preset},
        {"input", {context.input_height, context.input_width, context.input_channels}}};
    if (context.timings) {
        json["timings_ms"] = nullptr;
        if (screened) {
            json["timings_ms"] = {{"decode", milliseconds(screening.decode_ms)},
                                  {"quality", milliseconds(screening.quality_ms)},
                                  {"preprocess", nullptr},
                                  {"infer", nullptr},
                                  {"explain", nullptr}};
        }
        if (scored) {
            json["timings_ms"]["preprocess"] = milliseconds(screening.preprocess_ms);
            json["timings_ms"]["infer"] = milliseconds(screening.infer_ms);
        }
        if (!report.explanation.is_null()) {
            json["timings_ms"]["explain"] = milliseconds(screening.explain_ms);
        }
    }
    json["engine"] = context.engine;
    json["warnings"] = report.warnings;
    return json;
}

std::string csv_header(const ReportContext& context) {
    std::string header = context.byte_order_mark ? "\xef\xbb\xbf" : "";
    header +=
        "file,status,error_code,error_message,width,height,sha256,quality,failed_checks,";
    if (context.typicality) header += "typicality,typicality_score,typicality_percentile,";
    header +=
        "result,target,classes,logits,probabilities,confidence,score,operating_point,threshold,";
    if (!context.questions.empty()) header += "grade,";
    for (const Question& question : context.questions) {
        for (const char* what : {"_result,", "_score,", "_threshold,"}) header += question.target + what;
    }
    header += "temperature,";
    if (context.views > 1) header += "views,";
    header += "model,model_sha256,dtype,preset,input,";
    if (context.explains) header += "overlay,";
    if (context.timings) header += "decode_ms,quality_ms,preprocess_ms,infer_ms,";
    return header + "engine,warnings\n";
}

std::string csv_row(const PhotoReport& report, const ReportContext& context) {
    const fovea_screening& screening = report.screening;
    const bool screened = report.status != PhotoStatus::kError;
    const bool scored = screened && screening.has_scores != 0;
    std::vector<std::string> fields;
    const auto add = [&](const std::string& text) { fields.push_back(csv_field(text)); };
    const auto add_text = [&](const std::string& text) { fields.push_back(csv_text(text)); };
    const auto add_if = [&](bool known, const auto& make) { add(known ? make() : std::string()); };
    fields.push_back(csv_path(report.file));
    add(status_text(report.status));
    add_text(report.error_code);
    add_text(report.error_message);
    add_if(screened, [&] { return std::to_string(screening.image_width); });
    add_if(screened, [&] { return std::to_string(screening.image_height); });
    add(report.sha256);
    add_if(screened, [&] { return std::string(fovea_quality_string(screening.quality)); });
    add_if(screened, [&] { return failed_checks(screening); });
    if (context.typicality) {
        const bool typed = screened && has_typicality(screening);
        add_if(typed, [&] { return std::string(fovea_typicality_string(screening.typicality)); });
        add_if(typed, [&] { return number_text(screening.typicality_score); });
        add_if(typed, [&] { return number_text(screening.typicality_percentile); });
    }
    add_if(screened, [&] { return std::string(fovea_result_string(screening.result)); });
    add_text(context.target);
    add_text(joined(context.classes));
    add_if(scored, [&] { return bracketed_floats(screening.logits, screening.logit_count); });
    add_if(scored, [&] { return joined_floats(screening.probabilities, screening.class_count); });
    add_if(scored, [&] { return number_text(screening.confidence); });
    add_if(scored, [&] { return number_text(screening.positive_score); });
    add_text(context.operating_point);
    add_if(!context.operating_point.empty(), [&] { return number_text(context.threshold); });
    if (!context.questions.empty()) add_if(scored, [&] { return std::to_string(screening.grade); });
    for (std::size_t i = 0; i < context.questions.size(); ++i) {
        const fovea_answer& answer = screening.answers[i];
        add_if(screened, [&] { return std::string(fovea_result_string(scored ? answer.result : FOVEA_RESULT_NOT_GRADABLE)); });
        add_if(scored, [&] { return number_text(answer.score); });
        add(number_text(context.questions[i].threshold));
    }
    add(number_text(context.temperature));
    if (context.views > 1) add(std::to_string(context.views));
    add_text(context.model_name);
    add(context.model_sha256);
    add_text(context.dtype);
    add_text(context.preset);
    add(std::to_string(context.input_height) + "x" + std::to_string(context.input_width) + "x" +
        std::to_string(context.input_channels));
    if (context.explains) {
        const Json& made = report.explanation;
        fields.push_back(made.is_null() ? "" : csv_path(made["overlay"].get_ref<const std::string&>()));
    }
    if (context.timings) {
        add_if(screened, [&] { return number_text(milliseconds(screening.decode_ms)); });
        add_if(screened, [&] { return number_text(milliseconds(screening.quality_ms)); });
        add_if(scored, [&] { return number_text(milliseconds(screening.preprocess_ms)); });
        add_if(scored, [&] { return number_text(milliseconds(screening.infer_ms)); });
    }
    add_text(context.engine);
    fields.push_back(csv_quoted(inert_text(joined(report.warnings))));
    std::string row;
    for (const std::string& field : fields) row += (row.empty() ? "" : ",") + field;
    return row + "\n";
}

std::string photo_text(const PhotoReport& report, const ReportContext& context) {
    const fovea_screening& screening = report.screening;
    std::string text = printable(report.file) + "\n";
    std::string warnings;
    for (const std::string& warning : report.warnings) warnings += line("warning", printable(warning));
    if (report.status == PhotoStatus::kError) {
        return text + line("error", coloured(printable(report.error_message), Colour::kYellow, context)) + warnings;
    }
    text += line("quality", fovea_quality_string(screening.quality));
    std::string reason;
    for (std::uint32_t i = 0; i < screening.quality_check_count; ++i) {
        const fovea_quality_check& check = screening.quality_checks[i];
        if (check.passed != 0) continue;
        if (reason.empty()) reason = spaced(text_or_empty(check.name));
        text +=
            line("", spaced(text_or_empty(check.name)) + " " +
                         measure_text(check.value, kReadableDigits) + ", should be " +
                         limit_text(check, kReadableDigits) + ". " + text_or_empty(check.advice));
    }
    if (has_typicality(screening)) {
        char share[16];
        std::snprintf(share, sizeof(share), "%.1f %%", screening.typicality_percentile);
        text += line("typicality", std::string(fovea_typicality_string(screening.typicality)) + ": " + share +
                                       " of the detector's own photos are less typical");
    }
    if (screening.result == FOVEA_RESULT_NOT_GRADABLE) {
        if (screening.typicality == FOVEA_TYPICALITY_REJECT) reason = "unlike the photos that the detector knows";
        if (reason.empty()) reason = "poor quality";
        return text + line("result", coloured("not gradable: " + reason, Colour::kYellow, context)) + warnings;
    }
    const bool found = screening.result == FOVEA_RESULT_DR_SIGNS_FOUND;
    text += line("result", coloured((found ? "" : "no ") + signs_text(context) + " found",
                                    found ? Colour::kRed : Colour::kGreen, context) +
                               " (target: " + target_text(context.target) + ")" +
                               (screening.forced == 0                           ? ""
                                : screening.quality == FOVEA_QUALITY_REJECT ? ", forced in spite of poor quality"
                                                                            : ", forced though the photo is not typical"));
    const int digits = distinguishing_digits(screening.positive_score, screening.threshold);
    text += line("score", percent(screening.positive_score, digits) + " for " + signs_text(context) + "; signs are reported from " +
                              percent(screening.threshold, digits) + " on" +
                              (context.operating_point.empty() ? "" : " (" + printable(context.operating_point) + ")"));
    if (context.views > 1) {
        text += line("views", "the mean of " + std::to_string(context.views) + " views of the photo, turned or mirrored");
    }
    const double confidence = found ? screening.positive_score : 1 - screening.positive_score;
    text += line("confidence", confidence >= 0.5 ? percent(confidence)
                               : found           ? "low: " + signs_text(context) + " are less likely than not, but above the threshold"
                                                 : "low: " + signs_text(context) + " are more likely than not, but below the threshold");
    if (context.questions.size() > 1) text += line("any DR", answer_text(screening.answers[0]));
    if (!context.questions.empty()) {
        text += line("grade", std::to_string(screening.grade) + " (" + printable(context.classes[screening.grade]) + "), " +
                                  percent(screening.probabilities[screening.grade]));
    }
    if (!report.explanation.is_null()) {
        const bool other_weights = report.explanation.contains("weights");
        text += line("heat map", printable(report.explanation["overlay"].get_ref<const std::string&>()) +
                                     (other_weights ? " (of " + report.explanation["weights"].get_ref<const std::string&>() + ")" : ""));
    }
    return text + warnings;
}

}  // namespace fovea::cli
