// SPDX-License-Identifier: Apache-2.0
#include "csv.h"

#include <utility>

#include "text_safety.h"

namespace fovea::cli {
namespace {

// Takes spreadsheets' own first line, "sep=;", away; without it the header's separator counts.
char take_separator(std::string_view& text, std::size_t& line) {
    const std::size_t end = text.find_first_of("\r\n");
    const std::string_view first_line = text.substr(0, end);
    const bool is_quoted = first_line.size() == 7 && first_line.front() == '"' && first_line.back() == '"';
    const std::string_view bare = is_quoted ? first_line.substr(1, 5) : first_line;
    if (bare.size() == 5 && bare.starts_with("sep=")) {
        text.remove_prefix(first_line.size());
        if (!text.empty()) text.remove_prefix(text.starts_with("\r\n") ? 2 : 1);
        ++line;
        return bare.back();
    }
    for (const char separator : {',', ';', '\t'}) {
        if (first_line.find(separator) != std::string_view::npos) return separator;
    }
    return ',';
}

// Every second byte zero, as in UTF-16 without its mark.
bool looks_like_utf16(std::string_view text) {
    const std::string_view beginning = text.substr(0, 64);
    std::size_t even = 0, odd = 0;
    for (std::size_t i = 0; i < beginning.size(); ++i) {
        if (beginning[i] == '\0') ++(i % 2 == 0 ? even : odd);
    }
    const std::size_t most = beginning.size() / 2;
    return beginning.size() >= 4 && ((even == 0 && odd >= most - most / 8) || (odd == 0 && even >= most - most / 8));
}

std::string_view formula_mark(std::string_view text) {
    for (const std::string_view mark : {"=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20"}) {
        if (text.starts_with(mark)) return mark;
    }
    return {};
}

}  // namespace

bool parse_csv(std::string_view text, CsvTable& table, std::string& cause, char separator) {
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") || looks_like_utf16(text)) {
        cause = "the list is in UTF-16; save it as UTF-8";
        return false;
    }
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    if (text.find('\0') != std::string_view::npos) {
        cause = "the list has a null character: it is not a text file";
        return false;
    }
    std::size_t line = 1;
    if (separator == 0) separator = take_separator(text, line);
    std::vector<std::string> row;
    std::string field;
    bool quoted = false;  // inside quotes
    bool closed = false;  // the field's quotes have ended
    std::size_t row_line = line;
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
    if (text.find_first_of(",;\"\r\n\t") == std::string_view::npos) return std::string(text);
    return csv_quoted(text);
}

std::string csv_quoted(std::string_view text) {
    std::string quoted = "\"";
    for (const char character : text) {
        if (character == '"') quoted += '"';
        quoted += character;
    }
    quoted += '"';
    return quoted;
}

std::string inert_text(std::string_view text) {
    std::string inert = formula_mark(text).empty() ? "" : "'";
    return inert.append(printable(text));
}

std::string csv_path(std::string_view path) {
    std::string inert = formula_mark(path).empty() ? "" : "./";
    return csv_field(inert.append(printable(path)));
}

}  // namespace fovea::cli
