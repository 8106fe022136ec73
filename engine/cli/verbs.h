// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "command_line.h"

namespace fovea::cli {

// Each adds one verb with its options and help.
void add_screen(CommandLine& program);
void add_preprocess(CommandLine& program);
void add_run(CommandLine& program);
void add_explain(CommandLine& program);
void add_info(CommandLine& program);
void add_selftest(CommandLine& program);
void add_kernels(CommandLine& program);
// In the place of a verb whose feature Meson's option of that name has left out: says so, whatever it is given.
void add_left_out(CommandLine& program, const std::string& verb, const std::string& option);

// A photo file larger than this is not read, in bytes.
inline constexpr std::uint64_t kMaxPhotoBytes = std::uint64_t{512} << 20;

}  // namespace fovea::cli
