// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace fovea::cli {

// Keys stay in the order in which they were set.
using Json = nlohmann::ordered_json;

// One line; names that are not UTF-8 get replacement characters instead of ending the program.
std::string dump(const Json& json);
// Over several lines, for people.
std::string dump_indented(const Json& json);

// The shortest decimal that reads back as the same float (at most 9 significant digits).
std::string float_text(float value);
Json float_json(float value);
Json float_json(const float* values, std::size_t count);

}  // namespace fovea::cli
