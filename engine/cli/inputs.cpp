// SPDX-License-Identifier: Apache-2.0
#include "inputs.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>

#include "descriptors.h"
#include "exit_status.h"
#include "interruption.h"
#include "photo_list.h"
#include "picture_kind.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxShards = 1000000;
constexpr std::uint64_t kMaxListBytes = std::uint64_t{256} << 20;

std::string ending(const std::string& path) {
    std::string result = fs::path(path).extension().string();
    for (char& character : result) {
        if (character >= 'A' && character <= 'Z') character = static_cast<char>(character + 32);
    }
    return result;
}

bool is_json_name(const std::string& path) {
    return ending(path) == ".json" || ending(path) == ".jsonl";
}

bool is_other_list(const std::string& path) {
    constexpr std::array kEndings = {".txt", ".text", ".lst", ".list", ".xls", ".xlsx", ".ods"};
    return std::find(kEndings.begin(), kEndings.end(), ending(path)) != kEndings.end() && file_kind(path) == FileKind::kOther;
}

Input failed(std::string file, std::string code, std::string message) {
    Input input;
    input.relative = fs::path(file).filename().string();
    input.file = std::move(file);
    input.problem = {std::move(code), std::move(message)};
    return input;
}

fs::directory_iterator open_folder(const fs::path& folder, std::error_code& error) {
    fs::directory_iterator entries(folder, error);
    while (error == std::errc::interrupted && interruption() == 0) entries = fs::directory_iterator(folder, error);
    return entries;
}

// Goes through a folder with the folders in it, links included, each once.
class FolderWalk {
  public:
    explicit FolderWalk(const fs::path& root) : root_(root) {
        // A link to where the folder lies would lead round in a circle.
        std::error_code error;
        fs::path above = fs::canonical(root, error);
        while (!error && above.has_relative_path()) {
            above = above.parent_path();
            FileIdentity identity;
            if (identify(above.string(), identity) == 0) seen_.insert(identity);
        }
        walk(root);
        // After all folders that lie here, so that a folder that both is here and is linked to bears its own name.
        while (!linked_.empty()) {
            const fs::path next = *linked_.begin();
            linked_.erase(linked_.begin());
            walk(next);
        }
        // By bytes of the whole path: the same on every machine, whatever its language.
        std::sort(found.begin(), found.end(),
                  [](const Input& a, const Input& b) { return a.file < b.file; });
    }

    std::vector<Input> found;
    LeftOut left_out;

  private:
    void walk(const fs::path& top) {
        std::vector<fs::path> folders = {top};
        while (!folders.empty()) {
            const fs::path folder = std::move(folders.back());
            folders.pop_back();
            FileIdentity identity;
            if (const int cause = identify(folder.string(), identity); cause != 0) {
                found.push_back(failed(folder.string(), "not_readable", error_text(cause)));
                continue;
            }
            if (!seen_.insert(identity).second) continue;
            std::error_code error;
            fs::directory_iterator entries = open_folder(folder, error);
            for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
                add(*entries, folders);
            }
            if (error) found.push_back(failed(folder.string(), "not_readable", error.message()));
        }
    }

    void add(const fs::directory_entry& entry, std::vector<fs::path>& folders) {
        const fs::path& path = entry.path();
        if (path.filename().string().starts_with('.')) {
            add_hidden(entry);
            return;
        }
        std::error_code error;
        const bool is_link = entry.is_symlink(error);
        const fs::file_status status = entry.status(error);
        if (status.type() == fs::file_type::directory) {
            if (is_link) {
                linked_.insert(path);
            } else {
                folders.push_back(path);
            }
            return;
        }
        if (status.type() == fs::file_type::none && error.value() != ELOOP) {
            found.push_back(failed(path.string(), "not_readable", error.message()));
            return;
        }
        if (is_link && (status.type() == fs::file_type::not_found || status.type() == fs::file_type::none)) {
            found.push_back(failed(path.string(), "not_found", "the link leads nowhere"));
            return;
        }
        if (file_kind(path) == FileKind::kOther) {
            ++left_out.not_pictures;
        } else {
            found.push_back({path.string(), path.lexically_relative(root_).string(), {}});
        }
    }

    // What other systems put beside a picture bears its ending, so that only the content tells.
    void add_hidden(const fs::directory_entry& entry) {
        std::error_code ignored;
        const bool is_other = !entry.is_directory(ignored) && kind_of_content(entry.path()) == FileKind::kOther;
        ++(is_other ? left_out.not_pictures : left_out.hidden);
    }

    fs::path root_;
    std::set<FileIdentity> seen_;
    std::set<fs::path> linked_;
};

void expand_folder(const std::string& argument, Inputs& inputs) {
    FolderWalk walk{fs::path(argument)};
    if (walk.found.empty()) {
        walk.found.push_back(failed(argument, "not_found", "there is no photo in the folder"));
    }
    inputs.left_out.not_pictures += walk.left_out.not_pictures;
    inputs.left_out.hidden += walk.left_out.hidden;
    std::move(walk.found.begin(), walk.found.end(), std::back_inserter(inputs.photos));
}

// Finds the photos that lists name without their endings. Each folder is read once, however many names a list has.
class EndingFinder {
  public:
    // What `path` lacks to be a photo: nothing, or the endings of those that are there. The error says why nobody knows.
    std::vector<std::string> endings(const fs::path& path, std::error_code& error) {
        error.clear();
        std::error_code ignored;
        if (may_be_file(fs::status(path, ignored))) return {""};
        const Folder& folder = look_into(path.parent_path());
        std::vector<std::string> found;
        for (auto [at, end] = folder.names.equal_range(path.filename().string()); at != end; ++at) found.push_back(at->second);
        std::sort(found.begin(), found.end());
        if (found.empty()) error = folder.error;
        return found;
    }

  private:
    struct Folder {
        std::multimap<std::string, std::string> names;  // stem, ending
        std::error_code error;
    };

    // What cannot be asked is found out by reading it.
    static bool may_be_file(const fs::file_status& status) {
        return status.type() == fs::file_type::regular || status.type() == fs::file_type::none;
    }

    const Folder& look_into(const fs::path& path) {
        const auto [known, is_new] = folders_.try_emplace(path);
        if (!is_new) return known->second;
        Folder& folder = known->second;
        fs::directory_iterator entries = open_folder(path.empty() ? fs::path(".") : path, folder.error);
        for (; !folder.error && entries != fs::directory_iterator(); entries.increment(folder.error)) {
            const fs::path& file = entries->path();
            std::error_code ignored;
            if (has_picture_ending(file) && may_be_file(entries->status(ignored))) {
                folder.names.emplace(file.stem().string(), file.extension().string());
            }
        }
        const bool is_absent = folder.error == std::errc::no_such_file_or_directory || folder.error == std::errc::not_a_directory;
        if (is_absent) folder.error.clear();
        return folder;
    }

    std::map<fs::path, Folder> folders_;
};

// The name's place below the output folder: never above it.
std::string place_below(const fs::path& name) {
    const fs::path place = name.lexically_normal();
    const bool leaves = place.is_absolute() || place.empty() || *place.begin() == "..";
    return (leaves ? place.filename() : place).string();
}

void expand_list(const std::string& argument, const std::string& images_folder, Inputs& inputs) {
    std::vector<unsigned char> bytes;
    FileError error;
    if (!read_file(argument, kMaxListBytes, bytes, error)) {
        if (error.code == "not_an_image") error.code = "bad_list";
        inputs.photos.push_back(failed(argument, error.code, error.message));
        return;
    }
    std::vector<ListedPhoto> listed;
    std::string cause;
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (!read_photo_list(text, is_json_name(argument), listed, cause)) {
        inputs.photos.push_back(failed(argument, "bad_list", cause));
        return;
    }
    if (listed.empty()) {
        inputs.photos.push_back(failed(argument, "bad_list", "the list names no photo"));
        return;
    }
    const fs::path folder =
        images_folder.empty() ? fs::path(argument).parent_path() : fs::path(images_folder);
    EndingFinder finder;
    for (const ListedPhoto& photo : listed) {
        if (photo.name.empty()) {
            inputs.photos.push_back(failed(argument, "bad_list", photo.place + " names no photo"));
            continue;
        }
        fs::path path = folder / photo.name;
        std::error_code unknown;
        std::vector<std::string> endings = finder.endings(path, unknown);
        if (endings.empty() && images_folder.empty() && !unknown) {
            // Results name the photos as the command did that made them, wherever they were written to.
            endings = finder.endings(photo.name, unknown);
            if (!endings.empty()) path = photo.name;
        }
        if (endings.size() == 1) {
            // The name as the list has it, with the ending that was found.
            inputs.photos.push_back({path.string() + endings.front(), place_below(photo.name + endings.front()), {}});
            continue;
        }
        std::error_code ignored;
        if (endings.empty() && fs::exists(path, ignored)) {
            // A folder or a pipe: reading it tells what it is.
            inputs.photos.push_back({path.string(), place_below(photo.name), {}});
            continue;
        }
        const std::string name = path.filename().string();
        if (!endings.empty()) {
            inputs.photos.push_back(failed(path.string(), "ambiguous",
                                           "there are " + name + endings[0] + " and " + name + endings[1] +
                                               "; give the name with its ending"));
        } else if (unknown) {
            inputs.photos.push_back(failed(path.string(), "not_readable", "its folder cannot be read: " + unknown.message()));
        } else {
            inputs.photos.push_back(failed(path.string(), "not_found", "no such file"));
        }
        inputs.photos.back().relative = place_below(photo.name);
    }
}

}  // namespace

bool is_list_name(const std::string& path) {
    return is_json_name(path) || ending(path) == ".csv" || ending(path) == ".tsv";
}

Inputs expand_inputs(const std::vector<std::string>& arguments, const std::string& images_folder) {
    Inputs inputs;
    for (const std::string& argument : arguments) {
        std::error_code error;
        const fs::file_type type = fs::status(argument, error).type();
        if (type == fs::file_type::directory) {
            expand_folder(argument, inputs);
        } else if (argument.empty()) {
            inputs.photos.push_back(failed(argument, "not_found", "a file's name is empty"));
        } else if (type == fs::file_type::none) {
            inputs.photos.push_back(failed(argument, "not_readable", error.message()));
        } else if (is_list_name(argument)) {
            expand_list(argument, images_folder, inputs);
        } else if (is_other_list(argument)) {
            inputs.photos.push_back(failed(argument, "bad_list",
                                           "it is no photo, and as a list it must be .csv or .tsv with a column " +
                                               std::string(kPhotoColumnNames) + ", .json, or .jsonl"));
        } else {
            inputs.photos.push_back({argument, fs::path(argument).filename().string(), {}});
        }
    }
    return inputs;
}

std::string LeftOut::text() const {
    const auto part = [](std::size_t count, const char* one, const char* many) {
        return count == 0 ? std::string() : std::to_string(count) + (count == 1 ? one : many);
    };
    return part(not_pictures, " file that is no picture; ", " files that are no pictures; ") +
           part(hidden, " hidden picture or folder, not looked into; ", " hidden pictures or folders, not looked into; ");
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
