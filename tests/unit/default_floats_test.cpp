// SPDX-License-Identifier: Apache-2.0
// A program that rounds in another direction, takes denormal numbers for zeros or traps gets the same bits, and keeps its ways.
#include <doctest/doctest.h>

#include <cfenv>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

#include "fovea/fovea.h"
#include "tests/unit/code_network.h"
#include "tests/unit/convolution_node.h"
#include "tests/unit/fundus_picture.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace {

using model_builder::ModelSpec;
using Record = std::vector<std::uint8_t>;

template <typename T>
void note(Record* record, const T* values, std::size_t count) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(values);
    record->insert(record->end(), bytes, bytes + count * sizeof(T));
}

// With sums that underflow on the way, and an activation of its own exponential.
ModelSpec floats() {
    std::mt19937 random(3);
    const auto number = [&] { return static_cast<float>(random() % 2001) / 1000.0f - 1.0f; };
    ModelSpec spec;
    spec.input_height = spec.input_width = spec.default_height = spec.default_width = 32;
    model_builder::NodeSpec convolution = model_builder::convolution_node(0, 3, 2, 8);
    convolution.activation = model_builder::kSwish;
    for (int i = 0; i < 3 * 3 * 3 * 8; ++i) convolution.weights.push_back((i % 8 == 0 ? 1e-38f : 1.0f) * number());
    for (int i = 0; i < 8; ++i) convolution.bias.push_back(i % 8 == 0 ? 0.0f : number());
    spec.add(convolution);
    spec.add({.kind = model_builder::kGlobalPool, .inputs = {1}});
    model_builder::NodeSpec dense{.kind = model_builder::kDense, .inputs = {2}, .output_channels = 2};
    for (int i = 0; i < 8 * 2; ++i) dense.weights.push_back(number());
    dense.bias = {0, 0};
    const std::uint32_t logits = spec.add(dense);
    spec.logits = logits;
    spec.probabilities = spec.add({.kind = model_builder::kSoftmax, .inputs = {logits}});
    spec.golden.push_back({std::vector<std::uint8_t>(32 * 32 * 3, 9), {0, 0}});
    spec.golden_tolerance = 1e6f;
    return spec;
}

#if defined(FOVEA_HAVE_INT8)
ModelSpec codes() {
    std::mt19937 random(5);
    ModelSpec spec = code_network::make(random, 8).file;
    spec.input_height = spec.input_width = spec.default_height = spec.default_width = 32;
    return spec;
}
#endif

// Everything that a program gets of a model by way of a session, an explainer and the calls for pictures.
Record everything(const model_builder::Bytes& file, const fundus_picture::Picture& photo, std::uint32_t threads) {
    const fovea_pixels pixels = photo.pixels();
    const std::vector<std::uint8_t> png = photo.png();
    Record record;
    fovea_model* model = nullptr;
    REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) == FOVEA_OK);
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.threads = threads;
    fovea_session* session = nullptr;
    REQUIRE(fovea_session_create(model, &settings, &session) == FOVEA_OK);
    std::vector<float> input;
    for (int i = 0; i < 32 * 32 * 3; ++i) input.push_back(static_cast<float>(i % 256));
    float logits[2] = {}, probabilities[2] = {};
    CHECK(fovea_run(session, input.data(), FOVEA_F32, logits, probabilities) == FOVEA_OK);
    note(&record, logits, 2);
    note(&record, probabilities, 2);
    double worst = 0;
    const fovea_status selftest = fovea_selftest(session, &worst);
    note(&record, &selftest, 1);
    note(&record, &worst, 1);
    fovea_screen_options options;
    fovea_screen_options_init(&options);
    options.force = 1;
    for (const std::uint32_t views : {1u, 8u}) {
        options.views = views;
        fovea_screening screening = test_memory::sized<fovea_screening>();
        CHECK(fovea_screen_bytes(session, png.data(), png.size(), &options, &screening) == FOVEA_OK);
        CHECK(screening.has_scores == 1);
        note(&record, screening.logits, FOVEA_MAX_CLASSES);
        note(&record, screening.probabilities, FOVEA_MAX_CLASSES);
        for (std::uint32_t i = 0; i < screening.quality_check_count; ++i) note(&record, &screening.quality_checks[i].value, 1);
    }
    for (const char* name : {"kaggle_ben_color", "kaggle_circle", "graham2015", "eyeq"}) {
        fovea_preset preset;
        fovea_preset_init(&preset);
        preset.name = name;
        preset.output_size = 128;
        fovea_image image = test_memory::sized<fovea_image>();
        CHECK(fovea_preprocess(&pixels, &preset, nullptr, &image) == FOVEA_OK);
        note(&record, image.data, std::size_t{image.width} * image.height * 3);
        fovea_image_free(&image);
    }
    for (const fovea_explain_method method : {FOVEA_EXPLAIN_INTEGRATED_GRADIENTS, FOVEA_EXPLAIN_SMOOTH_GRADIENT, FOVEA_EXPLAIN_OCCLUSION}) {
        fovea_explain_settings how;
        fovea_explain_settings_init(&how);
        how.method = method;
        how.steps = how.samples = 2;
        fovea_explainer* explainer = nullptr;
        REQUIRE(fovea_explainer_create(model, &settings, &how, &explainer) == FOVEA_OK);
        fovea_explanation explanation = test_memory::sized<fovea_explanation>();
        CHECK(fovea_explain_photo(explainer, &pixels, logits, &explanation) == FOVEA_OK);
        note(&record, logits, 2);
        note(&record, explanation.map, std::size_t{explanation.height} * explanation.width * explanation.channels);
        std::vector<float> values(std::size_t{explanation.height} * explanation.width);
        CHECK(fovea_heat_map(&explanation, nullptr, values.data()) == FOVEA_OK);
        note(&record, values.data(), values.size());
        fovea_image image = test_memory::sized<fovea_image>();
        CHECK(fovea_heat_map_overlay(&explanation, values.data(), &pixels, nullptr, nullptr, &image) == FOVEA_OK);
        note(&record, image.data, std::size_t{image.width} * image.height * 3);
        fovea_image_free(&image);
        fovea_explainer_close(&explainer);
    }
    fovea_session_close(&session);
    fovea_model_close(&model);
    return record;
}

// A program's own ways, while this lives.
class Environment {
  public:
    explicit Environment(void (*set)()) {
        std::fegetenv(&before_);
        set();
    }
    Environment(const Environment&) = delete;
    ~Environment() { std::fesetenv(&before_); }

  private:
    std::fenv_t before_;
};

struct Way {
    const char* name;
    void (*set)();
};

const Way kWays[] = {
    {"upward", [] { std::fesetround(FE_UPWARD); }},
    {"downward", [] { std::fesetround(FE_DOWNWARD); }},
    {"toward zero", [] { std::fesetround(FE_TOWARDZERO); }},
#if defined(__SSE2__)
    {"denormals are zeros", [] { _mm_setcsr(_mm_getcsr() | 0x8040u); }},
#endif
#if defined(__GLIBC__) && defined(__SSE2__)
    {"traps", [] { feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW); }},
    {"traps of denormals", [] { _mm_setcsr(_mm_getcsr() & ~0x100u); }},
#endif
};

}  // namespace

TEST_CASE("a call gives the same bits in any floating-point environment, and gives that back") {
    const fundus_picture::Picture photo = fundus_picture::make(300);
    std::vector<ModelSpec> specs = {floats()};
#if defined(FOVEA_HAVE_INT8)
    specs.push_back(codes());
#endif
    for (const ModelSpec& spec : specs) {
        const model_builder::Bytes file = model_builder::build(spec);
        const Record expected = everything(file, photo, 1);
        for (const Way& way : kWays) {
            for (const std::uint32_t threads : {1u, 3u}) {
                INFO(std::string(way.name) << ", " << threads << " threads");
                Record found;
                int rounding = -1, wanted = -2;
                bool is_kept = true;
                {
                    const Environment environment(way.set);
                    wanted = std::fegetround();
#if defined(__SSE2__)
                    const unsigned control = _mm_getcsr() & 0xFFC0u;
#endif
                    found = everything(file, photo, threads);
                    rounding = std::fegetround();
#if defined(__SSE2__)
                    is_kept = (_mm_getcsr() & 0xFFC0u) == control;
#endif
                }
                CHECK(found == expected);
                CHECK(rounding == wanted);
                CHECK(is_kept);
            }
        }
    }
}
