// SPDX-License-Identifier: Apache-2.0
#include "photo_list.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "csv.h"

namespace fovea::cli {
namespace {

using namespace std::string_view_literals;

constexpr std::array<std::string_view, 9> kPhotoColumns = {
    "file", "path", "image", "photo", "id_code", "image name", "image_id", "filename", "image_path"};

// Spreadsheets and web pages leave blanks of many kinds, no-break spaces above all.
constexpr std::array kBlanks = {
    " "sv,      "\t"sv,     "\r"sv,     "\n"sv,     "\v"sv,     "\f"sv,     "\u00a0"sv, "\u1680"sv, "\u2000"sv, "\u2001"sv,
    "\u2002"sv, "\u2003"sv, "\u2004"sv, "\u2005"sv, "\u2006"sv, "\u2007"sv, "\u2008"sv, "\u2009"sv, "\u200a"sv, "\u2028"sv,
    "\u2029"sv, "\u202f"sv, "\u205f"sv, "\u3000"sv,
};

std::string_view trim(std::string_view text) {
    const auto begins = [&](std::string_view blank) { return text.starts_with(blank); };
    const auto ends = [&](std::string_view blank) { return text.ends_with(blank); };
    const auto blank_that = [](const auto& is_there) {
        const auto found = std::find_if(kBlanks.begin(), kBlanks.end(), is_there);
        return found == kBlanks.end() ? std::size_t{0} : found->size();
    };
    for (std::size_t size = blank_that(begins); size > 0; size = blank_that(begins)) text.remove_prefix(size);
    for (std::size_t size = blank_that(ends); size > 0; size = blank_that(ends)) text.remove_suffix(size);
    return text;
}

// The column's place in kPhotoColumns: the lower, the better; its size when it is none.
std::size_t column_rank(std::string_view name) {
    std::string lower(trim(name));
    for (char& character : lower) {
        if (character >= 'A' && character <= 'Z') character = static_cast<char>(character + 32);
    }
    return static_cast<std::size_t>(std::find(kPhotoColumns.begin(), kPhotoColumns.end(), lower) -
                                    kPhotoColumns.begin());
}

bool read_table(std::string_view text, std::vector<ListedPhoto>& photos, std::string& cause) {
    CsvTable table;
    if (!parse_csv(text, table, cause)) return false;
    if (table.rows.empty()) {
        cause = "the list is empty";
        return false;
    }
    const std::vector<std::string>& header = table.rows.front();
    std::size_t column = header.size(), best = kPhotoColumns.size();
    bool is_twice = false;
    std::string names;
    for (std::size_t i = 0; i < header.size(); ++i) {
        names += (names.empty() ? "" : ", ") + header[i];
        const std::size_t rank = column_rank(header[i]);
        if (rank == best && rank < kPhotoColumns.size()) is_twice = true;
        if (rank >= best) continue;
        best = rank;
        column = i;
        is_twice = false;
    }
    if (column == header.size()) {
        cause = "the list has no column named " + std::string(kPhotoColumnNames) + "; it has: " + names.substr(0, 200);
        return false;
    }
    if (is_twice) {
        cause = "line " + std::to_string(table.lines.front()) + ": the header names the column '" +
                std::string(kPhotoColumns[best]) + "' twice";
        return false;
    }
    for (std::size_t i = 1; i < table.rows.size(); ++i) {
        const std::vector<std::string>& row = table.rows[i];
        // Separators at the end are no fields; anything else may have moved the name into another column.
        const auto is_empty = [](const std::string& field) { return trim(field).empty(); };
        if (row.size() > header.size() && !std::all_of(row.begin() + static_cast<std::ptrdiff_t>(header.size()), row.end(), is_empty)) {
            cause = "line " + std::to_string(table.lines[i]) + " has " + std::to_string(row.size()) + " columns, the header names " +
                    std::to_string(header.size());
            return false;
        }
        photos.push_back({std::string(column < row.size() ? trim(row[column]) : std::string_view()),
                          "line " + std::to_string(table.lines[i])});
    }
    return true;
}

// Takes the names as the parser meets them: a list of any length needs the memory of its names alone.
class NameCollector : public nlohmann::json_sax<nlohmann::json> {
  public:
    NameCollector(bool is_array, const std::string& place, std::vector<ListedPhoto>& photos)
        : entry_depth_(is_array ? 1 : 0), place_(place), photos_(photos) {}

    bool is_refused() const { return refused_; }

    bool null() override { return value(); }
    bool boolean(bool) override { return value(); }
    bool number_integer(number_integer_t) override { return value(); }
    bool number_unsigned(number_unsigned_t number) override {
        // An image_id may be a number, but a number alone is no name.
        return depth_ > entry_depth_ ? take(std::to_string(number)) : refuse();
    }
    bool number_float(number_float_t, const string_t&) override { return value(); }
    bool string(string_t& text) override { return take(text); }
    bool binary(binary_t&) override { return value(); }
    bool start_object(std::size_t) override {
        if (depth_ < entry_depth_) return refuse();
        if (depth_ == entry_depth_) {
            name_.clear();
            best_ = kPhotoColumns.size();
        }
        ++depth_;
        return true;
    }
    bool key(string_t& key) override {
        if (depth_ == entry_depth_ + 1) rank_ = column_rank(key);
        return true;
    }
    bool end_object() override {
        if (--depth_ == entry_depth_) add(name_);
        return true;
    }
    bool start_array(std::size_t) override {
        if (depth_ == entry_depth_) return refuse();
        ++depth_;
        return true;
    }
    bool end_array() override {
        --depth_;
        return true;
    }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

  private:
    bool refuse() {
        refused_ = true;
        return false;
    }
    bool value() { return depth_ > entry_depth_ || refuse(); }
    bool take(const std::string& text) {
        if (depth_ == entry_depth_) {
            add(text);
        } else if (depth_ < entry_depth_) {
            return refuse();
        } else if (depth_ == entry_depth_ + 1 && rank_ < best_) {
            best_ = rank_;
            name_ = text;
        }
        return true;
    }
    void add(const std::string& name) {
        const std::string place = place_.empty() ? "entry " + std::to_string(photos_.size() + 1) : place_;
        photos_.push_back({std::string(trim(name)), place});
    }

    std::size_t entry_depth_, depth_ = 0;
    const std::string& place_;
    std::vector<ListedPhoto>& photos_;
    std::string name_;
    std::size_t best_ = kPhotoColumns.size(), rank_ = kPhotoColumns.size();
    bool refused_ = false;
};

bool read_json(std::string_view text, std::vector<ListedPhoto>& photos, std::string& cause) {
    if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") ||
        text.substr(0, 64).find('\0') != std::string_view::npos) {
        cause = "the list is in UTF-16; save it as UTF-8";
        return false;
    }
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    if (trim(text).empty()) {
        cause = "the list is empty";
        return false;
    }
    const auto parse = [&](std::string_view part, bool is_array, const std::string& place) {
        NameCollector collector(is_array, place, photos);
        if (nlohmann::json::sax_parse(part.begin(), part.end(), &collector)) return true;
        cause = (place.empty() ? "the list" : place) +
                (collector.is_refused() ? " is neither a photo's name nor an object with one" : " is not valid JSON");
        return false;
    };
    if (trim(text).starts_with('[')) return parse(text, true, "");
    for (std::size_t line = 1; !text.empty(); ++line) {
        const std::string_view row = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), row.size() + 1));
        if (!trim(row).empty() && !parse(row, false, "line " + std::to_string(line))) return false;
    }
    return true;
}

}  // namespace

bool read_photo_list(std::string_view text, bool is_json, std::vector<ListedPhoto>& photos,
                     std::string& cause) {
    return is_json ? read_json(text, photos, cause) : read_table(text, photos, cause);
}

}  // namespace fovea::cli
