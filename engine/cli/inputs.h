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

// Files, folders and CSV lists to photos, in the order given. A folder gives its .jpg, .jpeg and
// .png files (any case) and those of the folders in it, sorted by path; names that begin with a dot
// are left out and links to folders not followed. A list gives the photos of its column `file`,
// `path`, `image` or `id_code` (any case; also "image name"), beside the list or in
// `images_folder`, with the extension or without. What cannot be found is an Input with its
// problem, never an end.
std::vector<Input> expand_inputs(const std::vector<std::string>& arguments,
                                 const std::string& images_folder);

// "i/n": part i of n, i from 1. The parts follow each other in the input's order, so that their
// outputs put together are the output of the whole.
struct Shard {
    std::size_t index = 1, count = 1;
};
// Throws Failure (kWrongUsage).
Shard parse_shard(const std::string& text);
void keep_shard(std::vector<Input>& inputs, const Shard& shard);

}  // namespace fovea::cli
