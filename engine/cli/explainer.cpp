// SPDX-License-Identifier: Apache-2.0
#include "explainer.h"

#include <new>

#include "interruption.h"
#include "network_input.h"
#include "png_write.h"

namespace fovea::cli {

const std::map<std::string, fovea_explain_method> kExplainMethods = {
    {"attention", FOVEA_EXPLAIN_ATTENTION},
    {"gradcam", FOVEA_EXPLAIN_GRAD_CAM},
    {"gradient", FOVEA_EXPLAIN_GRADIENT},
    {"integrated", FOVEA_EXPLAIN_INTEGRATED_GRADIENTS},
    {"occlusion", FOVEA_EXPLAIN_OCCLUSION},
    {"smoothgrad", FOVEA_EXPLAIN_SMOOTH_GRADIENT},
};
const std::map<std::string, fovea_explain_scalar> kExplainScalars = {
    {"logit", FOVEA_SCALAR_LOGIT},
    {"loss", FOVEA_SCALAR_LOSS},
    {"margin", FOVEA_SCALAR_MARGIN},
    {"prob", FOVEA_SCALAR_PROBABILITY},
};

namespace {

// A class by its name or number.
std::uint32_t class_number(const Model& model, const std::string& text) {
    if (text.empty()) return FOVEA_DEFAULT_CLASS;
    const std::vector<std::string> names = model.class_names();
    std::string listed;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (text == names[i] || text == std::to_string(i)) return static_cast<std::uint32_t>(i);
        listed += (i == 0 ? "" : ", ") + names[i];
    }
    throw Failure(kWrongUsage, "--class " + text, "the model has no such class; it has: " + listed);
}

}  // namespace

Explainer::Explainer(const Model& model, const ExplainRequest& request, std::uint32_t height, std::uint32_t width, LogLines& lines)
    : model_(model), lines_(lines) {
    fovea_session_settings session;
    fovea_session_settings_init(&session);
    session.input_height = height;
    session.input_width = width;
    session.threads = request.threads;
    session.isa = request.isa.empty() ? nullptr : request.isa.c_str();
    if (request.max_memory_mib != 0) session.max_workspace_bytes = request.max_memory_mib << 20;
    if (request.photo_memory_mib != 0) session.max_decode_bytes = request.photo_memory_mib << 20;
    session.log = lines_.log();
    session.cancel = [](void*) { return interruption() != 0 ? 1 : 0; };
    fovea_explain_settings settings;
    fovea_explain_settings_init(&settings);
    settings.method = kExplainMethods.at(request.method);
    settings.scalar = kExplainScalars.at(request.scalar);
    settings.target_class = class_number(model, request.target_class);
    settings.layer = request.layer.empty() ? nullptr : request.layer.c_str();
    settings.samples = request.samples;
    settings.noise = request.noise;
    settings.seed = request.seed;
    settings.steps = request.steps;
    settings.patch = request.patch;
    settings.stride = request.stride;
    const bool own_size = height == 0;
    read_baseline(request.baseline, own_size ? model.info().default_input_height : height,
                  own_size ? model.info().default_input_width : width, settings);
    const fovea_status status = fovea_explainer_create(model.get(), &session, &settings, &explainer_);
    if (status == FOVEA_ERROR_INPUT_SIZE) {
        throw InputProblem{"input_size", "the model cannot run at " + std::to_string(height) + "x" + std::to_string(width) + ": " +
                                             lines_.cause(status)};
    }
    if (status == FOVEA_ERROR_UNKNOWN_TAP) {
        throw Failure(kWrongUsage, "--layer " + request.layer, "the model has no layer of that name (see fovea info --taps)");
    }
    require(status);
}

void Explainer::require(fovea_status status) const {
    if (status == FOVEA_OK) return;
    if (status == FOVEA_ERROR_CANCELLED) throw Interrupted{interruption()};
    const char* const advice = status == FOVEA_ERROR_MEMORY_LIMIT ? "; --max-memory raises it" : "";
    throw Failure(exit_status_of(status), model_.path(), lines_.cause(status) + advice);
}

// A pixel value, or a .npy file of the input's shape.
void Explainer::read_baseline(const std::string& text, std::uint32_t height, std::uint32_t width, fovea_explain_settings& settings) {
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
    const std::uint32_t channels = model_.info().input_channels;
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

std::vector<unsigned char> make_overlay(const fovea_explanation& explanation, const std::vector<float>& values, const fovea_pixels& below,
                                        const fovea_heat_map_settings& settings, const std::string& subject) {
    LogLines lines;
    fovea_session_settings session;
    fovea_session_settings_init(&session);
    session.log = lines.log();
    Image drawn;
    const fovea_status status = fovea_heat_map_overlay(&explanation, values.data(), &below, &settings, &session, drawn.get());
    if (status == FOVEA_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
    if (status != FOVEA_OK) throw Failure(kFailure, subject, lines.cause(status));
    return make_png(drawn->data, drawn->width, drawn->height);
}

std::vector<float> make_heat_map(const fovea_explanation& explanation, const fovea_heat_map_settings& settings,
                                 const std::string& subject) {
    std::vector<float> values(std::size_t{explanation.height} * explanation.width);
    const fovea_status status = fovea_heat_map(&explanation, &settings, values.data());
    if (status != FOVEA_OK) throw Failure(kFailure, subject, fovea_status_string(status));
    return values;
}

void decode_photo(const std::vector<unsigned char>& bytes, std::uint64_t photo_memory_mib, Image& photo) {
    LogLines lines;
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    if (photo_memory_mib != 0) settings.max_decode_bytes = photo_memory_mib << 20;
    settings.log = lines.log();
    const fovea_status status = fovea_decode(bytes.data(), bytes.size(), &settings, photo.get());
    if (status == FOVEA_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
    if (status != FOVEA_OK) throw InputProblem{status_code(status), lines.cause(status)};
}

}  // namespace fovea::cli
