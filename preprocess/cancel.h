// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace fovea {

// The caller's wish to stop, asked on the caller's thread alone.
struct Cancel {
    int (*function)(void* cookie) = nullptr;  // null: never
    void* cookie = nullptr;

    bool can_ask() const { return function != nullptr; }
    bool asked() const { return function != nullptr && function(cookie) != 0; }
};

// Asks on the way of long work, each time that so much has been done.
class Pace {
  public:
    Pace() = default;
    explicit Pace(const Cancel& cancel) : cancel_(cancel) {}

    // A copy of a pixel is 1: some milliseconds, on a slow CPU some tens.
    static constexpr std::int64_t kWorkBetweenQuestions = 1 << 20;

    // So much more was done. True: the caller wishes to stop.
    bool is_stopped_after(std::int64_t work) {
        done_ += work;
        if (done_ < kWorkBetweenQuestions) return false;
        done_ = 0;
        return cancel_.asked();
    }

  private:
    Cancel cancel_;
    std::int64_t done_ = 0;
};

}  // namespace fovea
