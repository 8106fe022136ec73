// SPDX-License-Identifier: Apache-2.0
#include "screening_maps.h"

#include <filesystem>
#include <map>
#include <set>

#include "explainer.h"
#include "files.h"

namespace fovea::cli {

void add_map_options(Verb& verb, MapOptions& options) {
    options.method = ExplainRequest().method;
    verb.add_option("--explain", options.folder,
                    "Also explain each result: write the photo here as a PNG with the map over it, under the photo's name (and folder) "
                    "with .png behind. See fovea explain");
    verb.add_option("--explain-method", options.method,
                    "For --explain; integrated takes 16 gradients a photo, gradient one. One of " + keys_of(kExplainMethods))
        .check([](const std::string& text) {
            return kExplainMethods.contains(text) ? std::string() : "must be one of " + keys_of(kExplainMethods);
        })
        .show_default();
}

ScreeningMaps::ScreeningMaps(const MapOptions& options, std::uint64_t photo_memory_mib, const std::vector<Input>& inputs)
    : options_(options), photo_memory_mib_(photo_memory_mib) {
    if (options_.folder.empty()) return;
    std::map<std::string, std::string> taken;
    std::set<FileIdentity> sources;
    for (const Input& input : inputs) {
        FileIdentity identity;
        if (identify(input.file, identity) == 0) sources.insert(identity);
        const auto [other, is_new] = taken.emplace(path(input), input.file);
        if (!is_new && other->second != input.file) {
            throw Failure(kWrongUsage, "--explain " + options_.folder,
                          "the maps of " + other->second + " and " + input.file + " would have the same name; screen them in two runs");
        }
    }
    for (const auto& [map, photo] : taken) {
        FileIdentity identity;
        if (identify(map, identity) == 0 && sources.contains(identity)) {
            throw Failure(kWrongUsage, "--explain " + options_.folder, "the map of " + photo + " would overwrite the photo " + map);
        }
    }
}

std::string ScreeningMaps::path(const Input& input) const {
    return (std::filesystem::path(options_.folder) / (input.relative + ".png")).string();
}

std::shared_ptr<fovea_explainer> ScreeningMaps::make_explainer(const Model& model, const SessionRequest& request, LogLines& lines) const {
    if (options_.folder.empty()) return nullptr;
    ExplainRequest asked;
    asked.method = options_.method;
    asked.threads = request.threads;
    asked.isa = request.isa;
    asked.max_memory_mib = request.max_memory_mib;
    asked.photo_memory_mib = request.photo_memory_mib;
    const auto made = std::make_shared<Explainer>(model, asked, 0, 0, lines);
    return {made, made->get()};
}

Json ScreeningMaps::write(const Input& input, const std::vector<unsigned char>& bytes, const fovea_explanation& made,
                          const Model& model) const {
    // The screening had the photo as long as it needed it alone.
    Image photo;
    decode_photo(bytes, photo_memory_mib_, photo);
    fovea_heat_map_settings settings;
    fovea_heat_map_settings_init(&settings);
    const std::vector<float> values = make_heat_map(made, settings, input.file);
    const std::vector<unsigned char> png = make_overlay(made, values, photo.pixels(), settings, input.file);
    const std::string file = path(input);
    create_parent_folders(file);
    write_file(file, png.data(), png.size());
    Json json;
    json["method"] = options_.method;
    json["scalar"] = ExplainRequest().scalar;
    json["class"] = model.class_names()[made.target_class];
    if (made.weights_as_floats != 0) json["weights"] = kWeightsAsFloats;
    json["overlay"] = file;
    json["photo_area"] = {made.photo_x, made.photo_y, made.photo_width, made.photo_height};
    return json;
}

}  // namespace fovea::cli
