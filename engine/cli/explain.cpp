// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "common_options.h"
#include "files.h"
#include "handles.h"
#include "interruption.h"
#include "json_numbers.h"
#include "network_input.h"
#include "npy.h"
#include "output.h"
#include "png_write.h"
#include "verbs.h"

namespace fovea::cli {
namespace {

const std::map<std::string, fovea_explain_method> kMethods = {
    {"gradient", FOVEA_EXPLAIN_GRADIENT},
    {"smoothgrad", FOVEA_EXPLAIN_SMOOTH_GRADIENT},
    {"integrated", FOVEA_EXPLAIN_INTEGRATED_GRADIENTS},
    {"gradcam", FOVEA_EXPLAIN_GRAD_CAM},
};
const std::map<std::string, fovea_explain_scalar> kScalars = {
    {"margin", FOVEA_SCALAR_MARGIN},
    {"loss", FOVEA_SCALAR_LOSS},
    {"logit", FOVEA_SCALAR_LOGIT},
    {"prob", FOVEA_SCALAR_PROBABILITY},
};

const std::map<std::string, fovea_map_reduction> kReductions = {
    {"l2", FOVEA_REDUCE_L2},
    {"max", FOVEA_REDUCE_MAX},
    {"sum", FOVEA_REDUCE_SUM},
};
const std::map<std::string, fovea_map_colors> kColors = {{"jet", FOVEA_COLORS_JET}, {"viridis", FOVEA_COLORS_VIRIDIS}};

struct Options {
    std::string model, input, isa, method = "gradient", scalar = "margin", target_class, layer, baseline = "128";
    std::string raw, heat_map, overlay, reduce = "max", colors = "jet";
    bool as_is = false, no_mask = false, fade = false;
    std::uint32_t threads = 1, samples = 25, steps = 50;
    double noise = 0.15, percentile = 99, opacity = 0.4;
    std::uint64_t max_memory = 0, seed = 1;
};

// What goes into the network: pixels as they are, or a photo's file.
struct Explained {
    NetworkInput input;
    std::vector<unsigned char> photo;
};

// Failures that the photo's file is to blame for.
bool is_of_photo(fovea_status status) {
    return status == FOVEA_ERROR_NOT_AN_IMAGE || status == FOVEA_ERROR_UNSUPPORTED_IMAGE || status == FOVEA_ERROR_CORRUPT_IMAGE ||
           status == FOVEA_ERROR_IMAGE_TOO_LARGE;
}

class Explainer {
  public:
    Explainer(const Model& model, const Options& options, std::uint32_t height, std::uint32_t width) {
        fovea_session_settings session;
        fovea_session_settings_init(&session);
        session.input_height = height;
        session.input_width = width;
        session.threads = options.threads;
        session.isa = options.isa.empty() ? nullptr : options.isa.c_str();
        if (options.max_memory != 0) session.max_workspace_bytes = options.max_memory << 20;
        session.log = lines_.log();
        session.cancel = [](void*) { return interruption() != 0 ? 1 : 0; };
        fovea_explain_settings settings;
        fovea_explain_settings_init(&settings);
        settings.method = kMethods.at(options.method);
        settings.scalar = kScalars.at(options.scalar);
        settings.target_class = class_number(model, options.target_class);
        settings.layer = options.layer.empty() ? nullptr : options.layer.c_str();
        settings.samples = options.samples;
        settings.noise = options.noise;
        settings.seed = options.seed;
        settings.steps = options.steps;
        const bool own_size = height == 0;
        read_baseline(options.baseline, own_size ? model.info().default_input_height : height,
                      own_size ? model.info().default_input_width : width, model.info().input_channels, settings);
        const fovea_status status = fovea_explainer_create(model.get(), &session, &settings, &explainer_);
        if (status == FOVEA_ERROR_INPUT_SIZE) {
            throw InputProblem{"input_size", "the model cannot run at " + std::to_string(height) + "x" +
                                                 std::to_string(width) + ": " + lines_.cause(status)};
        }
        if (status == FOVEA_ERROR_UNKNOWN_TAP) {
            throw Failure(kWrongUsage, "--layer " + options.layer, "the model has no layer of that name (see fovea info --taps)");
        }
        require(status, model);
    }
    ~Explainer() { fovea_explainer_close(&explainer_); }
    Explainer(const Explainer&) = delete;
    Explainer& operator=(const Explainer&) = delete;

    fovea_explanation explain(Explained& what, bool as_is, const Model& model, std::vector<float>& logits) {
        fovea_explanation explanation{};
        explanation.size = sizeof(explanation);
        logits.resize(model.info().logit_count);
        lines_.clear();
        if (as_is) {
            require(fovea_explain(explainer_, what.input.values, what.input.dtype, logits.data(), &explanation), model);
            return explanation;
        }
        const fovea_status status =
            fovea_explain_bytes(explainer_, what.photo.data(), what.photo.size(), logits.data(), &explanation);
        if (is_of_photo(status)) throw InputProblem{status_code(status), lines_.cause(status)};
        require(status, model);
        return explanation;
    }

  private:
    // A pixel value, or a .npy file of the input's shape.
    void read_baseline(const std::string& text, std::uint32_t height, std::uint32_t width, std::uint32_t channels,
                       fovea_explain_settings& settings) {
        std::size_t end = 0;
        try {
            settings.baseline = std::stod(text, &end);
        } catch (const std::exception&) {
            end = 0;
        }
        if (end == text.size() && settings.baseline >= 0 && settings.baseline <= 255) return;
        const auto wrong = [&](const std::string& cause) { return Failure(kWrongUsage, "--baseline " + text, cause); };
        if (end == text.size()) throw wrong("is outside 0 to 255");
        NetworkInput picture;
        try {
            read_input(text, picture);
        } catch (const InputProblem& problem) {
            throw wrong(problem.message);
        }
        if (picture.height != height || picture.width != width || picture.channels != channels) {
            throw wrong("is not of the input's height, width and channels");
        }
        const std::size_t count = std::size_t{height} * width * channels;
        baseline_.resize(count);
        for (std::size_t i = 0; i < count; ++i) {
            baseline_[i] = picture.dtype == FOVEA_U8 ? static_cast<float>(static_cast<const unsigned char*>(picture.values)[i])
                                                     : static_cast<const float*>(picture.values)[i];
        }
        settings.baseline_values = baseline_.data();
    }

    // A class by its name or number.
    static std::uint32_t class_number(const Model& model, const std::string& text) {
        if (text.empty()) return FOVEA_DEFAULT_CLASS;
        const std::vector<std::string> names = model.class_names();
        std::string listed;
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (text == names[i] || text == std::to_string(i)) return static_cast<std::uint32_t>(i);
            listed += (i == 0 ? "" : ", ") + names[i];
        }
        throw Failure(kWrongUsage, "--class " + text, "the model has no such class; it has: " + listed);
    }

    void require(fovea_status status, const Model& model) const {
        if (status == FOVEA_ERROR_CANCELLED) throw Interrupted{interruption()};
        if (status == FOVEA_OK) return;
        const char* const advice = status == FOVEA_ERROR_MEMORY_LIMIT ? "; --max-memory raises it" : "";
        throw Failure(exit_status_of(status), model.path(), lines_.cause(status) + advice);
    }

    LogLines lines_;
    std::vector<float> baseline_;
    fovea_explainer* explainer_ = nullptr;
};

void read_as_is(const Options& options, const Model& model, NetworkInput& input) {
    read_input(options.input, input);
    if (input.channels != model.info().input_channels) {
        throw InputProblem{"input_size", "it has " + std::to_string(input.channels) + " channels; the model takes " +
                                             std::to_string(model.info().input_channels)};
    }
    const std::string doubt = doubt_about(input);
    if (!doubt.empty()) complain(options.input, "warning: " + doubt);
    const bool is_picture = input.dtype == FOVEA_U8 && input.channels == 3;
    if (!options.overlay.empty() && !is_picture) throw InputProblem{"input_size", "only a picture can have an overlay"};
}

void read_photo(const std::string& path, std::vector<unsigned char>& bytes) {
    FileError error;
    if (!read_file(path, kMaxPhotoBytes, bytes, error)) throw InputProblem{error.code, error.message};
}

// The whole photo, to be drawn on.
void decode_photo(const std::vector<unsigned char>& bytes, Image& photo) {
    LogLines lines;
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.log = lines.log();
    const fovea_status status = fovea_decode(bytes.data(), bytes.size(), &settings, photo.get());
    if (status == FOVEA_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
    if (status != FOVEA_OK) throw InputProblem{status_code(status), lines.cause(status)};
}

void write_png(const std::string& path, const unsigned char* rgb, std::uint32_t width, std::uint32_t height) {
    const std::vector<unsigned char> png = make_png(rgb, width, height);
    write_file(path, png.data(), png.size());
}

// The pictures that were asked for.
void write_pictures(const Options& options, Explained& what, const fovea_explanation& made) {
    if (options.heat_map.empty() && options.overlay.empty()) return;
    fovea_heat_map_settings settings;
    fovea_heat_map_settings_init(&settings);
    settings.reduction = kReductions.at(options.reduce);
    settings.colors = kColors.at(options.colors);
    settings.percentile = options.percentile;
    settings.opacity = options.opacity;
    settings.opacity_follows_map = options.fade ? 1 : 0;
    settings.unmasked = options.no_mask ? 1 : 0;
    std::vector<float> values(std::size_t{made.height} * made.width);
    fovea_status status = fovea_heat_map(&made, &settings, values.data());
    if (status != FOVEA_OK) throw Failure(kFailure, options.input, fovea_status_string(status));
    if (!options.heat_map.empty()) {
        std::vector<unsigned char> rgb;
        rgb.reserve(values.size() * 3);
        for (const float value : values) rgb.insert(rgb.end(), 3, static_cast<unsigned char>(std::nearbyint(255.0f * value)));
        write_png(options.heat_map, rgb.data(), made.width, made.height);
    }
    if (options.overlay.empty()) return;
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
        decode_photo(what.photo, photo);
        below = photo.pixels();
    }
    LogLines lines;
    fovea_session_settings session;
    fovea_session_settings_init(&session);
    session.log = lines.log();
    Image drawn;
    status = fovea_heat_map_overlay(&made, values.data(), &below, &settings, &session, drawn.get());
    if (status == FOVEA_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
    if (status != FOVEA_OK) throw Failure(kFailure, options.input, lines.cause(status));
    write_png(options.overlay, drawn->data, drawn->width, drawn->height);
}

ExitStatus explain_input(const Options& options, const Model& model) {
    Explained what;
    if (options.as_is) {
        read_as_is(options, model, what.input);
    } else {
        read_photo(options.input, what.photo);
    }
    Explainer explainer(model, options, what.input.height, what.input.width);
    std::vector<float> logits;
    const fovea_explanation made = explainer.explain(what, options.as_is, model, logits);
    if (!options.raw.empty()) {
        const std::vector<unsigned char> bytes = make_npy(made.map, {made.height, made.width, made.channels});
        write_file(options.raw, bytes.data(), bytes.size());
    }
    write_pictures(options, what, made);
    const std::vector<std::string> names = model.class_names();
    const std::size_t count = std::size_t{made.height} * made.width * made.channels;
    float largest = 0;
    for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::fabs(made.map[i]));
    Json json;
    json["file"] = options.input;
    json["method"] = options.method;
    json["scalar"] = options.scalar;
    json["class"] = names[made.target_class];
    json["value"] = made.scalar;
    json["predicted_class"] = names[made.predicted_class];
    json["logits"] = float_json(logits.data(), logits.size());
    json["map"] = {made.height, made.width, made.channels};
    json["largest"] = float_json(largest);
    if (options.method == "integrated") json["completeness_gap"] = made.completeness_gap;
    if (!options.as_is) json["photo_area"] = {made.photo_x, made.photo_y, made.photo_width, made.photo_height};
    Output output("");
    output.write(dump(json) + "\n");
    output.close();
    return kDone;
}

ExitStatus explain(const Options& options) {
    const bool cam = options.method == "gradcam";
    if (cam && options.layer.empty()) {
        throw Failure(kWrongUsage, "--method gradcam", "needs --layer NAME (see fovea info --taps)");
    }
    if (!cam && !options.layer.empty()) throw Failure(kWrongUsage, "--layer", "is of --method gradcam alone");
    require_isa(options.isa);
    const Model model(options.model);
    try {
        return explain_input(options, model);
    } catch (const InputProblem& problem) {
        complain(options.input, problem.message);
        return kInputsFailed;
    }
}

template <typename Value>
std::string keys_of(const std::map<std::string, Value>& map) {
    std::string keys;
    for (const auto& [key, value] : map) keys += (keys.empty() ? "" : ", ") + key;
    return keys;
}

}  // namespace

void add_explain(CLI::App& program, Action& chosen) {
    const auto options = std::make_shared<Options>();
    CLI::App* verb = program.add_subcommand(
        "explain", "Where the network looked: how what it gives changes with each pixel. Noisy, no outline of lesions, not validated");
    add_model_option(*verb, options->model);
    verb->add_option("input", options->input,
                     "A photo; with --as-is a picture of the network's size, or a .npy file as fovea run takes it")
        ->required();
    verb->add_flag("--as-is", options->as_is, "The input is what the network sees: no crop, no resize");
    const auto choice = [](const auto& map) {
        return [&map](const std::string& text) { return map.contains(text) ? std::string() : "must be one of " + keys_of(map); };
    };
    verb->add_option("--method", options->method, "One of " + keys_of(kMethods))
        ->check(choice(kMethods))
        ->capture_default_str();
    verb->add_option("--scalar", options->scalar, "One of " + keys_of(kScalars))
        ->check(choice(kScalars))
        ->capture_default_str();
    verb->add_option("--class", options->target_class,
                     "Name or number of the class that the scalar is of (default: of a margin what counts as positive, of the others the "
                     "predicted one)");
    verb->add_option("--layer", options->layer, "For gradcam: the layer, as fovea info --taps names it");
    verb->add_option("--samples", options->samples, "For smoothgrad: noisy copies")->check(CLI::Range(1, 10000))->capture_default_str();
    verb->add_option("--noise", options->noise, "For smoothgrad: standard deviation, as a part of the picture's range")
        ->check(CLI::Range(0.0, 10.0))
        ->capture_default_str();
    verb->add_option("--seed", options->seed, "For smoothgrad: of the noise")->capture_default_str();
    verb->add_option("--steps", options->steps, "For integrated: points on the way from the baseline")
        ->check(CLI::Range(1, 10000))
        ->capture_default_str();
    verb->add_option("--baseline", options->baseline,
                     "For integrated: the pixel value that the way begins at, or a .npy file or picture of the input's size")
        ->capture_default_str();
    verb->add_option("--raw", options->raw, "Write the map as it is here, a .npy file of float32 (height, width, channels)");
    verb->add_option("--map", options->heat_map, "Write the map here as a grey PNG: reduced, masked, scaled");
    verb->add_option("--overlay", options->overlay, "Write the photo here as a PNG with the map over it in colours");
    verb->add_option("--reduce", options->reduce, "What the channels' absolute values become. One of " + keys_of(kReductions))
        ->check(choice(kReductions))
        ->capture_default_str();
    verb->add_option("--colors", options->colors, "One of " + keys_of(kColors))->check(choice(kColors))->capture_default_str();
    verb->add_option("--percentile", options->percentile, "Of the map's values, what becomes white; 100 = the largest")
        ->check(CLI::Range(0.001, 100.0))
        ->capture_default_str();
    verb->add_option("--opacity", options->opacity, "Of the colours over the photo")->check(CLI::Range(0.0, 1.0))->capture_default_str();
    verb->add_flag("--fade", options->fade, "Colours only where the map has something");
    verb->add_flag("--no-mask", options->no_mask, "Keep the map where the network saw black alone");
    add_threads_option(*verb, options->threads);
    add_isa_option(*verb, options->isa);
    add_max_memory_option(*verb, options->max_memory);
    verb->footer(
        "Examples:\n"
        "  fovea explain --model small224.fovea photo.jpg --overlay overlay.png\n"
        "  fovea explain --model small224.fovea --as-is network.png --raw gradient.npy\n"
        "  fovea explain --model small224.fovea --as-is network.png --method gradcam --layer final_sum_att_feat --raw map.npy");
    verb->callback([&chosen, options] { chosen = [options] { return explain(*options); }; });
}

}  // namespace fovea::cli
