// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "text_safety.h"

namespace fovea::cli {

// Keys stay in the order in which they were set.
using Json = nlohmann::ordered_json;

// One line; names that are not UTF-8 get replacement characters instead of ending the program.
inline std::string dump(const Json& json) {
    return escape_unsafe(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}
// Over several lines, for people.
inline std::string dump_indented(const Json& json) {
    return escape_unsafe(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

// The shortest decimal that reads back as the same float (at most 9 significant digits).
std::string float_text(float value);
Json float_json(float value);
Json float_json(const float* values, std::size_t count);

}  // namespace fovea::cli
