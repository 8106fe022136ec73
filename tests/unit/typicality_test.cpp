// SPDX-License-Identifier: Apache-2.0
// Typicality: the score against its closed form, the verdicts of a screening, and every refusal of a damaged section.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "engine/screening/typicality.h"
#include "fovea/fovea.h"
#include "tests/unit/fundus_picture.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace {

using namespace model_builder;

struct Tap {
    std::uint32_t value = 2;
    std::uint32_t dimension = 3;
    std::vector<float> scores;      // rising
    std::vector<float> means;       // classes x dimension
    std::vector<float> variances;   // directions
    std::vector<float> directions;  // directions x dimension
    float rest_variance = 1;
};

struct Statistics {
    std::uint32_t height = 32, width = 32;
    double atypical = 0.05, reject = 0.01;
    std::vector<float> shares;
    std::vector<Tap> taps;
};

void append(Bytes* bytes, const void* data, std::size_t size) {
    const auto* first = static_cast<const std::uint8_t*>(data);
    bytes->insert(bytes->end(), first, first + size);
}

Bytes section(const Statistics& statistics) {
    Bytes bytes;
    const auto word = [&](std::uint32_t value) { append(&bytes, &value, 4); };
    word(static_cast<std::uint32_t>(statistics.taps.size()));
    word(static_cast<std::uint32_t>(statistics.shares.size()));
    word(statistics.height);
    word(statistics.width);
    append(&bytes, &statistics.atypical, 8);
    append(&bytes, &statistics.reject, 8);
    bytes.resize(64);
    for (const Tap& tap : statistics.taps) {
        word(tap.value);
        word(tap.dimension);
        word(static_cast<std::uint32_t>(tap.means.size() / tap.dimension));
        word(static_cast<std::uint32_t>(tap.variances.size()));
        append(&bytes, &tap.rest_variance, 4);
        bytes.resize(bytes.size() + 12);
    }
    const auto floats = [&](const std::vector<float>& values) { append(&bytes, values.data(), values.size() * 4); };
    floats(statistics.shares);
    for (const Tap& tap : statistics.taps) {
        floats(tap.scores);
        floats(tap.means);
        floats(tap.variances);
        floats(tap.directions);
    }
    return bytes;
}

constexpr int kScores = 200;

std::vector<float> rising(float first, float last) {
    std::vector<float> values(kScores);
    for (int i = 0; i < kScores; ++i) values[i] = first + (last - first) * static_cast<float>(i) / (kScores - 1);
    return values;
}

// Mean of each colour, one dense layer, every photo ill. Value 1 is the photo as the network sees it, value 2 its mean colour.
ModelSpec colour_spec() {
    ModelSpec spec;
    spec.input_height = spec.input_width = spec.default_height = spec.default_width = 32;
    spec.preset = 0;
    spec.preset_flags = 0;
    spec.sigma = 0;
    spec.add({.kind = kAffine, .inputs = {0}, .weights = {1, 1, 1}, .bias = {0, 0, 0}, .name = "colours"});
    spec.add({.kind = kGlobalPool, .inputs = {1}, .name = "mean"});
    spec.logits = spec.probabilities =
        spec.add({.kind = kDense, .inputs = {2}, .weights = std::vector<float>(6), .bias = {0, 3}, .output_channels = 2});
    return spec;
}

// The photo's mean colour has distance 0 from the means with offset 0, and share 1 (or less) of the scores are below its own.
Statistics colour_statistics(const std::vector<float>& mean) {
    Statistics statistics;
    statistics.shares = rising(0, 1);
    Tap map, vector;
    map.value = 1;
    map.scores = vector.scores = rising(-100, -1);
    map.means = vector.means = mean;
    vector.variances = map.variances = {4, 2, 1};
    vector.directions = map.directions = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    statistics.taps = {map, vector};
    return statistics;
}

const fundus_picture::Picture& photo() {
    static const fundus_picture::Picture made = fundus_picture::make(480);
    return made;
}

struct Screened {
    fovea_status load = FOVEA_OK;
    fovea_screening screening{};
    std::string log;
};

Screened screen(const ModelSpec& spec, int typicality = 1, int force = 0, std::uint32_t side = 0) {
    Screened result;
    result.screening.size = sizeof(result.screening);
    test_memory::LogCatcher log;
    fovea_model_settings model_settings;
    fovea_model_settings_init(&model_settings);
    model_settings.log = log.hooks();
    const Bytes file = build(spec);
    fovea_model* model = nullptr;
    result.load = fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, &model_settings, &model);
    if (result.load == FOVEA_OK) {
        fovea_session_settings settings;
        fovea_session_settings_init(&settings);
        settings.log = log.hooks();
        settings.typicality = typicality;
        settings.input_height = settings.input_width = side;
        fovea_session* session = nullptr;
        REQUIRE(fovea_session_create(model, &settings, &session) == FOVEA_OK);
        fovea_screen_options options;
        fovea_screen_options_init(&options);
        options.force = force;
        const fovea_pixels pixels = photo().pixels();
        CHECK(fovea_screen_pixels(session, &pixels, &options, &result.screening) == FOVEA_OK);
        fovea_session_close(&session);
        fovea_model_close(&model);
    }
    result.log = log.all();
    return result;
}

// What the network sees of the photo, averaged: of a session with a tap.
std::vector<float> mean_colour() {
    const Bytes file = build(colour_spec());
    fovea_model* model = nullptr;
    REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) == FOVEA_OK);
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    const char* tap = "mean";
    settings.taps = &tap;
    settings.tap_count = 1;
    fovea_session* session = nullptr;
    REQUIRE(fovea_session_create(model, &settings, &session) == FOVEA_OK);
    fovea_screening screening{};
    screening.size = sizeof(screening);
    const fovea_pixels pixels = photo().pixels();
    REQUIRE(fovea_screen_pixels(session, &pixels, nullptr, &screening) == FOVEA_OK);
    fovea_tensor tensor{};
    tensor.size = sizeof(tensor);
    REQUIRE(fovea_session_tap(session, "mean", &tensor) == FOVEA_OK);
    const std::vector<float> mean(tensor.data, tensor.data + 3);
    fovea_session_close(&session);
    fovea_model_close(&model);
    return mean;
}

ModelSpec with_statistics(const Statistics& statistics) {
    ModelSpec spec = colour_spec();
    spec.typicality = section(statistics);
    return spec;
}

}  // namespace

TEST_CASE("the score is that of the whole covariance") {
    // C = 0.5 I + 8 u u^T with u = (3, 4, 0) / 5: one direction and what is across it. C^-1 written out by hand.
    const float direction[] = {0.6f, 0.8f, 0};
    const float variance[] = {8.5f};
    const float means[] = {1, 2, 3, -4, 0, 2};
    fovea::FeatureStatistics statistics;
    statistics.dimension = 3;
    statistics.class_count = 2;
    statistics.direction_count = 1;
    statistics.rest_variance = 0.5f;
    statistics.means = means;
    statistics.variances = variance;
    statistics.directions = direction;
    const double inverse[3][3] = {{2 - 0.36 * (2 - 1 / 8.5), -0.48 * (2 - 1 / 8.5), 0},
                                  {-0.48 * (2 - 1 / 8.5), 2 - 0.64 * (2 - 1 / 8.5), 0},
                                  {0, 0, 2}};
    const double features[][3] = {{1, 2, 3}, {0, 0, 0}, {-5, 1, 9}, {100, -30, 2}};
    for (const auto& feature : features) {
        double best = -std::numeric_limits<double>::infinity();
        for (int c = 0; c < 2; ++c) {
            double sum = 0;
            for (int i = 0; i < 3; ++i) {
                for (int j = 0; j < 3; ++j) {
                    sum += (feature[i] - means[c * 3 + i]) * inverse[i][j] * (feature[j] - means[c * 3 + j]);
                }
            }
            best = std::max(best, -0.5 * sum);
        }
        double scratch[3];
        CHECK(fovea::mahalanobis_score(statistics, feature, scratch) == doctest::Approx(best).epsilon(1e-6));
    }
    const double nothing[] = {std::nan(""), 0, 0};
    double scratch[3];
    CHECK(std::isnan(fovea::mahalanobis_score(statistics, nothing, scratch)));
}

TEST_CASE("all directions leave nothing across") {
    const float directions[] = {0, 1, 1, 0};
    const float variances[] = {4, 0.25f};
    const float means[] = {0, 0};
    fovea::FeatureStatistics statistics;
    statistics.dimension = statistics.direction_count = 2;
    statistics.class_count = 1;
    statistics.rest_variance = 1e-30f;  // must not count
    statistics.means = means;
    statistics.variances = variances;
    statistics.directions = directions;
    const double feature[] = {3, 5};
    double scratch[2];
    CHECK(fovea::mahalanobis_score(statistics, feature, scratch) == doctest::Approx(-0.5 * (25 / 4.0 + 9 / 0.25)));
}

TEST_CASE("the share below counts what is smaller, and nothing for no number") {
    const float sorted[] = {-3, -1, -1, 2};
    CHECK(fovea::share_below(sorted, 4, -4) == 0);
    CHECK(fovea::share_below(sorted, 4, -1) == 0.25);
    CHECK(fovea::share_below(sorted, 4, 0) == 0.75);
    CHECK(fovea::share_below(sorted, 4, 9) == 1);
    CHECK(fovea::share_below(sorted, 4, std::nan("")) == 0);
}

TEST_CASE("verdicts: typical, atypical, rejected, forced") {
    const std::vector<float> mean = mean_colour();
    const Screened typical = screen(with_statistics(colour_statistics(mean)));
    REQUIRE_MESSAGE(typical.load == FOVEA_OK, typical.log);
    CHECK(typical.screening.typicality == FOVEA_TYPICALITY_TYPICAL);
    CHECK(typical.screening.typicality_score == doctest::Approx(0).epsilon(1e-6));
    CHECK(typical.screening.typicality_percentile > 99);
    CHECK(typical.screening.result == FOVEA_RESULT_DR_SIGNS_FOUND);

    // 6 away in the second colour, of variance 2, by the map's mean alone: the other tap finds nothing strange.
    Statistics off = colour_statistics(mean);
    off.taps[0].means[1] += 6;
    off.taps[0].scores = rising(-10, -1);
    const Screened away = screen(with_statistics(off));
    CHECK(away.screening.typicality_score == doctest::Approx(-0.5 * 36 / 2).epsilon(1e-4));
    // 1 less than the tenth part of the way from -10 to -1: 23 of 200 scores are below -9.
    CHECK(away.screening.typicality == FOVEA_TYPICALITY_TYPICAL);
    CHECK(away.screening.typicality_percentile == doctest::Approx(11.5).epsilon(0.05));

    off.taps[0].scores = rising(-9.2f, -1);  // 5 of 200
    const Screened atypical = screen(with_statistics(off));
    CHECK(atypical.screening.typicality == FOVEA_TYPICALITY_ATYPICAL);
    CHECK(atypical.screening.typicality_percentile > 1);
    CHECK(atypical.screening.typicality_percentile < 5);
    CHECK(atypical.screening.result == FOVEA_RESULT_DR_SIGNS_FOUND);

    off.taps[0].scores = rising(-8, -1);
    const Screened rejected = screen(with_statistics(off));
    CHECK(rejected.screening.typicality == FOVEA_TYPICALITY_REJECT);
    CHECK(rejected.screening.typicality_percentile == 0);
    CHECK(rejected.screening.result == FOVEA_RESULT_NOT_GRADABLE);
    CHECK(rejected.screening.has_scores == 1);
    CHECK(rejected.screening.forced == 0);
    const Screened forced = screen(with_statistics(off), 1, 1);
    CHECK(forced.screening.typicality == FOVEA_TYPICALITY_REJECT);
    CHECK(forced.screening.result == FOVEA_RESULT_DR_SIGNS_FOUND);
    CHECK(forced.screening.forced == 1);
}

TEST_CASE("not measured without statistics, when it was not asked for, or at another input size") {
    const ModelSpec spec = with_statistics(colour_statistics(mean_colour()));
    CHECK(screen(colour_spec()).screening.typicality == FOVEA_TYPICALITY_NOT_MEASURED);
    CHECK(screen(spec, 0).screening.typicality == FOVEA_TYPICALITY_NOT_MEASURED);
    ModelSpec any_size = spec;
    any_size.input_height = any_size.input_width = 0;
    CHECK(screen(any_size).screening.typicality == FOVEA_TYPICALITY_TYPICAL);
    CHECK(screen(any_size, 1, 0, 48).screening.typicality == FOVEA_TYPICALITY_NOT_MEASURED);
}

TEST_CASE("a layer that only the statistics need is no tap of the caller's") {
    const Bytes file = build(with_statistics(colour_statistics(mean_colour())));
    fovea_model* model = nullptr;
    REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) == FOVEA_OK);
    fovea_session* session = nullptr;
    REQUIRE(fovea_session_create(model, nullptr, &session) == FOVEA_OK);
    fovea_tensor tensor{};
    tensor.size = sizeof(tensor);
    CHECK(fovea_session_tap(session, "mean", &tensor) == FOVEA_ERROR_UNKNOWN_TAP);
    fovea_session_close(&session);
    fovea_model_close(&model);
}

TEST_CASE("damaged statistics are refused with what is wrong") {
    const Statistics sound = colour_statistics({1, 2, 3});
    const Bytes bytes = section(sound);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    constexpr std::size_t kArrays = 64 + 2 * 32;
    constexpr std::size_t kFirstTap = kArrays + kScores * 4;
    constexpr std::size_t kMeans = kFirstTap + kScores * 4, kVariances = kMeans + 12, kDirections = kVariances + 12;
    struct Damage {
        const char* message;
        std::size_t offset;
        std::uint32_t word;
    };
    const auto bits = [](float value) {
        std::uint32_t word;
        std::memcpy(&word, &value, 4);
        return word;
    };
    const Damage damages[] = {
        {"tap count", 0, 0},
        {"tap count", 0, 5},
        {"scores", 0, 1},
        {"score count", 4, 19},
        {"score count", 4, 65537},
        {"variance", 4, kScores + 1},
        {"input size", 8, 0},
        {"input size is not the network's", 8, 64},
        {"input size", 12, 65537},
        {"limits", 20, 0x40000000},  // atypical: over 1
        {"limits", 28, 0x3FE00000},  // reject: over atypical
        {"limits", 28, 0x7FF80000},
        {"reserved", 40, 1},
        {"no node's value", 64, 0},
        {"no node's value", 64, 4},
        {"another number of channels", 96, 3},  // the dense layer's two
        {"more directions", 68, 2},
        {"dimension", 68, 0},
        {"class count", 72, 0},
        {"class count", 72, 17},
        {"more directions", 76, 4},
        {"variance", 80, bits(0)},
        {"variance", 80, bits(nan)},
        {"reserved", 84, 1},
        {"shares", kArrays, bits(-0.5f)},
        {"shares", kArrays, bits(0.5f)},
        {"shares", kArrays + (kScores - 1) * 4, bits(1.5f)},
        {"scores", kFirstTap, bits(nan)},
        {"scores", kFirstTap, bits(0)},
        {"not finite", kMeans, bits(nan)},
        {"variance", kVariances, bits(0)},
        {"not finite", kVariances, bits(nan)},
        {"not finite", kDirections, bits(std::numeric_limits<float>::infinity())},
    };
    for (const Damage& damage : damages) {
        CAPTURE(damage.message);
        CAPTURE(damage.offset);
        ModelSpec spec = colour_spec();
        spec.typicality = bytes;
        put_u32(&spec.typicality, damage.offset, damage.word);
        const Screened got = screen(spec);
        CHECK(got.load == FOVEA_ERROR_BAD_MODEL);
        CHECK_MESSAGE(got.log.find("section TYPI: ") != std::string::npos, got.log);
        CHECK_MESSAGE(got.log.find(damage.message) != std::string::npos, got.log);
    }
    const std::size_t whole = bytes.size();
    for (const std::size_t size : {std::size_t{8}, std::size_t{63}, std::size_t{64}, std::size_t{127}, whole - 4, whole + 4}) {
        CAPTURE(size);
        ModelSpec spec = colour_spec();
        spec.typicality = bytes;
        spec.typicality.resize(size);
        CHECK(screen(spec).load == FOVEA_ERROR_BAD_MODEL);
    }
}

TEST_CASE("its words") {
    CHECK(std::string(fovea_typicality_string(FOVEA_TYPICALITY_ATYPICAL)) == "atypical");
    CHECK(std::string(fovea_typicality_string(static_cast<fovea_typicality>(9))) == "unknown");
}
