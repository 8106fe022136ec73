// SPDX-License-Identifier: Apache-2.0
#include "verbs.h"

namespace fovea::cli {

void add_left_out(CommandLine& program, const std::string& verb, const std::string& option) {
    Verb added = program.add_verb(verb, "(this build is without: -D" + option + "=disabled)");
    added.ignore_arguments();
    added.action([verb, option]() -> ExitStatus {
        throw Failure(kWrongUsage, verb, "this build of fovea is without: it was set up with -D" + option + "=disabled");
    });
}

}  // namespace fovea::cli
