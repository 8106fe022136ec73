// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/model/graph.h"
#include "engine/log.h"
#include "fovea/fovea.h"
#include "preprocess/memory.h"
#include "preprocess/preset.h"

namespace fovea {

// From a photo to the network's input: section PREP.
struct Preprocessing {
    preprocess::PresetSettings settings;  // but for the output's size, which is the session's
    bool wants_bgr;
    std::uint32_t trained_height, trained_width;
};

enum class Target : std::uint32_t { kOther = 0, kAnyDr = 1, kReferableDr = 2, kGrade5 = 3 };

enum class OutputForm : std::uint32_t {
    kSoftmax = 0,
    kOneSigmoid = 1,  // one output: the probability of the last of two classes
    kSigmoids = 2,    // one independent probability a class
};

inline constexpr std::uint32_t kMaxClasses = 1000;

// Section LABL.
struct Labels {
    Target target;
    OutputForm form;
    Buffer<const char*> classes;

    bool has_grades() const { return target == Target::kGrade5; }
    // Referable means grade 2 or more; a two-sided target has its one negative class first.
    std::uint32_t first_positive() const { return has_grades() ? 2 : 1; }
    std::uint32_t class_count() const { return static_cast<std::uint32_t>(classes.size()); }
    std::uint32_t logit_count() const {
        return form == OutputForm::kOneSigmoid ? 1 : class_count();
    }
};

inline constexpr std::uint32_t kMaxOperatingPoints = 16;

struct OperatingPoint {
    const char* name;
    double threshold;
};

// Section OPPT, or what its absence means.
struct Calibration {
    double temperature = 1.0;
    std::uint32_t count = 1;  // at least 1
    std::uint32_t default_point = 0;
    OperatingPoint points[kMaxOperatingPoints] = {{"balanced", 0.5}};
    // Of five grades, where the points above are about referable DR: those for any DR.
    std::uint32_t any_dr_count = 0;
    OperatingPoint any_dr_points[kMaxOperatingPoints] = {};

    // The point for any DR that goes with the other question's of that name, or null.
    const OperatingPoint* any_dr_point(const char* name) const;
};

// Section GOLD; count 0 when absent.
struct Golden {
    std::uint32_t count = 0;
    std::uint32_t height = 0, width = 0, channels = 0;
    std::uint32_t output_count = 0;
    float tolerance = 0;  // largest accepted absolute difference of a logit
    const std::uint8_t* vectors = nullptr;
    std::size_t vector_size = 0;  // bytes from one vector to the next

    const float* logits(std::uint32_t i) const {
        return reinterpret_cast<const float*>(vectors + i * vector_size);
    }
    const std::uint8_t* pixels(std::uint32_t i) const {
        return vectors + i * vector_size + std::size_t{output_count} * sizeof(float);
    }
};

inline constexpr std::uint32_t kMaxTypicalityTaps = 4;

// How the features of one layer were distributed over the photos that the network knows: Gaussians with a mean for
// each class and one covariance, of which the largest directions are kept and the others share a variance.
struct FeatureStatistics {
    std::uint32_t value = 0;  // of the graph; of a map the mean of each channel counts
    std::uint32_t dimension = 0;
    std::uint32_t class_count = 0;
    std::uint32_t direction_count = 0;    // at most dimension
    float rest_variance = 0;              // of what is at right angles to the directions
    const float* sorted_scores = nullptr; // of the photos kept aside, score_count
    const float* means = nullptr;         // class_count x dimension
    const float* variances = nullptr;     // direction_count
    const float* directions = nullptr;    // direction_count x dimension, orthonormal
};

// Section TYPI; tap_count 0 when absent.
struct Typicality {
    std::uint32_t tap_count = 0;
    std::uint32_t score_count = 0;
    std::uint32_t height = 0, width = 0;  // of the input at which this holds
    double atypical_below = 0, reject_below = 0;  // shares of the photos kept aside
    const float* sorted_shares = nullptr;  // of each photo kept aside the smallest of its taps' shares, score_count
    FeatureStatistics taps[kMaxTypicalityTaps];

    bool holds_at(std::uint32_t input_height, std::uint32_t input_width) const {
        return tap_count != 0 && input_height == height && input_width == width;
    }
};

struct ProvenanceEntry {
    const char* key;
    const char* value;
};

// Everything that a .fovea file says (models/FORMAT.md), checked. Pointers lead into the file's
// bytes, which must stay where they are.
struct ModelFile {
    Graph graph;
    Preprocessing preprocessing = {};
    Labels labels = {};
    Calibration calibration;
    Golden golden;
    Typicality typicality;
    Buffer<ProvenanceEntry> provenance;
    std::uint64_t file_size = 0;
    std::uint64_t weight_bytes = 0;

    // The value of a provenance key, or null.
    const char* provenance_value(const char* key) const;
};

}  // namespace fovea
