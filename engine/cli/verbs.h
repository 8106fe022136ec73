// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "exit_status.h"

namespace fovea::cli {

// What the command line asked for, to be called once it has been read. Throws Failure and
// ClosedPipe.
using Action = std::function<ExitStatus()>;

// Each adds one verb with its options and help; `chosen` is set when the command line names it.
void add_screen(CLI::App& program, Action& chosen);
void add_preprocess(CLI::App& program, Action& chosen);
void add_run(CLI::App& program, Action& chosen);
void add_explain(CLI::App& program, Action& chosen);
void add_info(CLI::App& program, Action& chosen);
void add_selftest(CLI::App& program, Action& chosen);
void add_kernels(CLI::App& program, Action& chosen);
// In the place of a verb whose feature Meson's option of that name has left out: says so, whatever it is given.
void add_left_out(CLI::App& program, Action& chosen, const std::string& verb, const std::string& option);

// A photo file larger than this is not read, in bytes.
inline constexpr std::uint64_t kMaxPhotoBytes = std::uint64_t{512} << 20;

}  // namespace fovea::cli
