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
// byte-order mark, CRLF or LF, quoted fields with "" for a quote and with line breaks, a semicolon
// between fields where the first line has no comma. False, with the cause, when the text is not
// that.
bool parse_csv(std::string_view text, CsvTable& table, std::string& cause);

// The text as one field: quoted where it must be.
std::string csv_field(std::string_view text);

}  // namespace fovea::cli
