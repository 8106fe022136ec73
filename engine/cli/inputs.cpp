// SPDX-License-Identifier: Apache-2.0
#include "inputs.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <string_view>

#include "csv.h"
#include "exit_status.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxShards = 1000000;
constexpr std::uint64_t kMaxListBytes = std::uint64_t{256} << 20;
constexpr std::array<std::string_view, 5> kPhotoColumns = {"file", "path", "image", "id_code",
                                                           "image name"};
constexpr std::array<std::string_view, 6> kPhotoExtensions = {".jpg", ".jpeg", ".png",
                                                              ".JPG", ".JPEG", ".PNG"};

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& character : result) {
        if (character >= 'A' && character <= 'Z') character = static_cast<char>(character + 32);
    }
    return result;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool is_photo_name(const fs::path& path) {
    const std::string extension = lower(path.extension().string());
    return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

Input failed(std::string file, std::string code, std::string message) {
    Input input;
    input.relative = fs::path(file).filename().string();
    input.file = std::move(file);
    input.problem = {std::move(code), std::move(message)};
    return input;
}

void walk_folder(const fs::path& folder, std::vector<fs::path>& photos,
                 std::vector<Input>& problems) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
        const fs::path path = entries->path();
        if (path.filename().string().starts_with('.')) continue;
        std::error_code ignored;
        const bool is_folder = entries->is_directory(ignored);
        if (is_folder && !entries->is_symlink(ignored)) {
            walk_folder(path, photos, problems);
        } else if (!is_folder && is_photo_name(path)) {
            photos.push_back(path);
        }
    }
    if (error) problems.push_back(failed(folder.string(), "not_readable", error.message()));
}

void expand_folder(const std::string& argument, std::vector<Input>& inputs) {
    std::vector<fs::path> photos;
    std::vector<Input> problems;
    walk_folder(argument, photos, problems);
    if (photos.empty() && problems.empty()) {
        problems.push_back(
            failed(argument, "not_found", "no .jpg, .jpeg or .png file in the folder"));
    }
    std::vector<Input> found = std::move(problems);
    for (const fs::path& photo : photos) {
        found.push_back({photo.string(), photo.lexically_relative(argument).string(), {}});
    }
    // By bytes of the whole path: the same on every machine, whatever its language.
    std::sort(found.begin(), found.end(),
              [](const Input& a, const Input& b) { return a.file < b.file; });
    std::move(found.begin(), found.end(), std::back_inserter(inputs));
}

// The photo that a list means by `name`: that path, or that path with an extension.
bool find_photo(const fs::path& path, fs::path& found) {
    std::error_code ignored;
    if (fs::is_regular_file(path, ignored)) {
        found = path;
        return true;
    }
    for (const std::string_view extension : kPhotoExtensions) {
        fs::path longer = path;
        longer += extension;
        if (fs::is_regular_file(longer, ignored)) {
            found = longer;
            return true;
        }
    }
    return false;
}

// The name's place below the output folder: never above it.
std::string place_below(const fs::path& name) {
    const fs::path place = name.lexically_normal();
    const bool leaves = place.is_absolute() || place.empty() || *place.begin() == "..";
    return (leaves ? place.filename() : place).string();
}

void expand_list(const std::string& argument, const std::string& images_folder,
                 std::vector<Input>& inputs) {
    std::vector<unsigned char> bytes;
    FileError error;
    if (!read_file(argument, kMaxListBytes, bytes, error)) {
        if (error.code == "not_an_image") error.code = "bad_list";
        inputs.push_back(failed(argument, error.code, error.message));
        return;
    }
    CsvTable table;
    std::string cause;
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!parse_csv(text, table, cause)) {
        inputs.push_back(failed(argument, "bad_list", cause));
        return;
    }
    if (table.rows.empty()) {
        inputs.push_back(failed(argument, "bad_list", "the list is empty"));
        return;
    }
    const std::vector<std::string>& header = table.rows.front();
    std::size_t column = header.size();
    for (const std::string_view wanted : kPhotoColumns) {
        for (std::size_t i = 0; i < header.size() && column == header.size(); ++i) {
            if (lower(trim(header[i])) == wanted) column = i;
        }
    }
    if (column == header.size()) {
        std::string names;
        for (const std::string& name : header) names += (names.empty() ? "" : ", ") + name;
        inputs.push_back(
            failed(argument, "bad_list",
                   "the list has no column named file, path, image or id_code; it has: " +
                       names.substr(0, 200)));
        return;
    }
    const fs::path folder =
        images_folder.empty() ? fs::path(argument).parent_path() : fs::path(images_folder);
    for (std::size_t i = 1; i < table.rows.size(); ++i) {
        const std::vector<std::string>& row = table.rows[i];
        const std::string name(column < row.size() ? trim(row[column]) : std::string_view());
        if (name.empty()) {
            inputs.push_back(failed(argument, "bad_list",
                                    "line " + std::to_string(table.lines[i]) + " names no photo"));
            continue;
        }
        const fs::path path = folder / name;
        fs::path found;
        if (find_photo(path, found)) {
            // The name as the list has it, with the extension that was found.
            const std::string extension = found.string().substr(path.string().size());
            inputs.push_back({found.string(), place_below(name + extension), {}});
        } else {
            inputs.push_back(failed(path.string(), "not_found", "no such file"));
            inputs.back().relative = place_below(name);
        }
    }
}

}  // namespace

std::vector<Input> expand_inputs(const std::vector<std::string>& arguments,
                                 const std::string& images_folder) {
    std::vector<Input> inputs;
    for (const std::string& argument : arguments) {
        std::error_code ignored;
        if (fs::is_directory(argument, ignored)) {
            expand_folder(argument, inputs);
        } else if (lower(fs::path(argument).extension().string()) == ".csv") {
            expand_list(argument, images_folder, inputs);
        } else {
            inputs.push_back({argument, fs::path(argument).filename().string(), {}});
        }
    }
    return inputs;
}

Shard parse_shard(const std::string& text) {
    Shard shard;
    const char* end = text.data() + text.size();
    const auto first = std::from_chars(text.data(), end, shard.index);
    const bool has_slash = first.ec == std::errc() && first.ptr != end && *first.ptr == '/';
    const auto second =
        has_slash ? std::from_chars(first.ptr + 1, end, shard.count) : std::from_chars_result{};
    if (!has_slash || second.ec != std::errc() || second.ptr != end || shard.index < 1 ||
        shard.index > shard.count || shard.count > kMaxShards) {
        throw Failure(kWrongUsage, "--shard " + text, "must be i/n with i from 1 to n, as in 2/8");
    }
    return shard;
}

void keep_shard(std::vector<Input>& inputs, const Shard& shard) {
    // size * index / count, without a product that could overflow.
    const auto boundary = [&](std::size_t index) {
        const std::size_t size = inputs.size();
        return size / shard.count * index + size % shard.count * index / shard.count;
    };
    const std::size_t begin = boundary(shard.index - 1);
    const std::size_t end = boundary(shard.index);
    inputs.erase(inputs.begin() + static_cast<std::ptrdiff_t>(end), inputs.end());
    inputs.erase(inputs.begin(), inputs.begin() + static_cast<std::ptrdiff_t>(begin));
}

}  // namespace fovea::cli
