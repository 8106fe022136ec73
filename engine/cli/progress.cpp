// SPDX-License-Identifier: Apache-2.0
#include "progress.h"

#include <unistd.h>

#include <cstdio>

namespace fovea::cli {
namespace {

constexpr auto kQuietTime = std::chrono::seconds(1);
constexpr auto kRedrawTime = std::chrono::milliseconds(200);
constexpr std::size_t kBarWidth = 30;

}  // namespace

Progress::Progress(std::size_t total)
    : total_(total), terminal_(total > 1 && ::isatty(STDERR_FILENO) == 1) {}

void Progress::update(std::size_t done) {
    if (!terminal_) return;
    const auto now = Clock::now();
    if (now - start_ < kQuietTime || now - drawn_ < kRedrawTime) return;
    drawn_ = now;
    const std::size_t filled = done * kBarWidth / total_;
    std::string bar(filled, '#');
    bar.resize(kBarWidth, '.');
    const double elapsed = seconds();
    const double left =
        done > 0 ? elapsed / static_cast<double>(done) * static_cast<double>(total_ - done) : 0;
    std::fprintf(stderr, "\r[%s] %zu/%zu  %s  %.0f s left \x1b[K", bar.c_str(), done, total_,
                 rate(done, elapsed).c_str(), left);
    std::fflush(stderr);
    shown_ = true;
}

void Progress::clear() {
    if (!shown_) return;
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
    shown_ = false;
}

double Progress::seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
}

std::string amount(std::size_t count, const char* what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string rate(std::size_t count, double seconds) {
    char text[48];
    std::snprintf(text, sizeof(text), "%.1f photos/s",
                  seconds > 0 ? static_cast<double>(count) / seconds : 0.0);
    return text;
}

}  // namespace fovea::cli
