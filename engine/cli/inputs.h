// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "files.h"

namespace fovea::cli {

// One photo that the user named, through a folder or a list perhaps.
struct Input {
    std::string file;      // the path to open, and the name in every report
    std::string relative;  // its place below the folder or list that it came from
    FileError problem;     // code empty: to be tried
};

// What folders hold beside the photos.
struct LeftOut {
    std::size_t not_pictures = 0;  // files
    std::size_t hidden = 0;        // pictures and folders whose names begin with a dot

    bool is_any() const { return not_pictures > 0 || hidden > 0; }
    // "3 files that are no pictures; 1 hidden picture or folder, not looked into; ", for summaries; empty for none.
    std::string text() const;
};

struct Inputs {
    std::vector<Input> photos;
    LeftOut left_out;
};

// By its ending: a list that is read as one.
bool is_list_name(const std::string& path);

// Files, folders and lists to photos, in the order given. A folder gives its pictures of every kind (see picture_kind.h) and
// those of the folders in it, sorted by path; links are followed, each folder once. What is no picture is counted, and so is, apart,
// what is hidden, which programs keep as thumbnails or as deleted: pictures and folders whose names begin with a dot. A list (.csv,
// .tsv, .json or .jsonl; see photo_list.h) gives the photos that it names, beside the list or in `images_folder`, with the ending or
// without. What has the ending of another kind of list, and does not begin as a picture, is told so. What cannot be found is an Input
// with its problem, never an end.
Inputs expand_inputs(const std::vector<std::string>& arguments, const std::string& images_folder);

// "i/n": part i of n, i from 1. The parts follow each other in the input's order, so that their
// outputs put together are the output of the whole.
struct Shard {
    std::size_t index = 1, count = 1;
};
// Throws Failure (kWrongUsage).
Shard parse_shard(const std::string& text);
void keep_shard(std::vector<Input>& inputs, const Shard& shard);

}  // namespace fovea::cli
