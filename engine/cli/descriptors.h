// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstddef>
#include <string>

#include "interruption.h"

namespace fovea::cli {

// "No space left on device" for ENOSPC.
std::string error_text(int error);

// Makes a system call, and again where a signal that asks for no end got in its way.
template <typename Call>
auto retried(Call call) {
    auto result = call();
    while (result < 0 && errno == EINTR && interruption() == 0) result = call();
    return result;
}

// An open file, closed at the end.
class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int value) : value_(value) {}
    ~Descriptor();
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return value_; }
    void reset(int value);
    // What close(2) says: some file systems report a full disk only there.
    int close();

  private:
    int value_ = -1;
};

// 0, or the errno of the first write that failed; `written`, if given, says how many bytes were. Waits where a non-blocking
// descriptor takes no more. EINTR when an interruption came before the first byte was written.
int write_all(int descriptor, const char* data, std::size_t size, std::size_t* written = nullptr);

// Puts something on descriptors 0 to 2 where they are closed: a file opened later would get that number, and messages would go
// into it. Reading from and writing to what is put there fails, so that results are not lost unnoticed.
void occupy_standard_descriptors();

}  // namespace fovea::cli
