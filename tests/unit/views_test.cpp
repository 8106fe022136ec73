// SPDX-License-Identifier: Apache-2.0
// Screenings by the mean of several views: what they are the mean of, and that a turned or mirrored photo gets the same bits.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "engine/screening/views.h"
#include "fovea/fovea.h"
#include "tests/unit/code_network.h"
#include "tests/unit/convolution_node.h"
#include "tests/unit/fundus_picture.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace {

using fundus_picture::Picture;
using model_builder::ModelSpec;

struct Fixture {
    test_memory::LogCatcher log;
    test_memory::CountingAllocator allocator;
    fovea_model* model = nullptr;
    fovea_session* session = nullptr;
    fovea_session_settings settings;

    explicit Fixture(const ModelSpec& spec, std::uint32_t threads = 1, const char* tap = nullptr) {
        const model_builder::Bytes file = model_builder::build(spec);
        REQUIRE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) == FOVEA_OK);
        fovea_session_settings_init(&settings);
        settings.log = log.hooks();
        settings.allocator = allocator.hooks();
        settings.threads = threads;
        settings.taps = &tap;
        settings.tap_count = tap != nullptr ? 1 : 0;
        REQUIRE(fovea_session_create(model, &settings, &session) == FOVEA_OK);
        settings.taps = nullptr;
        settings.tap_count = 0;
    }
    Fixture(const Fixture&) = delete;
    ~Fixture() {
        fovea_session_close(&session);
        fovea_model_close(&model);
    }

    fovea_status try_screen(const Picture& photo, std::uint32_t views, fovea_screening* screening, fovea_explainer* explainer = nullptr,
                            fovea_explanation* explanation = nullptr) {
        fovea_screen_options options;
        fovea_screen_options_init(&options);
        CHECK(options.views == 1);
        options.force = 1;  // random pixels are no good photo
        options.views = views;
        options.explainer = explainer;
        options.explanation = explanation;
        const fovea_pixels pixels = photo.pixels();
        return fovea_screen_pixels(session, &pixels, &options, screening);
    }
    fovea_screening screen(const Picture& photo, std::uint32_t views) {
        auto screening = test_memory::sized<fovea_screening>();
        REQUIRE_MESSAGE(try_screen(photo, views, &screening) == FOVEA_OK, log.all());
        return screening;
    }
    std::vector<double> run(const Picture& input) {
        float logits[FOVEA_MAX_CLASSES];
        REQUIRE(fovea_run(session, input.rgb.data(), FOVEA_U8, logits, nullptr) == FOVEA_OK);
        return {logits, logits + 2};
    }
};

// Number 0 to 7: turned so many quarters, from 4 on of the mirror image.
Picture turned(const Picture& picture, int number) {
    Picture made = picture;
    const int n = picture.side;
    for (int y = 0; y < n; ++y) {
        for (int x = 0; x < n; ++x) {
            const int from[4][2] = {{y, x}, {x, n - 1 - y}, {n - 1 - y, n - 1 - x}, {n - 1 - x, y}};
            const int row = from[number % 4][0];
            const int column = number < 4 ? from[number % 4][1] : n - 1 - from[number % 4][1];
            for (int c = 0; c < 3; ++c) made.rgb[(y * n + x) * 3 + c] = picture.rgb[(row * n + column) * 3 + c];
        }
    }
    return made;
}

// Which of them are views, by how many are asked for.
std::vector<int> numbers(std::uint32_t views) {
    if (views == 1) return {0};
    if (views == 2) return {0, 4};
    if (views == 4) return {0, 1, 2, 3};
    return {0, 1, 2, 3, 4, 5, 6, 7};
}

Picture noise(int side, std::uint32_t seed) {
    std::mt19937 random(seed);
    Picture made;
    made.side = side;
    made.rgb.resize(static_cast<std::size_t>(side) * side * 3);
    for (std::uint8_t& value : made.rgb) value = static_cast<std::uint8_t>(random() % 256);
    return made;
}

// A network that sees pictures of that side as they are.
ModelSpec without_preset(ModelSpec spec, std::uint32_t side) {
    spec.input_height = spec.input_width = spec.default_height = spec.default_width = side;
    spec.preset = 0;
    spec.preset_flags = 0;
    spec.sigma = 0;
    return spec;
}

// Its logits are finite, and depend on where each pixel lies: one dense layer over a convolution's map.
ModelSpec network_of(std::uint32_t side, std::uint32_t seed) {
    std::mt19937 random(seed);
    const auto number = [&] { return static_cast<float>(random() % 2001) / 1000.0f - 1.0f; };
    ModelSpec spec;
    model_builder::NodeSpec convolution = model_builder::convolution_node(0, 3, 2, 8);
    convolution.activation = model_builder::kRelu;
    for (int i = 0; i < 3 * 3 * 3 * 8; ++i) convolution.weights.push_back(number() / 255);
    for (int i = 0; i < 8; ++i) convolution.bias.push_back(number());
    convolution.name = "map";
    spec.add(convolution);
    spec.add({.kind = model_builder::kGlobalPool, .inputs = {1}, .name = "mean"});
    model_builder::NodeSpec dense{.kind = model_builder::kDense, .inputs = {2}, .output_channels = 2};
    for (int i = 0; i < 8 * 2; ++i) dense.weights.push_back(20 * number());
    dense.bias = {0, 0};
    spec.logits = spec.probabilities = spec.add(dense);
    return without_preset(spec, side);
}

struct NamedNetwork {
    std::string name;
    ModelSpec spec;
    int side;
};

std::vector<NamedNetwork> networks() {
    std::vector<NamedNetwork> made;
    for (const int side : {16, 17, 32}) {
        const auto n = static_cast<std::uint32_t>(side);
        made.push_back({"floats " + std::to_string(side), network_of(n, n), side});
#if defined(FOVEA_HAVE_INT8)
        std::mt19937 random(n);
        made.push_back({"codes " + std::to_string(side), without_preset(code_network::make(random, 8).file, n), side});
#endif
    }
    return made;
}

bool same_bits(const fovea_screening& a, const fovea_screening& b) {
    return std::memcmp(a.logits, b.logits, sizeof(a.logits)) == 0 && a.positive_score == b.positive_score;
}

}  // namespace

TEST_CASE("the logits are the means of those of the views") {
    for (const NamedNetwork& network : networks()) {
        Fixture f(network.spec);
        const Picture photo = noise(network.side, 7);
        for (const std::uint32_t views : {1u, 2u, 4u, 8u}) {
            CAPTURE(network.name);
            CAPTURE(views);
            std::vector<double> sums(2, 0.0);
            for (const int number : numbers(views)) {
                const std::vector<double> logits = f.run(turned(photo, number));
                for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += logits[i] / views;
            }
            const fovea_screening got = f.screen(photo, views);
            for (std::size_t i = 0; i < sums.size(); ++i) {
                const auto expected = static_cast<float>(sums[i]);
                CHECK(got.logits[i] >= std::nextafter(expected, -std::numeric_limits<float>::infinity()));
                CHECK(got.logits[i] <= std::nextafter(expected, std::numeric_limits<float>::infinity()));
            }
        }
    }
}

TEST_CASE("a turned or mirrored picture gets the same bits") {
    for (const NamedNetwork& network : networks()) {
        Fixture f(network.spec);
        for (std::uint32_t seed = 0; seed < 20; ++seed) {
            const Picture photo = noise(network.side, seed);
            for (const std::uint32_t views : {2u, 4u, 8u}) {
                CAPTURE(network.name);
                CAPTURE(views);
                const fovea_screening upright = f.screen(photo, views);
                for (const int number : numbers(views)) CHECK(same_bits(f.screen(turned(photo, number), views), upright));
            }
            // It is the views that do it.
            const fovea_screening alone = f.screen(photo, 1);
            int changed = 0;
            for (const int number : numbers(8)) changed += same_bits(f.screen(turned(photo, number), 1), alone) ? 0 : 1;
            CHECK(changed >= 6);
        }
    }
}

TEST_CASE("the mean does not depend on the order, however far apart the values are") {
    const std::vector<std::vector<float>> cases = {
        {1e20f, -1e20f, 1, 3}, {3e38f, 3e38f, -1e-30f, 3e38f}, {0.1f, 1e17f, 0.2f, -1e17f}, {2, -3}, {-0.0f, 0.0f}, {0.7f}};
    int differences = 0;
    for (std::vector<float> values : cases) {
        const auto count = static_cast<std::uint32_t>(values.size());
        std::vector<float> given = values;
        const float first = fovea::mean_of_views(given.data(), count);
        std::sort(values.begin(), values.end());
        double before = 0;
        for (const float value : values) before += static_cast<double>(value);
        do {
            double sum = 0;
            for (const float value : values) sum += static_cast<double>(value);
            differences += sum != before ? 1 : 0;
            given = values;
            const float mean = fovea::mean_of_views(given.data(), count);
            CHECK(mean == first);
            CHECK(std::isfinite(mean));
        } while (std::next_permutation(values.begin(), values.end()));
    }
    CHECK(differences > 0);  // a sum in the order given would
    float one[] = {-0.0f};
    CHECK(std::signbit(fovea::mean_of_views(one, 1)));
    float several[] = {1, 2, 4, -3};
    CHECK(fovea::mean_of_views(several, 4) == 1);
}

TEST_CASE("the same bits for every number of threads") {
    for (const NamedNetwork& network : networks()) {
        const Picture photo = noise(network.side, 3);
        Fixture one(network.spec);
        for (const std::uint32_t threads : {2u, 3u, 8u}) {
            Fixture f(network.spec, threads);
            for (const std::uint32_t views : {2u, 4u, 8u}) CHECK(same_bits(f.screen(photo, views), one.screen(photo, views)));
        }
    }
}

TEST_CASE("a preset's circle mask lies on each view as it would on the turned photo") {
    for (const std::uint32_t side : {32u, 33u}) {
        ModelSpec spec = network_of(side, 11);
        spec.preset = 1;
        spec.preset_flags = 1;
        spec.sigma = 10;
        Fixture f(spec);
        const Picture photo = fundus_picture::make(480);
        fovea_preset preset;
        fovea_preset_init(&preset);
        REQUIRE(fovea_model_preset(f.model, &preset) == FOVEA_OK);
        REQUIRE(preset.circle_mask == 1);
        preset.circle_mask = 0;
        auto image = test_memory::sized<fovea_image>();
        const fovea_pixels pixels = photo.pixels();
        REQUIRE(fovea_preprocess(&pixels, &preset, nullptr, &image) == FOVEA_OK);
        Picture unmasked;
        unmasked.side = static_cast<int>(side);
        unmasked.rgb.assign(image.data, image.data + std::size_t{side} * side * 3);
        fovea_image_free(&image);
        const auto masked = [&](Picture picture) {
            const int radius = picture.side / 2;
            for (int y = 0; y < picture.side; ++y) {
                for (int x = 0; x < picture.side; ++x) {
                    const bool is_outside = (x - radius) * (x - radius) + (y - radius) * (y - radius) > radius * radius;
                    for (int c = 0; c < 3 && is_outside; ++c) picture.rgb[(y * picture.side + x) * 3 + c] = 0;
                }
            }
            return picture;
        };
        CHECK(static_cast<float>(f.run(masked(unmasked))[1]) == f.screen(photo, 1).logits[1]);
        for (const std::uint32_t views : {2u, 4u, 8u}) {
            double sum = 0;
            for (const int number : numbers(views)) sum += f.run(masked(turned(unmasked, number)))[1] / views;
            CHECK(f.screen(photo, views).logits[1] == doctest::Approx(sum).epsilon(1e-6));
        }
    }
}

TEST_CASE("taps, heat maps and the rest are of the photo as it is") {
    const ModelSpec spec = network_of(32, 5);
    Fixture f(spec, 1, "mean");
    const Picture photo = noise(32, 1);
    const fovea_screening alone = f.screen(photo, 1);
    const auto tap_values = [&] {
        auto tap = test_memory::sized<fovea_tensor>();
        REQUIRE(fovea_session_tap(f.session, "mean", &tap) == FOVEA_OK);
        return std::vector<float>(tap.data, tap.data + 8);
    };
    const std::vector<float> tap = tap_values();
    f.screen(turned(photo, 1), 1);
    CHECK(tap_values() != tap);
    const fovea_screening several = f.screen(photo, 8);
    CHECK(tap_values() == tap);
    CHECK(several.logits[1] != alone.logits[1]);
    CHECK(several.quality == alone.quality);
    CHECK(several.threshold == alone.threshold);
    CHECK(several.temperature == alone.temperature);

    fovea_explain_settings explain_settings;
    fovea_explain_settings_init(&explain_settings);
    explain_settings.method = FOVEA_EXPLAIN_GRADIENT;
    fovea_explainer* explainer = nullptr;
    REQUIRE(fovea_explainer_create(f.model, &f.settings, &explain_settings, &explainer) == FOVEA_OK);
    std::vector<float> maps[2];
    for (const std::uint32_t views : {1u, 8u}) {
        auto explanation = test_memory::sized<fovea_explanation>();
        auto screening = test_memory::sized<fovea_screening>();
        REQUIRE(f.try_screen(photo, views, &screening, explainer, &explanation) == FOVEA_OK);
        maps[views / 8].assign(explanation.map, explanation.map + 32 * 32 * 3);
        CHECK(explanation.scalar == doctest::Approx(static_cast<double>(alone.logits[1]) - static_cast<double>(alone.logits[0])));
    }
    CHECK(maps[0] == maps[1]);
    fovea_explainer_close(&explainer);
}

TEST_CASE("several views take the memory of one picture more at most") {
    const Picture photo = fundus_picture::make(480);
    for (const bool masked : {false, true}) {
        ModelSpec spec = network_of(32, 5);
        if (masked) {
            spec.preset = 1;
            spec.preset_flags = 1;
            spec.sigma = 10;
        }
        Fixture f(spec);
        const auto allocations = [&](std::uint32_t views) {
            const long before = f.allocator.allocations;
            f.screen(photo, views);
            return f.allocator.allocations - before;
        };
        const long alone = allocations(1);
        for (const std::uint32_t views : {2u, 4u, 8u}) CHECK(allocations(views) == alone + (masked ? 1 : 0));
        if (!masked) continue;
        f.allocator.refuse_at = f.allocator.allocations + alone;  // the last one
        auto untouched = test_memory::sized<fovea_screening>();
        CHECK(f.try_screen(photo, 8, &untouched) == FOVEA_ERROR_OUT_OF_MEMORY);
        CHECK(untouched.image_width == 0);
        CHECK(f.log.all().find("out of memory for a view") != std::string::npos);
    }
}

TEST_CASE("numbers of views that there are not, and results that are no numbers") {
    Fixture f(network_of(16, 2));
    const Picture photo = noise(16, 2);
    for (const std::uint32_t views : {3u, 5u, 6u, 7u, 9u, 16u, 0x80000000u, 0xFFFFFFFFu}) {
        auto untouched = test_memory::sized<fovea_screening>();
        CHECK(f.try_screen(photo, views, &untouched) == FOVEA_ERROR_INVALID_ARGUMENT);
        CHECK(untouched.image_width == 0);
        CHECK(f.log.all().find(std::to_string(views) + " views; there may be 1, 2, 4 or 8") != std::string::npos);
    }
    // A program of the time when the field was reserved has 0 there.
    CHECK(same_bits(f.screen(photo, 0), f.screen(photo, 1)));
    // Logits that overflow, of one sign in one channel and of the other in another: their sum would be no number either.
    ModelSpec endless = network_of(16, 2);
    for (float& weight : endless.nodes[0].weights) weight = 3e38f;
    for (float& weight : endless.nodes[2].weights) weight *= 1e36f;
    Fixture g(endless);
    for (const std::uint32_t views : {1u, 8u}) {
        auto untouched = test_memory::sized<fovea_screening>();
        CHECK(g.try_screen(photo, views, &untouched) == FOVEA_ERROR_BAD_MODEL);
        CHECK(untouched.image_width == 0);
    }
}
