// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace fovea::cli {

// A bar on standard error: only when that is a terminal, and only for work of more than a second.
// One thread.
class Progress {
  public:
    explicit Progress(std::size_t total);
    ~Progress() { clear(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void update(std::size_t done);
    // Takes the bar away, so that a line can be written in its place.
    void clear();
    double seconds() const;

  private:
    using Clock = std::chrono::steady_clock;
    std::size_t total_;
    bool terminal_;
    bool shown_ = false;
    Clock::time_point start_ = Clock::now();
    Clock::time_point drawn_ = start_;
};

// "1 photo", "2 photos": for what takes an s.
std::string amount(std::size_t count, const char* what);

// "12.3 photos/s", for summaries.
std::string rate(std::size_t count, double seconds);

}  // namespace fovea::cli
