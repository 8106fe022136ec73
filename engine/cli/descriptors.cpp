// SPDX-License-Identifier: Apache-2.0
#include "descriptors.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstring>

namespace fovea::cli {

std::string error_text(int error) {
    return std::strerror(error);
}

Descriptor::~Descriptor() {
    if (value_ >= 0) ::close(value_);
}

void Descriptor::reset(int value) {
    if (value_ >= 0) ::close(value_);
    value_ = value;
}

int Descriptor::close() {
    const int value = value_;
    value_ = -1;
    // Interrupted or not, the descriptor is gone, and what was written to it has been taken.
    const int result = ::close(value);
    return result != 0 && errno == EINTR ? 0 : result;
}

int write_all(int descriptor, const char* data, std::size_t size, std::size_t* written) {
    std::size_t done = 0;
    int cause = 0;
    while (done < size && cause == 0) {
        const ssize_t count = ::write(descriptor, data + done, size - done);
        if (count >= 0) {
            done += static_cast<std::size_t>(count);
            continue;
        }
        cause = errno;
        if (cause == EAGAIN || cause == EWOULDBLOCK) {
            pollfd ready{descriptor, POLLOUT, 0};
            cause = ::poll(&ready, 1, -1) >= 0 ? 0 : errno;
        }
        if (cause == EINTR && (interruption() == 0 || done > 0)) cause = 0;
    }
    if (written != nullptr) *written = done;
    return cause;
}

void occupy_standard_descriptors() {
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
        if (::fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
        // The lowest free number is this one.
        static_cast<void>(::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY));
    }
}

}  // namespace fovea::cli
