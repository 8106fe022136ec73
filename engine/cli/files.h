// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fovea::cli {

// The text with control characters replaced by '?', so that a file's name can neither break a line
// nor send commands to a terminal.
std::string printable(std::string_view text);

// One line to standard error: "fovea: <subject>: <cause>". Any thread.
void complain(std::string_view subject, std::string_view cause);

struct FileError {
    std::string code;  // "not_found", "not_readable", "too_large", "not_an_image" for an empty file
    std::string message;
};

// Reads a whole regular file of 1 to `limit` bytes. False, with the cause, when that cannot be
// done.
bool read_file(const std::string& path, std::uint64_t limit, std::vector<unsigned char>& bytes,
               FileError& error);

// Puts the bytes in place in one step: a reader sees the old file, or none, or the whole new one.
// Creates no folders. Throws Failure (kFailure).
void write_file(const std::string& path, const void* data, std::size_t size);

// Creates the folder that the file is to lie in. Throws Failure (kFailure).
void create_parent_folders(const std::string& path);

// A file's identity, the same for every path and link that leads to it.
struct FileIdentity {
    std::uint64_t device = 0, inode = 0;
    auto operator<=>(const FileIdentity&) const = default;
};
bool identify(const std::string& path, FileIdentity& identity);

// Where results go: standard output, or a file that is written as results come, so that they
// survive an interruption. Every write is checked. Throws Failure (kFailure) and ClosedPipe.
class Output {
  public:
    explicit Output(const std::string& path);  // empty = standard output
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;
    void write(std::string_view text);
    void close();
    bool is_terminal() const;

  private:
    std::string name_;
    int descriptor_;
    bool owned_;
};

}  // namespace fovea::cli
