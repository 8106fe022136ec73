// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fovea::cli {

struct CsvTable {
    // Rows of fields, the header first. Empty lines are left out.
    std::vector<std::vector<std::string>> rows;
    std::vector<std::size_t> lines;  // where each row begins, from 1
};

// Reads comma-separated values as RFC 4180 has them, and what spreadsheets make of them: a
// byte-order mark, CRLF or LF, quoted fields with "" for a quote and with line breaks, semicolons
// or tabs between fields where the header has more of them than commas, or a first line "sep=;".
// `separator`, if given, is taken instead. False, with the cause, when the text is not that.
bool parse_csv(std::string_view text, CsvTable& table, std::string& cause, char separator = 0);

// The text as one field: quoted where it must be.
std::string csv_field(std::string_view text);
// Quoted in any case.
std::string csv_quoted(std::string_view text);

// A text that others made, printable and no spreadsheet's formula: with ' before it where it would be one.
std::string inert_text(std::string_view text);
inline std::string csv_text(std::string_view text) {
    return csv_field(inert_text(text));
}
// A path, made so with ./ before it, which leads to the same file.
std::string csv_path(std::string_view path);

}  // namespace fovea::cli
