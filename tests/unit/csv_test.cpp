// SPDX-License-Identifier: Apache-2.0
#include "engine/cli/csv.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using fovea::cli::csv_field;
using fovea::cli::CsvTable;
using fovea::cli::parse_csv;
using Rows = std::vector<std::vector<std::string>>;

namespace {

Rows rows_of(std::string_view text) {
    CsvTable table;
    std::string cause;
    REQUIRE_MESSAGE(parse_csv(text, table, cause), cause);
    REQUIRE(table.lines.size() == table.rows.size());
    return table.rows;
}

std::string refusal(std::string_view text) {
    CsvTable table;
    std::string cause;
    CHECK_FALSE(parse_csv(text, table, cause));
    return cause;
}

}  // namespace

TEST_CASE("what spreadsheets write is read") {
    CHECK(rows_of("a,b\n1,2\n") == Rows{{"a", "b"}, {"1", "2"}});
    CHECK(rows_of("\xef\xbb\xbf"
                  "a,b\r\n1,2") == Rows{{"a", "b"}, {"1", "2"}});
    CHECK(rows_of("a\r1\r") == Rows{{"a"}, {"1"}});
    CHECK(rows_of("a;b\n1,5;2\n") == Rows{{"a", "b"}, {"1,5", "2"}});
    CHECK(rows_of("a,b\n\"x, y\",\"he said \"\"no\"\"\"\n") ==
          Rows{{"a", "b"}, {"x, y", "he said \"no\""}});
    CHECK(rows_of("a\n\"two\nlines\"\nx\n") == Rows{{"a"}, {"two\nlines"}, {"x"}});
    CHECK(rows_of("a,b\n,\n1,\n") == Rows{{"a", "b"}, {"", ""}, {"1", ""}});
    CHECK(rows_of("a\n\n\n1\n\n") == Rows{{"a"}, {"1"}});
    CHECK(rows_of("\"a\" ,b\n") == Rows{{"a", "b"}});
    CHECK(rows_of("") == Rows{});
}

TEST_CASE("rows know their lines") {
    CsvTable table;
    std::string cause;
    REQUIRE(parse_csv("a\n\n\"x\ny\"\nz\n", table, cause));
    CHECK(table.lines == std::vector<std::size_t>{1, 3, 5});
}

TEST_CASE("what is no list is refused with its cause") {
    CHECK(refusal("a\n\"open").find("line 2") != std::string::npos);
    CHECK(refusal("a\n\"x\"y\n").find("closing quote") != std::string::npos);
    CHECK(refusal("\xff\xfe"
                  "a") == "the list is in UTF-16; save it as UTF-8");
    CHECK(refusal(std::string_view("a\0b", 3)).find("null") != std::string::npos);
}

TEST_CASE("a field survives being written and read") {
    for (const std::string text : {"plain", "a,b", "a;b", "say \"x\"", "two\nlines", "\r", ""}) {
        const Rows rows = rows_of("h,i\n" + csv_field(text) + ",x\n");
        REQUIRE(rows.size() == 2);
        CHECK(rows[1] == std::vector<std::string>{text, "x"});
    }
}
