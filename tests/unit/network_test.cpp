// SPDX-License-Identifier: Apache-2.0
// Random networks of every kind of node against the naive interpreter, every value compared.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "fovea/fovea.h"
#include "tests/unit/random_network.h"
#include "tests/unit/test_memory.h"

namespace {

using model_builder::Bytes;
using naive_network::Value;
using random_network::RandomNetwork;

struct Loaded {
    fovea_model* model = nullptr;
    fovea_session* session = nullptr;
    test_memory::LogCatcher log;
    std::vector<const char*> tap_names;

    // height 0 = the default input size; another that does not fit leaves no session.
    explicit Loaded(const Bytes& file, std::uint32_t threads = 1, bool tapped = true,
                    const char* isa = nullptr, std::uint32_t height = 0, std::uint32_t width = 0) {
        fovea_model_settings settings;
        fovea_model_settings_init(&settings);
        settings.log = log.hooks();
        const fovea_status status =
            fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, &settings, &model);
        REQUIRE_MESSAGE(status == FOVEA_OK, log.all());
        fovea_session_settings session_settings;
        fovea_session_settings_init(&session_settings);
        session_settings.threads = threads;
        session_settings.log = log.hooks();
        session_settings.isa = isa;
        for (std::uint32_t i = 0; tapped && fovea_model_tap_name(model, i) != nullptr; ++i) {
            tap_names.push_back(fovea_model_tap_name(model, i));
        }
        session_settings.taps = tap_names.data();
        session_settings.tap_count = static_cast<std::uint32_t>(tap_names.size());
        session_settings.input_height = height;
        session_settings.input_width = width;
        const fovea_status made = fovea_session_create(model, &session_settings, &session);
        const bool fits = made == FOVEA_OK || (height != 0 && made == FOVEA_ERROR_INPUT_SIZE);
        REQUIRE_MESSAGE(fits, log.all());
    }
    Loaded(const Loaded&) = delete;
    ~Loaded() {
        fovea_session_close(&session);
        fovea_model_close(&model);
    }
};

std::vector<std::uint8_t> as_u8(const Value& input) {
    return {input.data.begin(), input.data.end()};
}
std::vector<float> as_f32(const Value& input) {
    return {input.data.begin(), input.data.end()};
}

// Float32 through up to 25 layers, relative to the largest number of the value.
double tolerance(const Value& expected) {
    double largest = 1;
    for (const double v : expected.data) largest = std::max(largest, std::fabs(v));
    return 2e-4 * largest;
}

void compare_taps(const Loaded& loaded, const RandomNetwork& network, const std::string& where) {
    for (std::size_t i = 0; i < network.spec.nodes.size(); ++i) {
        const Value& expected = network.values[i + 1];
        fovea_tensor tap = test_memory::sized<fovea_tensor>();
        REQUIRE(fovea_session_tap(loaded.session, network.spec.nodes[i].name.c_str(), &tap) ==
                FOVEA_OK);
        REQUIRE(tap.height == expected.height);
        REQUIRE(tap.width == expected.width);
        REQUIRE(tap.channels == expected.channels);
        double worst = 0;
        for (std::size_t k = 0; k < expected.data.size(); ++k) {
            const double difference = std::fabs(tap.data[k] - expected.data[k]);
            if (!(difference <= worst)) worst = difference;
        }
        CHECK_MESSAGE(worst <= tolerance(expected), where, ", node ", i, " of kind ",
                      static_cast<int>(network.spec.nodes[i].kind), ": off by ", worst);
    }
}

std::uint32_t seed() {
    const char* text = std::getenv("FOVEA_SEED");
    return text != nullptr ? static_cast<std::uint32_t>(std::atol(text)) : 20240607u;
}

}  // namespace

TEST_CASE("every value of random networks is what plain loops give") {
    std::vector<int> kinds(15, 0);
    for (std::uint32_t round = 0; round < 150; ++round) {
        std::mt19937 random(seed() + round);
        const RandomNetwork network =
            random_network::make(random, 4 + static_cast<int>(round % 17));
        for (const auto& node : network.spec.nodes) ++kinds[node.kind];
        const std::string where = "FOVEA_SEED=" + std::to_string(seed() + round);
        const Loaded loaded(model_builder::build(network.spec));
        float logits[3], probabilities[3];
        const auto bytes = as_u8(network.input);
        REQUIRE(fovea_run(loaded.session, bytes.data(), FOVEA_U8, logits, probabilities) ==
                FOVEA_OK);
        compare_taps(loaded, network, where + " u8");
        const auto floats = as_f32(network.input);
        float logits_f32[3], probabilities_f32[3];
        REQUIRE(fovea_run(loaded.session, floats.data(), FOVEA_F32, logits_f32,
                          probabilities_f32) == FOVEA_OK);
        compare_taps(loaded, network, where + " f32");
        for (int i = 0; i < 3; ++i) {
            CHECK(probabilities[i] ==
                  doctest::Approx(network.values.back().data[static_cast<std::size_t>(i)])
                      .epsilon(1e-3));
        }
    }
    for (int kind = 1; kind <= 14; ++kind)
        CHECK_MESSAGE(kinds[static_cast<std::size_t>(kind)] > 0, kind);
}

// Without taps storage is reused, adds are fused, what is joined is made where it is joined, and the first convolution
// reads the pixels: the outputs may not notice.
TEST_CASE("outputs are the same with and without taps, and for 1, 2 and 4 threads") {
    for (std::uint32_t round = 0; round < 100; ++round) {
        std::mt19937 random(seed() + 1000 + round);
        const RandomNetwork network = round % 4 == 3 ? random_network::make_joined(random, 1 + static_cast<int>(round % 5))
                                                     : random_network::make(random, 4 + static_cast<int>(round % 17));
        INFO("FOVEA_SEED=", seed() + round);
        const Bytes file = model_builder::build(network.spec);
        const auto bytes = as_u8(network.input);
        const auto floats = as_f32(network.input);
        const Value& expected = network.values[network.spec.logits];
        float first[3], from_floats[3];
        const Loaded tapped(file, 1, true);
        REQUIRE(fovea_run(tapped.session, bytes.data(), FOVEA_U8, first, nullptr) == FOVEA_OK);
        REQUIRE(fovea_run(tapped.session, floats.data(), FOVEA_F32, from_floats, nullptr) ==
                FOVEA_OK);
        CHECK(std::memcmp(first, from_floats, sizeof(first)) == 0);
        for (const std::uint32_t threads : {1u, 2u, 4u}) {
            const Loaded loaded(file, threads, false);
            float logits[3], probabilities[3];
            for (int repeat = 0; repeat < 2; ++repeat) {  // the second run meets a used arena
                REQUIRE(fovea_run(loaded.session, bytes.data(), FOVEA_U8, logits, probabilities) ==
                        FOVEA_OK);
                CHECK(std::memcmp(first, logits, sizeof(first)) == 0);
                REQUIRE(fovea_run(loaded.session, floats.data(), FOVEA_F32, logits,
                                  probabilities) == FOVEA_OK);
                CHECK(std::memcmp(first, logits, sizeof(first)) == 0);
            }
            for (std::size_t i = 0; i < 3; ++i) {
                CHECK(std::fabs(logits[i] - expected.data[i]) <= tolerance(expected));
            }
        }
    }
}

// Large enough that steps are shared among threads (plan_test proves that at this size they are).
TEST_CASE("threads do not change a bit of any value") {
    constexpr std::uint32_t kHeight = 331, kWidth = 299;
    int compared = 0;
    for (std::uint32_t round = 0; round < 8; ++round) {
        std::mt19937 random(seed() + 2000 + round);
        const RandomNetwork network = random_network::make(random, 12);
        INFO("FOVEA_SEED=", seed() + round);
        const Bytes file = model_builder::build(network.spec);
        const Loaded one(file, 1, true, nullptr, kHeight, kWidth);
        if (one.session == nullptr) continue;  // a dense layer after a reshape, for example
        std::vector<std::uint8_t> input(std::size_t{kHeight} * kWidth *
                                        network.spec.input_channels);
        for (std::uint8_t& v : input) v = static_cast<std::uint8_t>(random());
        REQUIRE(fovea_run(one.session, input.data(), FOVEA_U8, nullptr, nullptr) == FOVEA_OK);
        for (const std::uint32_t threads : {2u, 3u, 4u}) {
            const Loaded many(file, threads, true, nullptr, kHeight, kWidth);
            REQUIRE(fovea_run(many.session, input.data(), FOVEA_U8, nullptr, nullptr) == FOVEA_OK);
            for (const char* name : one.tap_names) {
                fovea_tensor a = test_memory::sized<fovea_tensor>(), b = a;
                REQUIRE(fovea_session_tap(one.session, name, &a) == FOVEA_OK);
                REQUIRE(fovea_session_tap(many.session, name, &b) == FOVEA_OK);
                const std::size_t bytes =
                    std::size_t{a.height} * a.width * a.channels * sizeof(float);
                CHECK_MESSAGE(std::memcmp(a.data, b.data, bytes) == 0, std::string(name), " with ",
                              threads, " threads");
                ++compared;
            }
        }
    }
    CHECK(compared > 50);
}

TEST_CASE("every instruction-set level of this CPU gives these values") {
    for (std::uint32_t level = 0; fovea_isa_name(level) != nullptr; ++level) {
        INFO(fovea_isa_name(level));
        std::mt19937 random(seed() + 77);
        const RandomNetwork network = random_network::make(random, 18);
        const Loaded loaded(model_builder::build(network.spec), 1, true, fovea_isa_name(level));
        const auto bytes = as_u8(network.input);
        REQUIRE(fovea_run(loaded.session, bytes.data(), FOVEA_U8, nullptr, nullptr) == FOVEA_OK);
        compare_taps(loaded, network, fovea_isa_name(level));
    }
}

TEST_CASE("local response normalisation, streamed and shared, is what plain loops give; its numbers are checked") {
    using namespace model_builder;
    const auto network = [](std::uint32_t radius, std::vector<float> numbers) {
        std::mt19937 random(radius + 7);
        RandomNetwork made;
        ModelSpec& spec = made.spec;
        spec.input_height = spec.input_width = spec.default_height = spec.default_width = 40;
        spec.target = 0;
        spec.classes = {"a", "b"};
        const auto values = [&](std::size_t count) {
            std::vector<float> result(count);
            for (float& v : result) v = static_cast<float>(random() % 2001) / 5000.0f - 0.2f;
            return result;
        };
        NodeSpec convolution;
        convolution.kind = kConvolution;
        convolution.inputs = {0};
        convolution.weights = values(3 * 3 * 3 * 21);
        convolution.kernel_height = convolution.kernel_width = 3;
        convolution.stride_y = convolution.stride_x = convolution.dilation_y = convolution.dilation_x = 1;
        convolution.same_padding = true;
        convolution.groups = 1;
        convolution.output_channels = 21;
        spec.add(convolution);
        NodeSpec normalisation;
        normalisation.kind = kLrn;
        normalisation.inputs = {1};
        normalisation.weights = std::move(numbers);
        normalisation.variant = radius;
        normalisation.activation = kRelu;
        spec.add(normalisation);
        convolution.inputs = {2};
        convolution.weights = values(3 * 3 * 21 * 4);
        convolution.output_channels = 4;
        spec.add(convolution);
        spec.add({.kind = kGlobalPool, .inputs = {3}});
        spec.logits = spec.add({.kind = kDense, .inputs = {4}, .weights = values(8), .output_channels = 2});
        spec.probabilities = spec.add({.kind = kSoftmax, .inputs = {spec.logits}});
        for (std::size_t i = 0; i < spec.nodes.size(); ++i) spec.nodes[i].name = std::to_string(i);
        made.input = {40, 40, 3, std::vector<double>(40 * 40 * 3)};
        for (double& v : made.input.data) v = random() % 256;
        return made;
    };
    for (const std::uint32_t radius : {0u, 2u, 5u, 40u}) {
        RandomNetwork made = network(radius, {1.0f, 0.001f, 0.75f});
        made.values = naive_network::run(made.spec, made.input);
        const Bytes file = build(made.spec);
        std::vector<float> first;
        for (const std::uint32_t threads : {1u, 3u}) {
            for (const bool tapped : {true, false}) {
                const Loaded loaded(file, threads, tapped);
                float logits[2];
                REQUIRE(fovea_run(loaded.session, as_u8(made.input).data(), FOVEA_U8, logits, nullptr) == FOVEA_OK);
                if (tapped) compare_taps(loaded, made, std::to_string(radius));
                if (first.empty()) first.assign(logits, logits + 2);
                CHECK(std::equal(logits, logits + 2, first.begin()));
            }
        }
    }
    const std::vector<float> bad[] = {{0, 1, 1}, {-1, 1, 1}, {1, -0.5f, 1}, {1, 1, -1}, {1, 1}, {1, 1, 1, 1}, {1, std::nanf(""), 1}};
    for (const std::vector<float>& numbers : bad) {
        const Bytes file = build(network(2, numbers).spec);
        fovea_model* model = nullptr;
        CHECK(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, nullptr, &model) == FOVEA_ERROR_BAD_MODEL);
        CHECK(model == nullptr);
    }
    const Bytes wide = build(network(1024, {1, 1, 1}).spec);
    fovea_model* model = nullptr;
    CHECK(fovea_model_load_memory(wide.data(), wide.size(), FOVEA_COPY, nullptr, &model) == FOVEA_ERROR_BAD_MODEL);
}
