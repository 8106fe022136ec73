// SPDX-License-Identifier: Apache-2.0
#include "csv.h"

#include <algorithm>
#include <array>
#include <utility>

#include "text_safety.h"

namespace fovea::cli {
namespace {

// The separator that a spreadsheet's own first line names, "sep=;", which may be in quotes or padded like the rows below it;
// 0 where the line is another.
char declared_separator(std::string_view line) {
    if (line.starts_with('"')) line.remove_prefix(1);
    constexpr std::string_view kMark = "sep=";
    if (line.size() <= kMark.size()) return 0;
    for (std::size_t i = 0; i < kMark.size(); ++i) {
        const char character = line[i];
        if ((character >= 'A' && character <= 'Z' ? character + 32 : character) != kMark[i]) return 0;
    }
    const char separator = line[kMark.size()];
    const bool is_padded = line.find_first_not_of(std::string{separator, ' ', '"'}, kMark.size()) == std::string_view::npos;
    return is_padded && separator != '"' ? separator : '\0';
}

// The one of the usual separators that the header has most often, outside quotes.
char usual_separator(std::string_view header) {
    constexpr std::string_view kUsual = ",;\t";
    std::array<std::size_t, kUsual.size()> counts{};
    bool quoted = false;
    for (const char character : header) {
        if (character == '"') quoted = !quoted;
        const std::size_t place = kUsual.find(character);
        if (!quoted && place != std::string_view::npos) ++counts[place];
    }
    return kUsual[static_cast<std::size_t>(std::max_element(counts.begin(), counts.end()) - counts.begin())];
}

// Takes empty lines away, and the line that names the separator; without one the header tells it.
char take_separator(std::string_view& text, std::size_t& line) {
    while (true) {
        const std::string_view first = text.substr(0, text.find_first_of("\r\n"));
        const bool is_blank = first.find_first_not_of(' ') == std::string_view::npos;
        const char separator = declared_separator(first);
        if (separator == 0 && (!is_blank || first.size() == text.size())) return usual_separator(first);
        text.remove_prefix(first.size());
        if (!text.empty()) text.remove_prefix(text.starts_with("\r\n") ? 2 : 1);
        ++line;
        if (separator != 0) return separator;
    }
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

// What makes a spreadsheet take a cell for a formula; some look for it after blanks.
std::string_view formula_mark(std::string_view text) {
    bool is_blank = true;
    while (is_blank) {
        is_blank = false;
        for (const std::string_view blank : {" ", "\u00a0", "\u3000"}) {
            if (!text.starts_with(blank)) continue;
            text.remove_prefix(blank.size());
            is_blank = true;
        }
    }
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
    std::string inert;
    while (true) {
        // Where semicolons separate cells, as in much of Europe, each part of the text is a cell of its own.
        const std::string_view part = text.substr(0, text.find(';'));
        if (!formula_mark(part).empty()) inert += '\'';
        inert += printable(part);
        if (part.size() == text.size()) return inert;
        inert += ';';
        text.remove_prefix(part.size() + 1);
    }
}

std::string csv_path(std::string_view path) {
    std::string inert = formula_mark(path).empty() ? "" : "./";
    return csv_field(inert.append(printable(path)));
}

}  // namespace fovea::cli
