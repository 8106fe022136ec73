// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "descriptors.h"

namespace fovea::cli {

// Where results go: standard output, or a file. A file bears its name only when it is whole: until then it is written beside it as
// FILE.part, which an interruption leaves and which can be continued. Every write is checked. Throws Failure (kFailure),
// ClosedPipe and Interrupted.
class Output {
  public:
    explicit Output(const std::string& path);  // empty = standard output
    ~Output();
    Output(const Output&) = delete;
    Output& operator=(const Output&) = delete;

    // What an earlier run left: in FILE.part, or else in FILE. Empty for what is no file. Before the first write.
    std::string earlier_results();
    // An interrupted run left something in FILE.part.
    bool has_leftovers() const { return !part_.empty() && size_ > 0; }
    // The file then begins with these bytes, the beginning of earlier_results().
    void keep(std::string_view kept);

    // In a file, the text is there as a whole or not at all.
    void write(std::string_view text);
    // Flushes, and gives the file its name.
    void close();

    bool is_terminal() const;
    // Where results lie while they are not whole; empty for what is no file.
    const std::string& part_path() const { return part_; }

  private:
    void open_part(const std::string& path);
    void truncate(std::uint64_t size);
    void fail(int cause) const;

    std::string name_, target_, part_;
    Descriptor file_;
    int descriptor_;
    std::uint64_t size_ = 0;  // of the part
    bool from_part_ = false;  // earlier_results() lie in the part
};

}  // namespace fovea::cli
