// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace fovea::cli {

// Names and texts come from files that others made. What is shown or written as text passes through here.

// The text as UTF-8 on one line that sends no command to a terminal and is read in the order in which it is written: control
// characters (C0, C1, delete), line and paragraph separators, marks that turn the direction of writing and other invisible ones
// become '?', bytes that are no UTF-8 U+FFFD.
std::string printable(std::string_view text);

// JSON with the same characters escaped: inside its strings \u202e and U+202E are the same.
std::string escape_unsafe(std::string json);

// A message of several lines as one.
std::string one_line(std::string text);

bool is_utf8(std::string_view text);

}  // namespace fovea::cli
