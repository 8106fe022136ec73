// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fovea::cli {

struct ListedPhoto {
    std::string name;   // empty: the row names none
    std::string place;  // "line 4" or "entry 2"
};

// Reads which photos a list names. A table (see csv.h) names them in its column file, path, image, photo, id_code, "image name",
// image_id, filename or image_path (any case). JSON is an array, or an object a line, of names or of objects with one of those
// keys. Results of the screening are such lists too. False, with the cause, for anything else.
bool read_photo_list(std::string_view text, bool is_json, std::vector<ListedPhoto>& photos,
                     std::string& cause);

}  // namespace fovea::cli
