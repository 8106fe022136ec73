// SPDX-License-Identifier: Apache-2.0
#include "json_numbers.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "text_safety.h"

namespace fovea::cli {

std::string dump(const Json& json) {
    return escape_unsafe(json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string dump_indented(const Json& json) {
    return escape_unsafe(json.dump(2, ' ', false, Json::error_handler_t::replace)) + "\n";
}

std::string float_text(float value) {
    char text[32];
    const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
    return std::string(text, end);
}

Json float_json(float value) {
    if (!std::isfinite(value)) return nullptr;
    // The library prints doubles with the fewest digits that tell them apart; the double nearest to
    // the float's own shortest decimal is therefore printed as that decimal.
    return std::strtod(float_text(value).c_str(), nullptr);
}

Json float_json(const float* values, std::size_t count) {
    Json list = Json::array();
    for (std::size_t i = 0; i < count; ++i) list.push_back(float_json(values[i]));
    return list;
}

}  // namespace fovea::cli
