// SPDX-License-Identifier: Apache-2.0
#include "csv.h"

#include <utility>

namespace fovea::cli {
namespace {

char find_separator(std::string_view text) {
    const std::string_view first_line = text.substr(0, text.find_first_of("\r\n"));
    const bool has_comma = first_line.find(',') != std::string_view::npos;
    const bool has_semicolon = first_line.find(';') != std::string_view::npos;
    return !has_comma && has_semicolon ? ';' : ',';
}

}  // namespace

bool parse_csv(std::string_view text, CsvTable& table, std::string& cause) {
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
        cause = "the list is in UTF-16; save it as UTF-8";
        return false;
    }
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    if (text.find('\0') != std::string_view::npos) {
        cause = "the list has a null character: it is not a text file";
        return false;
    }
    const char separator = find_separator(text);
    std::vector<std::string> row;
    std::string field;
    bool quoted = false;  // inside quotes
    bool closed = false;  // the field's quotes have ended
    std::size_t line = 1, row_line = 1;
    const auto end_row = [&] {
        row.push_back(std::move(field));
        field.clear();
        closed = false;
        if (row.size() > 1 || !row.front().empty()) {
            table.rows.push_back(std::move(row));
            table.lines.push_back(row_line);
        }
        row.clear();
        row_line = line + 1;
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char character = text[i];
        if (quoted) {
            if (character == '\n') ++line;
            if (character != '"') {
                field += character;
            } else if (i + 1 < text.size() && text[i + 1] == '"') {
                field += '"';
                ++i;
            } else {
                quoted = false;
                closed = true;
            }
        } else if (character == '"' && field.empty() && !closed) {
            quoted = true;
        } else if (character == separator) {
            row.push_back(std::move(field));
            field.clear();
            closed = false;
        } else if (character == '\n' || character == '\r') {
            if (character == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
            end_row();
            ++line;
        } else if (closed && character != ' ') {
            cause = "line " + std::to_string(line) + " has text after a closing quote";
            return false;
        } else if (!closed) {
            field += character;
        }
    }
    if (quoted) {
        cause = "line " + std::to_string(row_line) + " opens a quote that is never closed";
        return false;
    }
    if (!field.empty() || closed || !row.empty()) end_row();
    return true;
}

std::string csv_field(std::string_view text) {
    if (text.find_first_of(",;\"\r\n") == std::string_view::npos) return std::string(text);
    std::string quoted = "\"";
    for (const char character : text) {
        if (character == '"') quoted += '"';
        quoted += character;
    }
    quoted += '"';
    return quoted;
}

}  // namespace fovea::cli
