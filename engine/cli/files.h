// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace fovea::cli {

// One line to standard error: "fovea: <subject>: <cause>". Any thread.
void complain(std::string_view subject, std::string_view cause);

// The text as it is, to standard error, whole even where that is a pipe that takes no more at the moment. Allocates nothing.
void say(std::string_view text);

struct FileError {
    std::string code;  // "not_found", "not_readable", "too_large", "not_an_image" for an empty file
    std::string message;
};

// Reads a whole regular file of 1 to `limit` bytes to the place that `place` gives for so many. False, with the cause, when that
// cannot be done, or when the file is changed meanwhile.
bool read_file(const std::string& path, std::uint64_t limit,
               const std::function<unsigned char*(std::size_t)>& place, FileError& error);
bool read_file(const std::string& path, std::uint64_t limit, std::vector<unsigned char>& bytes,
               FileError& error);

// Puts the bytes in place in one step: a reader sees the old file, or none, or the whole new one.
// Creates no folders. Throws Failure (kFailure).
void write_file(const std::string& path, const void* data, std::size_t size);

// Creates the folder that the file is to lie in. Throws Failure (kFailure).
void create_parent_folders(const std::string& path);

// A file's identity, the same for every path and link that leads to it. 0, or the errno: ENOENT where there is nothing.
struct FileIdentity {
    std::uint64_t device = 0, inode = 0;
    auto operator<=>(const FileIdentity&) const = default;
};
int identify(const std::string& path, FileIdentity& identity);

}  // namespace fovea::cli
