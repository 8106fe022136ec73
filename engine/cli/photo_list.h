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

// The columns by which a table (see csv.h) names photos, in any case, as they are told to users; "image name", image_id, filename and
// image_path, which data sets have, are read too.
inline constexpr std::string_view kPhotoColumnNames = "file, path, image, photo or id_code";

// Reads which photos a list names. A table's rows have no more fields than its header, which names no such column twice. JSON is an
// array, or an object a line, of names or of objects with one of those keys. Results of the screening are such lists too. False, with
// the cause, for anything else.
bool read_photo_list(std::string_view text, bool is_json, std::vector<ListedPhoto>& photos,
                     std::string& cause);

}  // namespace fovea::cli
