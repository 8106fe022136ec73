// SPDX-License-Identifier: Apache-2.0
// What the backward pass works out, against differences of the plain loops' results in double precision; and that neither threads, nor
// bands, nor the backward pass itself change a bit.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/model/model_file.h"
#include "engine/plan/layout.h"
#include "engine/plan/planner.h"
#include "engine/run/executor.h"
#include "engine/run/threads.h"
#include "engine/steps/backward_pass.h"
#include "fovea/fovea.h"
#include "tests/unit/code_network.h"
#include "tests/unit/convolution_node.h"
#include "tests/unit/random_network.h"
#include "tests/unit/test_memory.h"

namespace {

using model_builder::ModelSpec;
using naive_network::Value;

std::uint32_t seed() {
    const char* text = std::getenv("FOVEA_SEED");
    return text != nullptr ? static_cast<std::uint32_t>(std::atol(text)) : 20261129u;
}

struct Scalar {
    fovea_explain_scalar kind;
    std::uint32_t target_class;
};

// The scalar of the network's logits, of softmax outputs.
double scalar_of(const ModelSpec& spec, const Value& input, const Scalar& scalar) {
    const std::vector<double> z = naive_network::run(spec, input)[spec.logits].data;
    const double own = z[scalar.target_class];
    double others = 0;
    for (std::size_t k = 0; k < z.size(); ++k) others += k == scalar.target_class ? 0 : std::exp(z[k] - own);
    switch (scalar.kind) {
        case FOVEA_SCALAR_MARGIN:
            return -std::log(others);
        case FOVEA_SCALAR_LOSS:
            return std::log1p(others);
        case FOVEA_SCALAR_LOGIT:
            return own;
        default:
            return 1 / (1 + others);
    }
}

struct Explained {
    fovea_model* model = nullptr;
    fovea_explainer* explainer = nullptr;
    test_memory::LogCatcher log;
    fovea_explanation explanation;
    std::vector<float> logits;

    Explained(const model_builder::Bytes& file, const Scalar& scalar, fovea_explain_method method = FOVEA_EXPLAIN_GRADIENT,
              const float* baseline = nullptr) {
        fovea_model_settings model_settings;
        fovea_model_settings_init(&model_settings);
        model_settings.log = log.hooks();
        REQUIRE_MESSAGE(fovea_model_load_memory(file.data(), file.size(), FOVEA_COPY, &model_settings, &model) == FOVEA_OK, log.all());
        fovea_session_settings session;
        fovea_session_settings_init(&session);
        session.log = log.hooks();
        fovea_explain_settings settings;
        fovea_explain_settings_init(&settings);
        settings.method = method;
        settings.scalar = scalar.kind;
        settings.target_class = scalar.target_class;
        settings.noise = 10;
        settings.baseline_values = baseline;
        const fovea_status status = fovea_explainer_create(model, &session, &settings, &explainer);
        REQUIRE_MESSAGE(status == FOVEA_OK, log.all());
        logits.resize(16);
        explanation = test_memory::sized<fovea_explanation>();
    }
    Explained(const model_builder::Bytes& file, const Scalar& scalar, const std::vector<std::uint8_t>& input) : Explained(file, scalar) {
        const fovea_status status = explain(input.data(), FOVEA_U8);
        REQUIRE_MESSAGE(status == FOVEA_OK, log.all());
    }
    fovea_status explain(const void* input, fovea_dtype dtype) {
        return fovea_explain(explainer, input, dtype, logits.data(), &explanation);
    }
    Explained(const Explained&) = delete;
    ~Explained() {
        fovea_explainer_close(&explainer);
        fovea_model_close(&model);
    }
};

struct Counts {
    int compared = 0, kinks = 0, not_zero = 0;
};

// Some of the input's values, each moved up and down. Where the two sides differ there is a kink, of which no difference tells anything.
// file: the spec's own, or one of codes, whose gradients are those of the spec's reals although it computes something else.
void compare_with_differences(const model_builder::Bytes& file, const ModelSpec& spec, const Value& input, const Scalar& scalar,
                              std::mt19937& random, const std::string& where, Counts* counts) {
    const std::vector<std::uint8_t> bytes(input.data.begin(), input.data.end());
    const Explained explained(file, scalar, bytes);
    const fovea_explanation& made = explained.explanation;
    REQUIRE(std::size_t{made.height} * made.width * made.channels == input.data.size());
    CHECK(made.target_class == scalar.target_class);
    if (made.weights_as_floats == 0) CHECK(made.scalar == doctest::Approx(scalar_of(spec, input, scalar)).epsilon(1e-3));
    double largest = 0;
    for (std::size_t i = 0; i < input.data.size(); ++i) largest = std::max(largest, std::fabs(static_cast<double>(made.map[i])));
    const double middle = scalar_of(spec, input, scalar);
    for (int n = 0; n < 12; ++n) {
        const std::size_t i = random() % input.data.size();
        constexpr double kStep = 1e-4;
        Value moved = input;
        moved.data[i] = input.data[i] + kStep;
        const double above = (scalar_of(spec, moved, scalar) - middle) / kStep;
        moved.data[i] = input.data[i] - kStep;
        const double below = (middle - scalar_of(spec, moved, scalar)) / kStep;
        const double slope = (above + below) / 2;
        if (std::fabs(above - below) > 1e-3 * std::fabs(slope) + 1e-6 * largest + 1e-9) {
            ++counts->kinks;
            continue;
        }
        ++counts->compared;
        counts->not_zero += slope != 0 ? 1 : 0;
        const double difference = std::fabs(made.map[i] - slope);
        CHECK_MESSAGE(difference <= 1e-3 * std::fabs(slope) + 1e-4 * largest + 1e-9, where, ", value ", i, ": ", made.map[i], " and not ",
                      slope);
    }
}

// A network that ends in a mean over the map `last`, and three logits.
ModelSpec with_head(ModelSpec spec, std::uint32_t last, std::uint32_t channels, std::mt19937& random) {
    std::uniform_real_distribution<float> uniform(-1, 1);
    std::vector<float> weights(std::size_t{channels} * 3);
    for (float& w : weights) w = uniform(random);
    const std::uint32_t mean = spec.add({.kind = model_builder::kGlobalPool, .inputs = {last}});
    spec.logits = spec.probabilities =
        spec.add({.kind = model_builder::kDense, .inputs = {mean}, .weights = weights, .output_channels = 3});
    spec.target = 0;
    spec.classes = {"a", "b", "c"};
    return spec;
}

}  // namespace

TEST_CASE("gradients of random networks of every kind of node are what differences give") {
    Counts counts;
    for (std::uint32_t round = 0; round < 160; ++round) {
        std::mt19937 random(seed() + round);
        const auto network = random_network::make(random, 3 + static_cast<int>(round % 17));
        const Scalar scalar = {static_cast<fovea_explain_scalar>(round % 4), round % 3};
        std::string where = "FOVEA_SEED=";
        where += std::to_string(seed() + round);
        compare_with_differences(model_builder::build(network.spec), network.spec, network.input, scalar, random, where, &counts);
    }
    MESSAGE(counts.compared, " compared, ", counts.not_zero, " not zero, ", counts.kinks, " kinks");
    CHECK(counts.not_zero > 700);
}

TEST_CASE("gradients of local response normalisation, of every power, are what differences give") {
    Counts counts;
    for (const float beta : {0.75f, 0.5f, 1.0f, 0.6f}) {
        for (const std::uint32_t radius : {0u, 1u, 2u, 9u}) {
            std::mt19937 random(seed() + radius);
            ModelSpec spec;
            spec.input_height = spec.input_width = spec.default_height = spec.default_width = 5;
            std::uniform_real_distribution<float> uniform(-0.02f, 0.02f);
            std::vector<float> weights(18);
            for (float& w : weights) w = uniform(random);
            const std::uint32_t mixed = spec.add(model_builder::convolution_node(0, 1, 1, 6, weights));
            const std::uint32_t last = spec.add({.kind = model_builder::kLrn,
                                                 .inputs = {mixed},
                                                 .weights = {1.5f, 0.4f, beta},
                                                 .variant = radius});
            spec = with_head(std::move(spec), last, 6, random);
            Value input = {5, 5, 3, std::vector<double>(75)};
            for (double& v : input.data) v = random() % 256;
            compare_with_differences(model_builder::build(spec), spec, input, {FOVEA_SCALAR_MARGIN, 1}, random, "lrn", &counts);
        }
    }
    CHECK(counts.not_zero > 100);
}

TEST_CASE("results that are no finite numbers are refused as by a run") {
    struct Case {
        float scale, first, rest;
        fovea_status status;
        const char* words;
    };
    const Case cases[] = {
        {1, -1e30f, 1e20f, FOVEA_OK, ""},
        {1, -3e38f, -3e38f, FOVEA_ERROR_INVALID_ARGUMENT, "results are not finite numbers: the input goes from -3e+38 to -3e+38"},
        {1e37f, 0, 255, FOVEA_ERROR_BAD_MODEL, "the network's results are not finite numbers"},
        {1, NAN, 100, FOVEA_ERROR_INVALID_ARGUMENT, "the input has values that are not finite"},
    };
    for (const Case& c : cases) {
        CAPTURE(c.first);
        Explained explained(model_builder::build(model_builder::overflowing_spec(c.scale)), {FOVEA_SCALAR_LOGIT, 0});
        std::vector<float> values(4 * 4 * 3, c.rest);
        values[0] = c.first;
        explained.logits[0] = 42;
        CHECK(explained.explain(values.data(), FOVEA_F32) == c.status);
        CHECK(explained.log.all().find(c.words) != std::string::npos);
        CHECK((explained.logits[0] == 42) == (c.status != FOVEA_OK));
    }
    Explained explained(model_builder::build(model_builder::overflowing_spec(1e37f)), {FOVEA_SCALAR_LOGIT, 0});
    const std::vector<std::uint8_t> pixels(4 * 4 * 3, 255);
    CHECK(explained.explain(pixels.data(), FOVEA_U8) == FOVEA_ERROR_BAD_MODEL);
}

TEST_CASE("a method's own inputs are not the caller's, its baseline is") {
    struct Case {
        fovea_explain_method method;
        float baseline;
        fovea_status status;
        const char* words;
    };
    const Case cases[] = {
        {FOVEA_EXPLAIN_GRADIENT, 1e30f, FOVEA_OK, ""},
        {FOVEA_EXPLAIN_SMOOTH_GRADIENT, 1e30f, FOVEA_ERROR_BAD_MODEL, "the network's results are not finite numbers\n"},
        {FOVEA_EXPLAIN_INTEGRATED_GRADIENTS, 128, FOVEA_OK, ""},
        {FOVEA_EXPLAIN_INTEGRATED_GRADIENTS, 1e30f, FOVEA_ERROR_INVALID_ARGUMENT, "the baseline goes from 1e+30 to 1e+30"},
        {FOVEA_EXPLAIN_OCCLUSION, 1e30f, FOVEA_ERROR_INVALID_ARGUMENT, "the baseline goes from 1e+30 to 1e+30"},
        {FOVEA_EXPLAIN_OCCLUSION, NAN, FOVEA_ERROR_INVALID_ARGUMENT, "the baseline has values that are not finite"},
    };
    std::vector<std::uint8_t> pixels(4 * 4 * 3, 255);
    pixels[0] = 1;
    const std::vector<float> floats(pixels.begin(), pixels.end());
    for (const Case& c : cases) {
        CAPTURE(c.method);
        const std::vector<float> baseline(pixels.size(), c.baseline);
        // Numbers to 1545, and from there on none.
        Explained explained(model_builder::build(model_builder::overflowing_spec(2.2e35f)), {FOVEA_SCALAR_LOGIT, 0}, c.method,
                            baseline.data());
        CHECK(explained.explain(pixels.data(), FOVEA_U8) == c.status);
        CHECK((explained.log.all() + "\n").find(c.words) != std::string::npos);
        CHECK(explained.explain(floats.data(), FOVEA_F32) == c.status);
    }
}

TEST_CASE("of equal maxima the first in a window has all, and channels share") {
    // Twice the same numbers everywhere, so that everything ties.
    ModelSpec spec;
    spec.input_height = spec.input_width = spec.default_height = spec.default_width = 2;
    spec.input_channels = 2;
    SUBCASE("global maximum") {
        spec.add({.kind = model_builder::kGlobalPool, .inputs = {0}, .variant = 1});
    }
    SUBCASE("maximum of a window") {
        const std::uint32_t pool = spec.add({.kind = model_builder::kPool,
                                             .inputs = {0},
                                             .kernel_height = 2,
                                             .kernel_width = 2,
                                             .stride_y = 1,
                                             .stride_x = 1,
                                             .bottom = 1,
                                             .variant = 1});
        spec.add({.kind = model_builder::kGlobalPool, .inputs = {pool}});
    }
    SUBCASE("maximum of channels") {
        const std::uint32_t reduced = spec.add({.kind = model_builder::kChannelReduce, .inputs = {0}, .variant = 1});
        spec.add({.kind = model_builder::kGlobalPool, .inputs = {reduced}});
    }
    const auto pooled = static_cast<std::uint32_t>(spec.nodes.size());
    const bool of_channels = spec.nodes.size() == 2 && spec.nodes[0].kind == model_builder::kChannelReduce;
    const std::vector<float> weights = of_channels ? std::vector<float>{1, 0} : std::vector<float>{1, 0, 1, 0};
    spec.logits = spec.probabilities =
        spec.add({.kind = model_builder::kDense, .inputs = {pooled}, .weights = weights, .output_channels = 2});
    const Explained explained(model_builder::build(spec), {FOVEA_SCALAR_LOGIT, 0}, std::vector<std::uint8_t>(8, 7));
    const std::vector<float> map(explained.explanation.map, explained.explanation.map + 8);
    if (of_channels) {
        CHECK(map == std::vector<float>(8, 0.125f));
    } else if (spec.nodes[0].kind == model_builder::kGlobalPool) {
        CHECK(map == std::vector<float>{1, 1, 0, 0, 0, 0, 0, 0});
    } else {  // the upper window's first is the map's first; the lower one's is the second row's
        CHECK(map == std::vector<float>{0.5f, 0.5f, 0, 0, 0.5f, 0.5f, 0, 0});
    }
}

namespace {

using namespace fovea;

struct Loaded {
    model_builder::Bytes bytes;
    test_memory::AlignedCopy copy;
    ModelFile model;

    explicit Loaded(const ModelSpec& spec) : bytes(model_builder::build(spec)), copy(bytes.data(), bytes.size()) {
        REQUIRE(read_model_file(copy.data(), copy.size(), {}, {}, &model) == FOVEA_OK);
    }
};

// A plan's results, in memory that was filled with NaNs.
struct Ran {
    std::vector<float> logits, gradient;
    bool streamed = false;
    std::size_t steps = 0;
};

std::vector<float> copy_of(const Plan& plan, const Executor& executor, std::uint32_t value) {
    const float* const data = executor.value(value);
    return {data, data + plan.values[value].shape.count()};
}

Ran run(const Graph& graph, const PlanRequest& request, ops::CpuFeatureSet features, const std::vector<std::uint8_t>& input) {
    Plan plan(Allocator{}, features);
    REQUIRE(make_plan(graph, request, {}, &plan) == FOVEA_OK);
    ThreadPool pool{Allocator{}};
    REQUIRE(pool.start(request.threads) == FOVEA_OK);
    const std::vector<std::uint8_t> filling(plan.workspace_size, 0xFF);
    test_memory::AlignedCopy workspace(filling.data(), filling.size());
    write_constants(plan, workspace.data());
    Executor executor(plan, pool, workspace.data());
    Ran ran;
    RunInput run_input = {input.data(), FOVEA_U8};
    run_input.objective.last_class = 1;
    REQUIRE(executor.run(run_input) == FOVEA_OK);
    ran.steps = plan.step_count;
    ran.logits = copy_of(plan, executor, graph.logits);
    if (request.backward != nullptr) ran.gradient = copy_of(plan, executor, plan.gradients[0]);
    for (std::size_t g = 0; g < plan.segment_count; ++g) {
        ran.streamed = ran.streamed || (plan.segments[g].band != 0 && plan.segments[g].first_step >= plan.forward_steps);
    }
    return ran;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

TEST_CASE("the logits are a plain run's to the bit, and gradients the same for every band height and number of threads") {
    int streamed = 0, not_zero = 0, more_steps = 0;
    for (std::uint32_t round = 0; round < 120; ++round) {
        std::mt19937 random(seed() + 5000 + round);
        const auto network = random_network::make(random, 4 + static_cast<int>(round % 17));
        INFO("FOVEA_SEED=", seed() + round);
        const bool halves = round % 3 == 0;
        const Loaded loaded(halves ? model_builder::with_half_weights(network.spec) : network.spec);
        const std::vector<std::uint8_t> input(network.input.data.begin(), network.input.data.end());
        PlanRequest request = {};
        request.height = network.spec.default_height;
        request.width = network.spec.default_width;
        request.threads = 1;
        request.work_per_thread = 1;
        // Every other of them by the specification of half arithmetic, which every CPU has.
        request.arithmetic = round % 2 == 0 ? Arithmetic::kHalf : Arithmetic::kBest;
        for (const ops::CpuFeatureSet features : {ops::CpuFeatureSet{ops::kFeatureNone}, ops::detect_cpu_features()}) {
            const Ran plain = run(loaded.model.graph, request, features, input);
            PlanRequest backward = request;
            backward.backward = &kBackwardPass;
            const Ran first = run(loaded.model.graph, backward, features, input);
            // What the backward pass makes again has the same bits as what it would keep.
            backward.largest_kept = 0;
            const Ran made_again = run(loaded.model.graph, backward, features, input);
            CHECK(same_bits(first.logits, made_again.logits));
            CHECK(same_bits(first.gradient, made_again.gradient));
            more_steps += made_again.steps > first.steps ? 1 : 0;
            CHECK(same_bits(plain.logits, first.logits));
            REQUIRE(first.gradient.size() == input.size());
            not_zero += std::any_of(first.gradient.begin(), first.gradient.end(), [](float g) { return g != 0; }) ? 1 : 0;
            CHECK(std::all_of(first.gradient.begin(), first.gradient.end(), [](float g) { return std::isfinite(g); }));
            for (const std::uint32_t threads : {1u, 2u, 3u}) {
                for (const std::uint32_t band : {0u, 1u, 3u}) {
                    backward.threads = threads;
                    backward.band = band;
                    const Ran again = run(loaded.model.graph, backward, features, input);
                    CHECK(same_bits(plain.logits, again.logits));
                    CHECK_MESSAGE(same_bits(first.gradient, again.gradient), threads, " threads, bands of ", band);
                    streamed += again.streamed ? 1 : 0;
                }
            }
        }
    }
    CHECK(streamed > 200);
    CHECK(more_steps > 50);
    CHECK(not_zero > 100);
}

// Two blocks of which the first adds its input, and one with a gate: what the first hands on may be made again, what the last reads
// may not.
ModelSpec blocks(std::mt19937& random) {
    std::uniform_real_distribution<float> uniform(-0.4f, 0.4f);
    ModelSpec spec;
    spec.input_height = spec.input_width = spec.default_height = spec.default_width = 12;
    const auto layer = [&](std::uint32_t input, std::uint32_t in, std::uint32_t out, std::uint32_t side, std::uint32_t stride,
                           std::uint32_t activation) {
        const bool depthwise = out == 0;
        std::vector<float> weights(std::size_t{side} * side * (depthwise ? 1 : in) * (depthwise ? in : out));
        for (float& w : weights) w = uniform(random);
        return spec.add({.kind = depthwise ? model_builder::kDepthwise : model_builder::kConvolution, .inputs = {input},
                         .activation = activation, .weights = weights, .kernel_height = side, .kernel_width = side,
                         .stride_y = stride, .stride_x = stride,
                         .dilation_y = 1, .dilation_x = 1, .same_padding = true, .groups = depthwise ? 0u : 1u,
                         .output_channels = depthwise ? in : out});
    };
    const std::vector<float> scale = {0.01f, 0.01f, 0.01f}, offset = {-1, -1, -1};
    const std::uint32_t small = spec.add({.kind = model_builder::kAffine, .inputs = {0}, .weights = scale, .bias = offset});
    const std::uint32_t stem = layer(small, 3, 8, 3, 1, model_builder::kHardSwish);
    const std::uint32_t first = layer(layer(stem, 8, 0, 3, 1, model_builder::kRelu), 8, 8, 1, 1, model_builder::kLinear);
    const std::uint32_t sum = spec.add({.kind = model_builder::kAdd, .inputs = {stem, first}});
    const std::uint32_t expanded = layer(sum, 8, 24, 1, 1, model_builder::kHardSwish);
    const std::uint32_t wide = layer(expanded, 24, 0, 3, 2, model_builder::kHardSwish);
    const std::uint32_t second = layer(wide, 24, 10, 1, 1, model_builder::kLinear);
    const std::uint32_t third = layer(layer(second, 10, 30, 1, 1, model_builder::kHardSwish), 30, 0, 3, 1, model_builder::kHardSwish);
    const std::uint32_t mean = spec.add({.kind = model_builder::kGlobalPool, .inputs = {third}});
    std::vector<float> weights(30 * 30);
    for (float& w : weights) w = uniform(random);
    const std::uint32_t gate = spec.add({.kind = model_builder::kDense, .inputs = {mean}, .activation = model_builder::kHardSigmoid,
                                         .weights = weights, .output_channels = 30});
    const std::uint32_t gated = spec.add({.kind = model_builder::kMultiply, .inputs = {third, gate}});
    const std::uint32_t last = layer(gated, 30, 9, 1, 1, model_builder::kLinear);
    return with_head(std::move(spec), last, 9, random);
}

TEST_CASE("what blocks hand on, made again or kept, gives the same bits, and what differences give") {
    std::mt19937 random(seed());
    const ModelSpec spec = blocks(random);
    naive_network::Value input = {12, 12, 3, std::vector<double>(432)};
    for (double& value : input.data) value = random() % 256;
    Counts counts;
    compare_with_differences(model_builder::build(spec), spec, input, {FOVEA_SCALAR_MARGIN, 1}, random, "blocks", &counts);
    CHECK(counts.not_zero > 5);
    const std::vector<std::uint8_t> bytes(input.data.begin(), input.data.end());
    const Loaded loaded(spec);
    PlanRequest request = {};
    request.height = request.width = 12;
    request.threads = 1;
    request.work_per_thread = 1;
    request.backward = &kBackwardPass;
    const Ran kept = run(loaded.model.graph, request, ops::detect_cpu_features(), bytes);
    request.largest_kept = 0;
    for (const std::uint32_t threads : {1u, 2u, 3u}) {
        for (const std::uint32_t band : {0u, 1u, 2u}) {
            request.threads = threads;
            request.band = band;
            const Ran again = run(loaded.model.graph, request, ops::detect_cpu_features(), bytes);
            // Made again: stem, depthwise, sum, and what each of the other two blocks has before its projection, with activations, of the
            // gated block's depthwise twice: 13 steps. Five activations have no step of their own any more going forward.
            CHECK(again.steps == kept.steps + 13 - 5);
            CHECK(same_bits(kept.logits, again.logits));
            CHECK_MESSAGE(same_bits(kept.gradient, again.gradient), threads, " threads, bands of ", band);
        }
    }
}

TEST_CASE("what would be made again is kept where it is little") {
    std::mt19937 random(seed());
    const Loaded loaded(blocks(random));
    PlanRequest request = {};
    request.height = request.width = 12;
    request.threads = 1;
    request.backward = &kBackwardPass;
    const auto work = [&](std::uint64_t largest_kept) {
        request.largest_kept = largest_kept;
        Plan plan(Allocator{}, ops::CpuFeatureSet{ops::kFeatureNone});
        REQUIRE(make_plan(loaded.model.graph, request, {}, &plan) == FOVEA_OK);
        std::uint64_t multiply_adds = 0;
        for (std::size_t i = 0; i < plan.step_count; ++i) multiply_adds += plan.steps[i].multiply_adds;
        return multiply_adds;
    };
    // The expanded map has 13,824 bytes, the stem and what follows it 4608 each. The first alone is less than four times 4608.
    CHECK(work(4608) == work(13824));
    CHECK(work(4607) > work(4608));
}

#if defined(FOVEA_HAVE_INT8)
TEST_CASE("of a network of codes gradients are those of the reals that its whole numbers stand for, and its answers its own") {
    Counts counts;
    for (std::uint32_t round = 0; round < 12; ++round) {
        std::mt19937 random(seed() + 9000 + round);
        const code_network::CodeNetwork network = code_network::make(random, 3 + round);
        const Scalar scalar = {static_cast<fovea_explain_scalar>(round % 4), round % 2};
        const std::uint32_t side = network.file.default_height;
        naive_network::Value input = {side, side, 3, std::vector<double>(std::size_t{3} * side * side)};
        for (double& value : input.data) value = random() % 256;
        const model_builder::Bytes file = model_builder::build(network.file);
        std::string where = "FOVEA_SEED=";
        where += std::to_string(seed() + round);
        compare_with_differences(file, network.real, input, scalar, random, where, &counts);
        const std::vector<std::uint8_t> bytes(input.data.begin(), input.data.end());
        ModelSpec real = network.real;
        for (model_builder::NodeSpec& node : real.nodes) node.codes = {};
        const Explained codes(file, scalar, bytes), floats(model_builder::build(real), scalar, bytes);
        CHECK(codes.explanation.weights_as_floats == 1);
        CHECK(floats.explanation.weights_as_floats == 0);
        float largest = 0, farthest = 0;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            largest = std::max(largest, std::fabs(floats.explanation.map[i]));
            farthest = std::max(farthest, std::fabs(codes.explanation.map[i] - floats.explanation.map[i]));
        }
        CHECK_MESSAGE(farthest <= 1e-4f * largest, where, ": ", farthest, " of ", largest);
        // The answer is that of a run.
        const Loaded loaded(network.file);
        PlanRequest request = {};
        request.height = request.width = side;
        request.threads = 1;
        const Ran plain = run(loaded.model.graph, request, ops::detect_cpu_features(), bytes);
        CHECK(same_bits(plain.logits, {codes.logits.begin(), codes.logits.begin() + 2}));
        CHECK(codes.explanation.scalar != floats.explanation.scalar);
    }
    MESSAGE(counts.compared, " compared, ", counts.not_zero, " not zero, ", counts.kinks, " kinks");
    CHECK(counts.not_zero > 50);
}
#endif
