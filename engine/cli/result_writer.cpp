// SPDX-License-Identifier: Apache-2.0
#include "result_writer.h"

#include <algorithm>
#include <array>

#include "csv.h"
#include "exit_status.h"

namespace fovea::cli {
namespace {

// What every row repeats, in JSON or in CSV.
constexpr std::array<const char*, 12> kRepeated = {
    "target", "classes", "operating_point", "threshold", "temperature", "views", "model",
    "model_sha256", "dtype", "preset", "input", "engine"};

std::vector<std::string> keys(const Json& row) {
    std::vector<std::string> names;
    for (const auto& [key, value] : row.items()) names.push_back(key);
    return names;
}

// One row of either format; null when it is none.
class RowReader {
  public:
    RowReader(const std::string& format, const ReportContext& context)
        : context_(context), is_csv_(format == "csv") {
        if (is_csv_) columns_ = fields(csv_header(context));
    }

    Json read(std::string_view line) const {
        if (!is_csv_) {
            Json row = Json::parse(line.begin(), line.end(), nullptr, false);
            return row.is_object() ? row : Json();
        }
        const std::vector<std::string> values = fields(line);
        if (values.size() != columns_.size()) return {};
        Json row = Json::object();
        for (std::size_t i = 0; i < columns_.size(); ++i) row[columns_[i]] = values[i];
        return row;
    }

    // What this command would write of the file, as far as that is known before it is looked at.
    Json expected(const std::string& file) const {
        PhotoReport report;
        report.file = file;
        return read(is_csv_ ? csv_row(report, context_) : dump(photo_json(report, context_)));
    }

  private:
    static std::vector<std::string> fields(std::string_view line) {
        CsvTable table;
        std::string cause;
        if (!parse_csv(line, table, cause, ',') || table.rows.size() != 1) return {};
        return table.rows.front();
    }

    const ReportContext& context_;
    bool is_csv_;
    std::vector<std::string> columns_;
};

std::string error_code(const Json& row) {
    const Json error = row.value("error", Json());
    if (error.is_object()) return error.value("code", "");
    return row.value("error_code", "");
}

bool was_forced(const Json& row) {
    const Json& warnings = row["warnings"];
    if (warnings.is_string()) {
        return warnings.get_ref<const std::string&>().find(kForcedWarning) != std::string::npos;
    }
    return std::find(warnings.begin(), warnings.end(), kForcedWarning) != warnings.end();
}

void count(const Json& row, Counts& counts) {
    if (row["status"] == "error") {
        ++counts.errors;
        const std::string code = error_code(row);
        counts.bad_model = counts.bad_model || code == "bad_model" || code == "unsupported_model";
        counts.out_of_memory = counts.out_of_memory || code == "out_of_memory";
    } else if (row["status"] == "not_gradable") {
        ++counts.not_gradable;
    } else if (row["result"] == "dr_signs_found") {
        ++counts.signs;
    } else {
        ++counts.no_signs;
    }
}

}  // namespace

ResultWriter::ResultWriter(Output& output, const std::string& format, const ReportContext& context,
                           bool is_continued)
    : output_(output), format_(format), context_(context), is_first_(!is_continued) {
    if (is_continued) return;
    if (format_ == "csv") output_.write(csv_header(context_));
    if (format_ == "json") output_.write("[");
}

void ResultWriter::add(const PhotoReport& report) {
    if (format_ == "text") output_.write(photo_text(report, context_));
    if (format_ == "csv") output_.write(csv_row(report, context_));
    if (format_ == "jsonl") output_.write(dump(photo_json(report, context_)) + "\n");
    if (format_ == "json") {
        output_.write((is_first_ ? "\n" : ",\n") + dump(photo_json(report, context_)));
    }
    is_first_ = false;
}

void ResultWriter::finish() {
    if (format_ == "text") output_.write(kResearchUse);
    if (format_ == "json") output_.write("\n]\n");
    output_.close();
}

void ResultWriter::interrupt() {
    if (format_ == "json") output_.write("\n]\n");
}

EarlierRows read_earlier_rows(std::string_view text, const std::string& format,
                              const ReportContext& context, const std::vector<Input>& inputs,
                              bool force, const std::string& name) {
    const auto refuse = [&](const std::string& cause) {
        throw Failure(kWrongUsage, name,
                      "cannot be continued: " + cause +
                          " (without --resume, the results are begun anew)");
    };
    EarlierRows earlier;
    std::size_t at = 0;
    const std::string opening = format == "csv" ? csv_header(context) : format == "json" ? "[\n" : "";
    if (!text.starts_with(opening)) {
        if (!opening.starts_with(text)) refuse("it does not begin as these results do");
        return earlier;
    }
    at = opening.size();
    const RowReader reader(format, context);
    for (std::size_t line_number = opening.empty() ? 1 : 2; at < text.size(); ++line_number) {
        const std::size_t end = text.find('\n', at);
        std::string_view line = text.substr(at, end - at);
        // In an array it is the next row that ends this one.
        if (end == std::string_view::npos && format != "json") break;
        if (format == "json" && line == "]") break;
        if (format == "json" && line.ends_with(',')) line.remove_suffix(1);
        const Json row = reader.read(line);
        const bool is_last = end == std::string_view::npos || end + 1 == text.size();
        const std::string where = "line " + std::to_string(line_number);
        if (row.is_null()) {
            if (!is_last) refuse(where + " is damaged");
            break;
        }
        if (earlier.count == inputs.size()) refuse("it has more rows than there are photos");
        const Json expected = reader.expected(inputs[earlier.count].file);
        if (keys(row) != keys(expected)) {
            refuse(where + " has other fields than these results");
        }
        if (row["file"] != expected["file"]) {
            refuse(where + " is not about " + inputs[earlier.count].file);
        }
        for (const char* key : kRepeated) {
            if (row.value(key, Json()) != expected.value(key, Json())) {
                refuse(where + " has another " + std::string(key) + " than this run");
            }
        }
        if (was_forced(row) != force && (!force || row["status"] == "not_gradable")) {
            refuse(where + " was written " + (force ? "without" : "with") + " --force");
        }
        count(row, earlier.counts);
        ++earlier.count;
        earlier.bytes = at + line.size() + (format == "json" ? 0 : 1);
        at = end == std::string_view::npos ? text.size() : end + 1;
    }
    return earlier;
}

}  // namespace fovea::cli
