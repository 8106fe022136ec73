// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "handles.h"

namespace fovea::cli {

extern const std::map<std::string, fovea_explain_method> kExplainMethods;
extern const std::map<std::string, fovea_explain_scalar> kExplainScalars;

// What results say of a map that is not of the network that gave them, but of its weights.
inline constexpr const char* kWeightsAsFloats = "8-bit weights, turned back into floats";

template <typename Value>
std::string keys_of(const std::map<std::string, Value>& map) {
    std::string keys;
    for (const auto& [key, value] : map) keys += (keys.empty() ? "" : ", ") + key;
    return keys;
}

// What is asked of an explainer, in the command line's words.
struct ExplainRequest {
    std::string method = "integrated", scalar = "margin", target_class, layer, baseline = "128";
    std::uint32_t samples = 25, steps = 16, patch = 0, stride = 0;
    double noise = 0.15;
    std::uint64_t seed = 1;
    std::uint32_t threads = 1;
    std::string isa;                                       // empty = the best this CPU has
    std::uint64_t max_memory_mib = 0, photo_memory_mib = 0;  // 0 = the library's defaults
};

// An explainer; one thread at a time. What the library says goes to the caller's lines.
class Explainer {
  public:
    // For inputs of that size, 0 = the model's default. Throws Failure, Interrupted, and InputProblem where it is the size that does
    // not do.
    Explainer(const Model& model, const ExplainRequest& request, std::uint32_t height, std::uint32_t width, LogLines& lines);
    ~Explainer() { fovea_explainer_close(&explainer_); }
    Explainer(const Explainer&) = delete;
    Explainer& operator=(const Explainer&) = delete;

    fovea_explainer* get() { return explainer_; }
    // Throws what the status of a call means, if it is not FOVEA_OK.
    void require(fovea_status status) const;

  private:
    void read_baseline(const std::string& text, std::uint32_t height, std::uint32_t width, fovea_explain_settings& settings);

    const Model& model_;
    LogLines& lines_;
    std::vector<float> baseline_;
    fovea_explainer* explainer_ = nullptr;
};

// A picture with an explanation's map over it, as a PNG file's bytes; values as fovea_heat_map gives them. Throws Failure in
// `subject`'s name.
std::vector<unsigned char> make_overlay(const fovea_explanation& explanation, const std::vector<float>& values, const fovea_pixels& below,
                                        const fovea_heat_map_settings& settings, const std::string& subject);

// The explanation's map from 0 to 1.
std::vector<float> make_heat_map(const fovea_explanation& explanation, const fovea_heat_map_settings& settings, const std::string& subject);

// A JPEG or PNG file, upright, to be drawn on; photo_memory_mib as in ExplainRequest. Throws InputProblem.
void decode_photo(const std::vector<unsigned char>& bytes, std::uint64_t photo_memory_mib, Image& photo);

}  // namespace fovea::cli
