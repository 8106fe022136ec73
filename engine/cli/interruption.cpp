// SPDX-License-Identifier: Apache-2.0
#include "interruption.h"

#include <atomic>
#include <csignal>

namespace fovea::cli {
namespace {

std::atomic<int> noted{0};
static_assert(std::atomic<int>::is_always_lock_free, "set by a signal handler");

void note(int signal) {
    noted = signal;
}

}  // namespace

void heed_interruptions() {
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction action {};
        if (sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) continue;
        action = {};
        action.sa_handler = note;
        // Without SA_RESTART: a write that waits for its reader returns.
        action.sa_flags = SA_RESETHAND;
        sigemptyset(&action.sa_mask);
        sigaction(signal, &action, nullptr);
    }
}

int interruption() {
    return noted;
}

}  // namespace fovea::cli
