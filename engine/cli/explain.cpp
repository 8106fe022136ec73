// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <memory>

#include "common_options.h"
#include "explainer.h"
#include "files.h"
#include "handles.h"
#include "json_numbers.h"
#include "network_input.h"
#include "npy.h"
#include "output.h"
#include "png_write.h"
#include "verbs.h"

namespace fovea::cli {
namespace {

const std::map<std::string, fovea_map_reduction> kReductions = {
    {"l2", FOVEA_REDUCE_L2},
    {"max", FOVEA_REDUCE_MAX},
    {"sum", FOVEA_REDUCE_SUM},
};
const std::map<std::string, fovea_map_colors> kColors = {{"jet", FOVEA_COLORS_JET}, {"viridis", FOVEA_COLORS_VIRIDIS}};

struct Options {
    std::string model;
    std::vector<std::string> inputs;
    ExplainRequest request;
    std::string raw, heat_map, overlay, reduce = "max", colors = "jet";
    bool as_is = false, no_mask = false, fade = false;
    double percentile = 99, opacity = 0.4;
};

// What goes into the network: pixels as they are, or a photo's file.
struct Explained {
    std::string file;
    NetworkInput input;
    std::vector<unsigned char> photo;
};

// Failures that the photo's file is to blame for.
bool is_of_photo(fovea_status status) {
    return status == FOVEA_ERROR_NOT_AN_IMAGE || status == FOVEA_ERROR_UNSUPPORTED_IMAGE || status == FOVEA_ERROR_CORRUPT_IMAGE ||
           status == FOVEA_ERROR_IMAGE_TOO_LARGE;
}

// Where one input's map goes; empty = nowhere.
struct Outputs {
    std::string raw, heat_map, overlay;
};

void read_as_is(const Options& options, const Model& model, Explained& what) {
    NetworkInput& input = what.input;
    read_input(what.file, input);
    if (input.channels != model.info().input_channels) {
        throw InputProblem{"input_size", "it has " + std::to_string(input.channels) + " channels; the model takes " +
                                             std::to_string(model.info().input_channels)};
    }
    const std::string doubt = doubt_about(input);
    if (!doubt.empty()) complain(what.file, "warning: " + doubt);
    const bool is_picture = input.dtype == FOVEA_U8 && input.channels == 3;
    if (!options.overlay.empty() && !is_picture) throw InputProblem{"input_size", "only a picture can have an overlay"};
}

void read_photo(Explained& what) {
    FileError error;
    if (!read_file(what.file, kMaxPhotoBytes, what.photo, error)) throw InputProblem{error.code, error.message};
}

// Of several inputs the outputs are folders, in which files have the number of their input, since inputs in different folders may have
// the same name.
Outputs outputs_of(const Options& options, std::size_t index) {
    if (options.inputs.size() == 1) return {options.raw, options.heat_map, options.overlay};
    const std::string name = std::to_string(index) + "_" + std::filesystem::path(options.inputs[index]).stem().string();
    const auto within = [&](const std::string& folder, const char* ending) {
        if (folder.empty()) return std::string();
        std::error_code error;
        std::filesystem::create_directories(folder, error);
        if (error) throw Failure(kFailure, folder, "cannot be created: " + error.message());
        return (std::filesystem::path(folder) / (name + ending)).string();
    };
    return {within(options.raw, ".npy"), within(options.heat_map, ".png"), within(options.overlay, ".png")};
}

// The pictures that were asked for.
void write_pictures(const Options& options, const Outputs& outputs, Explained& what, const fovea_explanation& made) {
    if (outputs.heat_map.empty() && outputs.overlay.empty()) return;
    fovea_heat_map_settings settings;
    fovea_heat_map_settings_init(&settings);
    settings.reduction = kReductions.at(options.reduce);
    settings.colors = kColors.at(options.colors);
    settings.percentile = options.percentile;
    settings.opacity = options.opacity;
    settings.opacity_follows_map = options.fade ? 1 : 0;
    settings.unmasked = options.no_mask ? 1 : 0;
    const std::vector<float> values = make_heat_map(made, settings, what.file);
    if (!outputs.heat_map.empty()) {
        std::vector<unsigned char> rgb;
        rgb.reserve(values.size() * 3);
        for (const float value : values) rgb.insert(rgb.end(), 3, static_cast<unsigned char>(std::nearbyint(255.0f * value)));
        const std::vector<unsigned char> png = make_png(rgb.data(), made.width, made.height);
        write_file(outputs.heat_map, png.data(), png.size());
    }
    if (outputs.overlay.empty()) return;
    fovea_pixels below{};
    Image photo;
    if (options.as_is) {
        below.size = sizeof(below);
        below.planes[0] = static_cast<const std::uint8_t*>(what.input.values);
        below.width = what.input.width;
        below.height = what.input.height;
        below.strides[0] = std::size_t{3} * what.input.width;
        below.format = FOVEA_RGB;
    } else {
        decode_photo(what.photo, 0, photo);
        below = photo.pixels();
    }
    const std::vector<unsigned char> png = make_overlay(made, values, below, settings, what.file);
    write_file(outputs.overlay, png.data(), png.size());
}

class Explanations {
  public:
    Explanations(const Options& options, const Model& model) : options_(options), model_(model) {}

    // Explains one input, writes its map, and tells of it.
    Json explain(const std::string& file, const Outputs& outputs) {
        Explained what;
        what.file = file;
        if (options_.as_is) {
            read_as_is(options_, model_, what);
        } else {
            read_photo(what);
        }
        if (explainer_ == nullptr || height_ != what.input.height || width_ != what.input.width) {
            explainer_.reset();
            lines_.clear();
            explainer_ = std::make_unique<Explainer>(model_, options_.request, what.input.height, what.input.width, lines_);
            height_ = what.input.height;
            width_ = what.input.width;
        }
        fovea_explanation made{};
        made.size = sizeof(made);
        std::vector<float> logits(model_.info().logit_count);
        lines_.clear();
        if (options_.as_is) {
            const fovea_status status = fovea_explain(explainer_->get(), what.input.values, what.input.dtype, logits.data(), &made);
            // Of results: an input or a baseline that is not finite is refused as it is read.
            if (status == FOVEA_ERROR_INVALID_ARGUMENT) throw InputProblem{"not_finite", lines_.cause(status)};
            explainer_->require(status);
        } else {
            const fovea_status status =
                fovea_explain_bytes(explainer_->get(), what.photo.data(), what.photo.size(), logits.data(), &made);
            if (is_of_photo(status)) throw InputProblem{status_code(status), lines_.cause(status)};
            explainer_->require(status);
        }
        if (!outputs.raw.empty()) {
            const std::vector<unsigned char> bytes = make_npy(made.map, {made.height, made.width, made.channels});
            write_file(outputs.raw, bytes.data(), bytes.size());
        }
        write_pictures(options_, outputs, what, made);
        return told(file, made, logits);
    }

  private:
    Json told(const std::string& file, const fovea_explanation& made, const std::vector<float>& logits) const {
        const std::vector<std::string> names = model_.class_names();
        const std::size_t count = std::size_t{made.height} * made.width * made.channels;
        float largest = 0;
        for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(made.map[i]));
        Json json;
        json["file"] = file;
        json["method"] = options_.request.method;
        json["scalar"] = options_.request.scalar;
        json["class"] = names[made.target_class];
        json["value"] = made.scalar;
        json["predicted_class"] = names[made.predicted_class];
        json["logits"] = float_json(logits.data(), logits.size());
        json["map"] = {made.height, made.width, made.channels};
        json["largest"] = float_json(largest);
        if (made.weights_as_floats != 0) json["weights"] = kWeightsAsFloats;
        if (options_.request.method == "integrated") json["completeness_gap"] = made.completeness_gap;
        if (!options_.as_is) json["photo_area"] = {made.photo_x, made.photo_y, made.photo_width, made.photo_height};
        return json;
    }

    const Options& options_;
    const Model& model_;
    LogLines lines_;
    std::unique_ptr<Explainer> explainer_;
    std::uint32_t height_ = 0, width_ = 0;
};

ExitStatus explain(const Options& options) {
    const ExplainRequest& request = options.request;
    const auto only = [&](bool given, const char* option, const std::vector<std::string>& methods) {
        if (!given || std::find(methods.begin(), methods.end(), request.method) != methods.end()) return;
        std::string names;
        for (const std::string& method : methods) names += (names.empty() ? "" : " or ") + method;
        throw Failure(kWrongUsage, option, "is of --method " + names + " alone");
    };
    only(!request.layer.empty(), "--layer", {"gradcam", "attention"});
    only(request.patch != 0, "--patch", {"occlusion"});
    only(request.stride != 0, "--stride", {"occlusion"});
    require_isa(request.isa);
    const Model model(options.model);
    Explanations explanations(options, model);
    Output output("");
    const bool single = options.inputs.size() == 1;
    bool failed = false;
    for (std::size_t i = 0; i < options.inputs.size(); ++i) {
        const std::string& file = options.inputs[i];
        Json json;
        try {
            json = explanations.explain(file, outputs_of(options, i));
        } catch (const InputProblem& problem) {
            failed = true;
            complain(file, problem.message);
            if (single) continue;
            json["file"] = file;
            json["error"] = {{"code", problem.code}, {"message", problem.message}};
        }
        output.write(dump(json) + "\n");
    }
    output.close();
    return failed ? kInputsFailed : kDone;
}

}  // namespace

void add_explain(CommandLine& program) {
    const auto options = std::make_shared<Options>();
    Verb verb = program.add_verb(
        "explain", "Where the network looked: how what it gives changes with each pixel. Noisy, no outline of lesions, not validated");
    add_model_option(verb, options->model);
    verb.add_option("inputs", options->inputs,
                    "Photos; with --as-is pictures of the network's size, or .npy files as fovea run takes them. Of several, --raw, --map "
                    "and --overlay are folders, for files NUMBER_NAME, and each input gets a JSON line")
        .required();
    verb.add_flag("--as-is", options->as_is, "The input is what the network sees: no crop, no resize");
    const auto choice = [](const auto& map) {
        return [&map](const std::string& text) { return map.contains(text) ? std::string() : "must be one of " + keys_of(map); };
    };
    verb.add_option("--method", options->request.method,
                    "integrated points at lesions best and takes as many gradients as --steps says, gradient one. One of " +
                        keys_of(kExplainMethods))
        .check(choice(kExplainMethods))
        .show_default();
    verb.add_option("--scalar", options->request.scalar, "One of " + keys_of(kExplainScalars))
        .check(choice(kExplainScalars))
        .show_default();
    verb.add_option("--class", options->request.target_class,
                    "Name or number of the class that the scalar is of (default: of a margin what counts as positive, of the others the "
                    "predicted one)");
    verb.add_option("--layer", options->request.layer,
                    "For gradcam and attention: the layer, as fovea info --taps names it (default: the last map, the last gate)");
    verb.add_option("--samples", options->request.samples, "For smoothgrad: noisy copies")
        .range(1, 10000)
        .show_default();
    verb.add_option("--noise", options->request.noise, "For smoothgrad: standard deviation, as a part of the picture's range")
        .range(0.0, 10.0)
        .show_default();
    verb.add_option("--seed", options->request.seed, "For smoothgrad: of the noise").show_default();
    verb.add_option("--steps", options->request.steps, "For integrated: points on the way from the baseline")
        .range(1, 10000)
        .show_default();
    verb.add_option("--baseline", options->request.baseline,
                    "For integrated: the pixel value that the way begins at, or a .npy file or picture of the input's size; for "
                    "occlusion: what the squares are covered with")
        .show_default();
    verb.add_option("--patch", options->request.patch, "For occlusion: side of the squares in pixels (default: an eighth of the input's)")
        .range(1, 65536);
    verb.add_option("--stride", options->request.stride, "For occlusion: pixels from square to square (default: half a side)")
        .range(1, 65536);
    verb.add_option("--raw", options->raw, "Write the map as it is here, a .npy file of float32 (height, width, channels)");
    verb.add_option("--map", options->heat_map, "Write the map here as a grey PNG: reduced, masked, scaled");
    verb.add_option("--overlay", options->overlay, "Write the photo here as a PNG with the map over it in colours");
    verb.add_option("--reduce", options->reduce, "What the channels' absolute values become. One of " + keys_of(kReductions))
        .check(choice(kReductions))
        .show_default();
    verb.add_option("--colors", options->colors, "One of " + keys_of(kColors)).check(choice(kColors)).show_default();
    verb.add_option("--percentile", options->percentile, "Of the map's values, what becomes white; 100 = the largest")
        .range(0.001, 100.0)
        .show_default();
    verb.add_option("--opacity", options->opacity, "Of the colours over the photo").range(0.0, 1.0).show_default();
    verb.add_flag("--fade", options->fade, "Colours only where the map has something");
    verb.add_flag("--no-mask", options->no_mask, "Keep the map where the network saw black alone");
    add_threads_option(verb, options->request.threads);
    add_isa_option(verb, options->request.isa);
    add_max_memory_option(verb, options->request.max_memory_mib);
    verb.footer(
        "Examples:\n"
        "  fovea explain --model small224.fovea photo.jpg --overlay overlay.png\n"
        "  fovea explain --model small224.fovea --as-is network.png --method gradient --raw gradient.npy\n"
        "  fovea explain --model small224.fovea --as-is network.png --method gradcam --layer final_sum_att_feat --raw map.npy\n"
        "  fovea explain --model small224.fovea photos/*.jpg --method occlusion --overlay maps");
    verb.action([options] { return explain(*options); });
}

}  // namespace fovea::cli
