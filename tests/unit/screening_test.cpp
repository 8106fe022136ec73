// SPDX-License-Identifier: Apache-2.0
// The whole path through the public header, with a network of known weights.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "tests/unit/fundus_picture.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace {

using namespace model_builder;

struct Fixture {
    test_memory::LogCatcher log;
    fovea_model* model = nullptr;
    fovea_session* session = nullptr;
    fovea_session_settings settings;

    explicit Fixture(const ModelSpec& spec) {
        const Bytes file = build(spec);
        REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) ==
                FOVEA_OK);
        fovea_session_settings_init(&settings);
        settings.log = log.hooks();
        REQUIRE(fovea_session_create(model, &settings, &session) == FOVEA_OK);
    }
    Fixture(const Fixture&) = delete;
    ~Fixture() {
        fovea_session_close(&session);
        fovea_model_close(&model);
    }
};

// Mean of each colour over the picture, then one dense layer.
ModelSpec mean_colour_spec(std::uint32_t outputs, const std::vector<float>& weights,
                           const std::vector<float>& bias) {
    ModelSpec spec;
    spec.input_height = spec.input_width = spec.default_height = spec.default_width = 32;
    spec.add({.kind = kAffine, .inputs = {0}, .weights = {1, 1, 1}, .bias = {0, 0, 0}});
    spec.add({.kind = kGlobalPool, .inputs = {1}});
    spec.logits = spec.probabilities = spec.add({.kind = kDense,
                                                 .inputs = {2},
                                                 .weights = weights,
                                                 .bias = bias,
                                                 .output_channels = outputs});
    return spec;
}

// Logits (0, bias): the photo does not matter.
ModelSpec constant_spec(float margin) {
    return mean_colour_spec(2, std::vector<float>(6, 0.0f), {0, margin});
}

fovea_screening screen(Fixture& f, const fundus_picture::Picture& photo,
                       const fovea_screen_options* options = nullptr) {
    fovea_screening screening = test_memory::sized<fovea_screening>();
    const fovea_pixels pixels = photo.pixels();
    const fovea_status status = fovea_screen_pixels(f.session, &pixels, options, &screening);
    REQUIRE_MESSAGE(status == FOVEA_OK, f.log.all());
    return screening;
}

const fundus_picture::Picture& good_photo() {
    static const fundus_picture::Picture photo = fundus_picture::make(480);
    return photo;
}

}  // namespace

TEST_CASE("the probability meets the threshold of the operating point") {
    ModelSpec spec = constant_spec(1.0f);
    spec.with_calibration = true;
    spec.temperature = 2.0;
    spec.points = {{"balanced", 0.7}, {"sensitive", 0.6}};
    Fixture f(spec);
    const double expected = 1 / (1 + std::exp(-1.0 / 2.0));  // 0.622
    const fovea_screening balanced = screen(f, good_photo());
    CHECK(balanced.quality != FOVEA_QUALITY_REJECT);
    REQUIRE(balanced.has_scores == 1);
    CHECK(balanced.forced == 0);
    CHECK(balanced.image_width == 480);
    CHECK(balanced.class_count == 2);
    CHECK(balanced.logit_count == 2);
    CHECK(balanced.logits[1] == 1.0f);
    CHECK(balanced.positive_score == doctest::Approx(expected));
    CHECK(balanced.probabilities[0] == doctest::Approx(1 - expected));
    CHECK(balanced.predicted_class == 1);
    CHECK(balanced.confidence == doctest::Approx(expected));
    CHECK(balanced.temperature == 2.0);
    CHECK(balanced.threshold == 0.7);
    CHECK(std::string(balanced.operating_point) == "balanced");
    CHECK(balanced.result == FOVEA_RESULT_NO_DR_SIGNS_FOUND);
    fovea_screen_options options;
    fovea_screen_options_init(&options);
    options.operating_point = "sensitive";
    const fovea_screening sensitive = screen(f, good_photo(), &options);
    CHECK(sensitive.result == FOVEA_RESULT_DR_SIGNS_FOUND);
    CHECK(sensitive.threshold == 0.6);
    options.operating_point = "psychic";
    fovea_screening untouched = test_memory::sized<fovea_screening>();
    const fovea_pixels pixels = good_photo().pixels();
    CHECK(fovea_screen_pixels(f.session, &pixels, &options, &untouched) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(untouched.image_width == 0);
    CHECK(f.log.all().find("psychic") != std::string::npos);
}

TEST_CASE("ties go to the lowest class and meet the threshold") {
    Fixture f(constant_spec(0.0f));
    const fovea_screening tie = screen(f, good_photo());
    CHECK(tie.predicted_class == 0);
    CHECK(tie.positive_score == doctest::Approx(0.5));
    CHECK(tie.result == FOVEA_RESULT_DR_SIGNS_FOUND);  // score >= threshold
}

TEST_CASE("five grades: two or more is referable") {
    ModelSpec spec = mean_colour_spec(5, std::vector<float>(15, 0.0f), {1, 2, 0, 0.5f, -1});
    spec.target = 3;
    spec.classes = {"0", "1", "2", "3", "4"};
    Fixture f(spec);
    const fovea_screening got = screen(f, good_photo());
    double sum = 0, referable = 0;
    const double logits[] = {1, 2, 0, 0.5, -1};
    for (int i = 0; i < 5; ++i) {
        sum += std::exp(logits[i]);
        if (i >= 2) referable += std::exp(logits[i]);
    }
    CHECK(got.positive_score == doctest::Approx(referable / sum));
    CHECK(got.predicted_class == 1);
    CHECK(got.result == FOVEA_RESULT_NO_DR_SIGNS_FOUND);
    CHECK(got.grade == 1);  // 0.79 for 1 or more, 0.23 for 2 or more
    // Without an operating point for any DR nothing is said of it.
    REQUIRE(got.answer_count == 1);
    CHECK(std::string(got.answers[0].target) == "referable_dr");
    CHECK(got.answers[0].score == got.positive_score);
}

TEST_CASE("five grades answer two questions, each at its own threshold of the point's name") {
    ModelSpec spec = mean_colour_spec(5, std::vector<float>(15, 0.0f), {1, 2, 0, 0.5f, -1});
    spec.target = 3;
    spec.classes = {"0", "1", "2", "3", "4"};
    spec.with_calibration = true;
    spec.temperature = 1;
    spec.points = {{"balanced", 0.5}, {"sensitive", 0.1}, {"strict", 0.9}};
    spec.any_dr_points = {{"sensitive", 0.8}, {"balanced", 0.7}};
    Fixture f(spec);
    const double sum = std::exp(1) + std::exp(2) + std::exp(0) + std::exp(0.5) + std::exp(-1);
    const double referable = (std::exp(0) + std::exp(0.5) + std::exp(-1)) / sum, any_dr = 1 - std::exp(1) / sum;  // 0.230, 0.792
    const fovea_screening got = screen(f, good_photo());
    REQUIRE(got.answer_count == 2);
    const fovea_answer& first = got.answers[0];
    const fovea_answer& last = got.answers[1];
    CHECK(std::string(first.target) == "any_dr");
    CHECK(first.score == doctest::Approx(any_dr));
    CHECK(first.threshold == 0.7);
    CHECK(std::string(first.operating_point) == "balanced");
    CHECK(first.result == FOVEA_RESULT_DR_SIGNS_FOUND);
    CHECK(std::string(last.target) == "referable_dr");
    CHECK(last.score == doctest::Approx(referable));
    CHECK(last.threshold == 0.5);
    CHECK(last.result == FOVEA_RESULT_NO_DR_SIGNS_FOUND);
    CHECK(got.result == last.result);
    CHECK(got.threshold == last.threshold);
    fovea_screen_options options;
    fovea_screen_options_init(&options);
    options.operating_point = "sensitive";
    const fovea_screening sensitive = screen(f, good_photo(), &options);
    REQUIRE(sensitive.answer_count == 2);
    CHECK(sensitive.answers[0].result == FOVEA_RESULT_NO_DR_SIGNS_FOUND);
    CHECK(sensitive.answers[1].result == FOVEA_RESULT_DR_SIGNS_FOUND);
    options.operating_point = "strict";
    CHECK(screen(f, good_photo(), &options).answer_count == 1);
    double threshold = 0;
    CHECK(std::string(fovea_model_any_dr_point(f.model, 1, &threshold)) == "balanced");
    CHECK(threshold == 0.7);
    CHECK(fovea_model_any_dr_point(f.model, 2, nullptr) == nullptr);
    CHECK(fovea_model_any_dr_point(nullptr, 0, nullptr) == nullptr);
}

TEST_CASE("the grade is the highest that is as likely reached as not") {
    const std::vector<std::pair<std::vector<double>, std::uint32_t>> cases = {
        {{0.6, 0.1, 0.1, 0.1, 0.1}, 0}, {{0.4, 0.15, 0.1, 0.1, 0.25}, 1}, {{0.35, 0.05, 0.2, 0.2, 0.2}, 2},
        {{0.1, 0.1, 0.25, 0.25, 0.3}, 3}, {{0.1, 0.1, 0.1, 0.1, 0.6}, 4}};
    for (const auto& [probabilities, grade] : cases) {
        std::vector<float> logits;
        for (const double probability : probabilities) logits.push_back(static_cast<float>(std::log(probability)));
        ModelSpec spec = mean_colour_spec(5, std::vector<float>(15, 0.0f), logits);
        spec.target = 3;
        spec.classes = {"0", "1", "2", "3", "4"};
        Fixture f(spec);
        CHECK(screen(f, good_photo()).grade == grade);
    }
}

TEST_CASE("a detector of one question answers that alone") {
    Fixture f(constant_spec(1.0f));
    const fovea_screening got = screen(f, good_photo());
    REQUIRE(got.answer_count == 1);
    CHECK(std::string(got.answers[0].target) == "any_dr");
    CHECK(got.answers[0].score == got.positive_score);
    CHECK(got.answers[0].result == got.result);
    ModelSpec spec = constant_spec(1.0f);
    spec.target = 2;
    Fixture g(spec);
    CHECK(std::string(screen(g, good_photo()).answers[0].target) == "referable_dr");
}

TEST_CASE("a single sigmoid and independent ones") {
    ModelSpec one = mean_colour_spec(1, {0, 0, 0}, {0.8f});
    one.output_form = 1;
    one.with_calibration = true;
    one.temperature = 0.5;
    Fixture f(one);
    const fovea_screening got = screen(f, good_photo());
    CHECK(got.logit_count == 1);
    CHECK(got.class_count == 2);
    CHECK(got.positive_score == doctest::Approx(1 / (1 + std::exp(-1.6))));
    CHECK(got.probabilities[0] == doctest::Approx(1 - got.positive_score));
    ModelSpec many = constant_spec(0.8f);
    many.output_form = 2;
    Fixture g(many);
    CHECK(screen(g, good_photo()).positive_score == doctest::Approx(1 / (1 + std::exp(-0.8))));
}

TEST_CASE("bytes and pixels of the same photo give the same answer") {
    ModelSpec spec = mean_colour_spec(2, {0.01f, -0.01f, 0.02f, 0, -0.01f, 0.03f}, {0, 0});
    spec.preset = 0;
    spec.preset_flags = 0;
    Fixture f(spec);
    const fovea_screening from_pixels = screen(f, good_photo());
    const auto png = good_photo().png();
    fovea_screening from_bytes = test_memory::sized<fovea_screening>();
    REQUIRE(fovea_screen_bytes(f.session, png.data(), png.size(), nullptr, &from_bytes) ==
            FOVEA_OK);
    CHECK(std::memcmp(from_pixels.logits, from_bytes.logits, sizeof(from_bytes.logits)) == 0);
    CHECK(from_bytes.decode_ms > 0);
    CHECK(from_bytes.infer_ms > 0);
}

TEST_CASE("a network that wants BGR gets it") {
    // The logits are the mean red and the mean blue, in the order that the network sees.
    const std::vector<float> weights = {1, 0, 0, 0, 0, 1};
    ModelSpec rgb = mean_colour_spec(2, weights, {0, 0});
    rgb.preset = 0;
    rgb.preset_flags = 0;
    ModelSpec bgr = rgb;
    bgr.preset_flags = 8;
    Fixture f(rgb), g(bgr);
    const fovea_screening a = screen(f, good_photo()), b = screen(g, good_photo());
    CHECK(a.logits[0] > a.logits[1]);
    CHECK(a.logits[0] == b.logits[1]);
    CHECK(a.logits[1] == b.logits[0]);
}

TEST_CASE("a photo of rejected quality gets no result, unless forced") {
    Fixture f(constant_spec(3.0f));
    const fundus_picture::Picture dark = fundus_picture::make(480, 0.05);
    const fovea_screening refused = screen(f, dark);
    CHECK(refused.quality == FOVEA_QUALITY_REJECT);
    CHECK(refused.result == FOVEA_RESULT_NOT_GRADABLE);
    CHECK(refused.has_scores == 0);
    CHECK(refused.forced == 0);
    REQUIRE(refused.quality_check_count > 0);
    bool advised = false;
    for (std::uint32_t i = 0; i < refused.quality_check_count; ++i) {
        const fovea_quality_check& check = refused.quality_checks[i];
        CHECK((check.passed != 0) == (check.advice[0] == '\0'));
        if (check.passed == 0) advised = true;
    }
    CHECK(advised);
    fovea_screen_options options;
    fovea_screen_options_init(&options);
    options.force = 1;
    const fovea_screening forced = screen(f, dark, &options);
    CHECK(forced.quality == FOVEA_QUALITY_REJECT);
    CHECK(forced.forced == 1);
    CHECK(forced.has_scores == 1);
    CHECK(forced.result == FOVEA_RESULT_DR_SIGNS_FOUND);
    CHECK(screen(f, good_photo(), &options).forced == 0);
}

TEST_CASE("models and sessions that cannot screen say why") {
    const fovea_pixels pixels = good_photo().pixels();
    fovea_screening screening = test_memory::sized<fovea_screening>();
    ModelSpec other = constant_spec(1);
    other.target = 0;
    Fixture f(other);
    CHECK(fovea_screen_pixels(f.session, &pixels, nullptr, &screening) ==
          FOVEA_ERROR_UNSUPPORTED_MODEL);
    ModelSpec oblong = constant_spec(1);
    oblong.input_width = oblong.default_width = 16;
    Fixture g(oblong);
    CHECK(fovea_screen_pixels(g.session, &pixels, nullptr, &screening) == FOVEA_ERROR_INPUT_SIZE);
    // Weights so large that the logits overflow.
    ModelSpec endless = constant_spec(1);
    endless.nodes[0].weights = {3e38f, 3e38f, 3e38f};
    endless.nodes[2].weights = {3e38f, -3e38f, 3e38f, -3e38f, 3e38f, -3e38f};
    Fixture h(endless);
    CHECK(fovea_screen_pixels(h.session, &pixels, nullptr, &screening) == FOVEA_ERROR_BAD_MODEL);
    CHECK(screening.image_width == 0);
}

TEST_CASE("misuse is a status") {
    Fixture f(constant_spec(1));
    const fovea_pixels pixels = good_photo().pixels();
    fovea_screening screening = test_memory::sized<fovea_screening>();
    fovea_screen_options options = {};
    CHECK(fovea_screen_pixels(nullptr, &pixels, nullptr, &screening) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_screen_pixels(f.session, nullptr, nullptr, &screening) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_screen_pixels(f.session, &pixels, &options, &screening) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_screen_pixels(f.session, &pixels, nullptr, nullptr) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_screen_bytes(f.session, nullptr, 4, nullptr, &screening) ==
          FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(fovea_screen_bytes(f.session, "nothing of the kind", 19, nullptr, &screening) ==
          FOVEA_ERROR_NOT_AN_IMAGE);
    fovea_screen_options_init(nullptr);
    CHECK(std::string(fovea_quality_string(FOVEA_QUALITY_USABLE)) == "usable");
    CHECK(std::string(fovea_quality_string(static_cast<fovea_quality>(9))) == "unknown");
    CHECK(std::string(fovea_result_string(FOVEA_RESULT_NO_DR_SIGNS_FOUND)) == "no_dr_signs_found");
}

TEST_CASE("a screening explains what it finds, when asked") {
    const std::vector<float> weights = {0, 0.001f, 0, -0.002f, 0, 0.004f};
    Fixture f(mean_colour_spec(2, weights, {0, 5}));
    fovea_explainer* explainer = nullptr;
    fovea_explain_settings explain_settings;
    fovea_explain_settings_init(&explain_settings);
    explain_settings.method = FOVEA_EXPLAIN_GRADIENT;
    REQUIRE(fovea_explainer_create(f.model, &f.settings, &explain_settings, &explainer) == FOVEA_OK);
    fovea_screen_options options;
    fovea_screen_options_init(&options);
    options.explainer = explainer;
    fovea_explanation explanation = test_memory::sized<fovea_explanation>();
    options.explanation = &explanation;
    const fovea_screening plain = screen(f, good_photo());
    const fovea_screening explained = screen(f, good_photo(), &options);
    CHECK(explained.logits[1] == plain.logits[1]);
    CHECK(explained.explain_ms > 0);
    CHECK(plain.explain_ms == 0);
    REQUIRE(explanation.map != nullptr);
    CHECK(explanation.height == 32);
    CHECK(explanation.channels == 3);
    CHECK(explanation.target_class == 1);
    CHECK(explanation.scalar == doctest::Approx(static_cast<double>(plain.logits[1] - plain.logits[0])));
    // The margin is a mean of each colour times its weight.
    for (const std::size_t pixel : {std::size_t{0}, std::size_t{32 * 32 - 1}}) {
        for (std::size_t c = 0; c < 3; ++c) {
            CHECK(explanation.map[pixel * 3 + c] == doctest::Approx(static_cast<double>(weights[c * 2 + 1]) / (32 * 32)));
        }
    }
    // Without a result there is nothing to explain, unless it is forced.
    const fundus_picture::Picture dark = fundus_picture::make(480, 0.05);
    fovea_explanation none = explanation;
    options.explanation = &none;
    CHECK(screen(f, dark, &options).result == FOVEA_RESULT_NOT_GRADABLE);
    CHECK(none.map == nullptr);
    options.force = 1;
    CHECK(screen(f, dark, &options).explain_ms > 0);
    CHECK(none.map != nullptr);

    Fixture other(mean_colour_spec(2, weights, {0, 5}));
    fovea_screening untouched = test_memory::sized<fovea_screening>();
    const fovea_pixels pixels = good_photo().pixels();
    CHECK(fovea_screen_pixels(other.session, &pixels, &options, &untouched) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(other.log.all().find("another model") != std::string::npos);
    options.explanation = nullptr;
    CHECK(fovea_screen_pixels(f.session, &pixels, &options, &untouched) == FOVEA_ERROR_INVALID_ARGUMENT);
    fovea_explanation unsized = {};
    options.explanation = &unsized;
    CHECK(fovea_screen_pixels(f.session, &pixels, &options, &untouched) == FOVEA_ERROR_INVALID_ARGUMENT);
    CHECK(untouched.image_width == 0);
    fovea_explainer_close(&explainer);
}
