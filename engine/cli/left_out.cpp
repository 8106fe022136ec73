// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

namespace fovea::cli {

void add_left_out(CLI::App& program, Action& chosen, const std::string& verb, const std::string& option) {
    CLI::App* added = program.add_subcommand(verb, "(this build is without: -D" + option + "=disabled)");
    added->prefix_command();
    added->callback([&chosen, verb, option] {
        chosen = [verb, option]() -> ExitStatus {
            throw Failure(kWrongUsage, verb, "this build of fovea is without: it was set up with -D" + option + "=disabled");
        };
    });
}

}  // namespace fovea::cli
