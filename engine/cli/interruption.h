// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fovea::cli {

// Thrown where work stops because the user or the system asked for it; ends the program as that signal does.
struct Interrupted {
    int signal;
};

// From here on SIGINT, SIGTERM and SIGHUP are noted for interruption(), unless they were ignored at the start (nohup). A second
// one ends the program at once.
void heed_interruptions();

// The signal that came, or 0. Any thread.
int interruption();

}  // namespace fovea::cli
