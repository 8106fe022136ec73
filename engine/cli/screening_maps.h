// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "command_line.h"
#include "handles.h"
#include "inputs.h"
#include "json_numbers.h"

namespace fovea::cli {

// What is asked of a screening's maps.
struct MapOptions {
    std::string folder;  // empty = none are asked for
    std::string method;  // empty = the default
};

// Adds what fills the options to a verb; nothing in a build without explanations.
void add_map_options(Verb& verb, MapOptions& options);

// Where each photo's map goes: in the folder, under its photo's name and folder with .png behind.
class ScreeningMaps {
  public:
    // inputs: before photos are left out by --shard, so that parts give the names, and the complaints, of the whole. Throws Failure where
    // two maps would have one name, or one would overwrite a photo.
    ScreeningMaps(const MapOptions& options, std::uint64_t photo_memory_mib, const std::vector<Input>& inputs);

    // What a thread explains with, for a session of that request; null where no maps are asked for.
    std::shared_ptr<fovea_explainer> make_explainer(const Model& model, const SessionRequest& request, LogLines& lines) const;

    // Draws the map over the photo, writes that, and tells of it.
    Json write(const Input& input, const std::vector<unsigned char>& bytes, const fovea_explanation& made, const Model& model) const;

  private:
    std::string path(const Input& input) const;

    const MapOptions options_;
    const std::uint64_t photo_memory_mib_;
};

}  // namespace fovea::cli
