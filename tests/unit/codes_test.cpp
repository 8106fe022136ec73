// SPDX-License-Identifier: Apache-2.0
// Networks of codes: every node against plain loops in double precision on the reals that the engine's own operands stand for, off
// by the rounding to a code at the most; the same bits for every instruction set, thread count and band height; what the reader
// refuses.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "engine/model/model_file.h"
#include "engine/plan/layout.h"
#include "engine/plan/planner.h"
#include "engine/run/executor.h"
#include "fovea/fovea.h"
#include "tests/unit/code_network.h"
#include "tests/unit/load_attempt.h"
#include "tests/unit/naive_network.h"
#include "tests/unit/test_memory.h"

namespace {

using model_builder::Bytes;
using model_builder::ModelSpec;
using model_builder::NodeSpec;
using naive_network::Value;

struct Loaded {
    Bytes bytes;
    test_memory::AlignedCopy copy;
    fovea::ModelFile model;

    explicit Loaded(const ModelSpec& spec) : bytes(model_builder::build(spec)), copy(bytes.data(), bytes.size()) {
        test_memory::LogCatcher log;
        const fovea_status status = fovea::read_model_file(copy.data(), copy.size(), {}, fovea::Log(log.hooks()), &model);
        REQUIRE_MESSAGE(status == FOVEA_OK, (log.lines.empty() ? "" : log.lines.front()));
    }
};

struct Session {
    fovea::Plan plan;
    fovea::ThreadPool pool{fovea::Allocator{}};
    std::vector<std::uint8_t> filling;
    std::unique_ptr<test_memory::AlignedCopy> workspace;
    std::unique_ptr<fovea::Executor> executor;

    Session(const fovea::Graph& graph, const fovea::PlanRequest& request, fovea::ops::CpuFeatureSet features)
        : plan(fovea::Allocator{}, features) {
        REQUIRE(fovea::make_plan(graph, request, {}, &plan) == FOVEA_OK);
        REQUIRE(pool.start(request.threads) == FOVEA_OK);
        filling.assign(plan.workspace_size, 0xFF);
        workspace = std::make_unique<test_memory::AlignedCopy>(filling.data(), filling.size());
        fovea::write_constants(plan, workspace->data());
        executor = std::make_unique<fovea::Executor>(plan, pool, workspace->data());
    }
};

std::vector<std::uint8_t> random_pixels(std::mt19937& random, std::uint32_t height, std::uint32_t width) {
    std::vector<std::uint8_t> pixels(std::size_t{height} * width * 3);
    for (std::uint8_t& v : pixels) v = static_cast<std::uint8_t>(random());
    return pixels;
}

// How far a node's result may be from its formula on what the engine gave it.
double bound_of(const NodeSpec& node, double expected, std::size_t channel) {
    const double floats = 1e-4 * (std::fabs(expected) + 1);
    return node.codes.scale.empty() ? floats : 0.501 * node.codes.scale[channel] + 1e-5 * std::fabs(expected);
}

void check_nodes(const code_network::CodeNetwork& network, std::mt19937& random, std::uint32_t height, std::uint32_t width,
                 fovea_dtype dtype) {
    const Loaded loaded(network.file);
    const fovea::Graph& graph = loaded.model.graph;
    std::vector<std::uint32_t> all;
    for (std::uint32_t value = 1; value < graph.value_count(); ++value) all.push_back(value);
    const fovea::PlanRequest request{.height = height, .width = width, .threads = 1, .kept = all.data(), .kept_count = all.size()};
    const Session session(graph, request, fovea::ops::detect_cpu_features());
    const std::vector<std::uint8_t> pixels = random_pixels(random, height, width);
    const std::vector<float> floats(pixels.begin(), pixels.end());
    const void* const data = dtype == FOVEA_U8 ? static_cast<const void*>(pixels.data()) : floats.data();
    REQUIRE(session.executor->run({data, dtype}) == FOVEA_OK);
    Value input;
    input.height = height;
    input.width = width;
    input.channels = 3;
    input.data.assign(pixels.begin(), pixels.end());
    std::vector<Value> values = {input};
    int saturated = 0, inside = 0;
    for (std::size_t i = 0; i < network.real.nodes.size(); ++i) {
        const NodeSpec& node = network.real.nodes[i];
        Value made = naive_network::run_node(node, values);
        const auto value = static_cast<std::uint32_t>(i + 1);
        REQUIRE(session.plan.values[value].shape.count() == made.data.size());
        const float* const got = session.executor->value(value);
        double worst = 0;
        for (std::size_t k = 0; k < made.data.size(); ++k) {
            const std::size_t channel = k % session.plan.values[value].shape.channels;
            double expected = made.data[k];
            if (!node.codes.scale.empty()) {
                const bool bytes = node.codes.type == 1;
                const double scale = node.codes.scale[channel], zero = node.codes.zero[channel];
                const double clamped = std::clamp(expected, ((bytes ? 0 : -32768) - zero) * scale, ((bytes ? 255 : 32767) - zero) * scale);
                ++(clamped == expected ? inside : saturated);
                expected = clamped;
            }
            const double excess = std::fabs(got[k] - expected) / bound_of(node, made.data[k], channel);
            if (!(excess <= worst)) worst = excess;
            made.data[k] = got[k];
        }
        CHECK_MESSAGE(worst <= 1, "node ", i, " of kind ", static_cast<int>(node.kind), ": ", worst, " times the bound");
        values.push_back(std::move(made));
    }
    CHECK(inside > 3 * saturated);  // or the network would say little of its arithmetic
}

}  // namespace

TEST_CASE("codes: every node is its formula, rounded to a code") {
    std::mt19937 random(1);
    for (const std::uint32_t channels : {3u, 8u, 21u}) {
        const code_network::CodeNetwork network = code_network::make(random, channels);
        for (const std::uint32_t height : {4u, 9u, 20u}) {
            check_nodes(network, random, height, 13, FOVEA_U8);
            check_nodes(network, random, height, 8, FOVEA_F32);
        }
    }
}

TEST_CASE("codes: every instruction set, thread count and band gives the same bits") {
    std::mt19937 random(2);
    const fovea::ops::CpuFeatureSet best = fovea::ops::detect_cpu_features();
    for (const std::uint32_t channels : {5u, 16u}) {
        const Loaded loaded(code_network::make(random, channels).file);
        const fovea::Graph& graph = loaded.model.graph;
        const std::vector<std::uint8_t> pixels = random_pixels(random, 33, 26);
        std::vector<std::uint32_t> all;
        for (std::uint32_t value = 1; value < graph.value_count(); ++value) all.push_back(value);
        const auto request = [&](std::uint32_t threads, std::uint32_t band, std::size_t kept) {
            return fovea::PlanRequest{.height = 33, .width = 26, .threads = threads, .kept = all.data(), .kept_count = kept,
                                      .band = band, .work_per_thread = 1};
        };
        const Session whole(graph, request(1, 0, all.size()), fovea::ops::kFeatureNone);
        REQUIRE(whole.executor->run({pixels.data(), FOVEA_U8}) == FOVEA_OK);
        int streamed = 0;
        for (const fovea::ops::CpuFeatureSet features : {best, fovea::ops::CpuFeatureSet{fovea::ops::kFeatureNone}}) {
            for (const std::uint32_t threads : {1u, 2u, 3u}) {
                for (const std::uint32_t band : {0u, 1u, 2u, 5u}) {
                    for (const std::size_t kept : {std::size_t{0}, all.size()}) {
                        const Session other(graph, request(threads, band, kept), features);
                        for (std::size_t g = 0; g < other.plan.segment_count; ++g) streamed += other.plan.segments[g].band != 0;
                        REQUIRE(other.executor->run({pixels.data(), FOVEA_U8}) == FOVEA_OK);
                        std::vector<std::uint32_t> compared = {graph.logits, graph.probabilities};
                        compared.insert(compared.end(), all.begin(), all.begin() + static_cast<long>(kept));
                        for (const std::uint32_t value : compared) {
                            const std::size_t bytes = whole.plan.values[value].shape.count() * sizeof(float);
                            const bool same =
                                std::memcmp(whole.executor->value(value), other.executor->value(value), bytes) == 0;
                            CHECK_MESSAGE(same, "value ", value, ", threads ", threads, ", band ", band);
                        }
                    }
                }
            }
        }
        CHECK(streamed > 0);
    }
}

TEST_CASE("codes: a file says that it is of int8, and what is wrong with it") {
    std::mt19937 random(3);
    const ModelSpec sound = code_network::make(random, 5).file;
    REQUIRE(load_attempt::load(model_builder::build(sound)).status == FOVEA_OK);
    struct Damage {
        const char* message;
        std::function<void(ModelSpec&)> apply;
    };
    // Nodes of the network, by their values less 1.
    enum { kPixels = 0, kStem = 1, kDepthwise = 2, kSum = 6, kExpanded = 7, kPool = 9, kDense = 10, kGate = 12, kToFloats = 17,
           kToCodes = 21 };
    const std::vector<Damage> damages = {
        {"a scale is not above 0", [](ModelSpec& s) { s.nodes[kStem].codes.scale[2] = 0; }},
        {"a scale is not above 0", [](ModelSpec& s) { s.nodes[kStem].codes.scale[2] = -1; }},
        {"holds a NaN or an infinity", [](ModelSpec& s) { s.nodes[kStem].codes.scale[2] = INFINITY; }},
        {"holds a NaN or an infinity", [](ModelSpec& s) { s.nodes[kStem].codes.multiplier[0] = NAN; }},
        {"holds a NaN or an infinity", [](ModelSpec& s) { s.nodes[kSum].codes.offset[0] = INFINITY; }},
        {"a zero point is no code of its type", [](ModelSpec& s) { s.nodes[kExpanded].codes.zero[1] = 256; }},
        {"a zero point is no code of its type", [](ModelSpec& s) { s.nodes[kExpanded].codes.zero[1] = -1; }},
        {"a zero point is no code of its type", [](ModelSpec& s) { s.nodes[kStem].codes.zero[1] = 32768; }},
        {"the scale is no f32 vector", [](ModelSpec& s) { s.nodes[kStem].codes.scale.clear(); }},
        {"the zero point is no i32 vector", [](ModelSpec& s) { s.nodes[kStem].codes.zero.pop_back(); }},
        {"the multiplier is no f32 vector", [](ModelSpec& s) { s.nodes[kStem].codes.multiplier.clear(); }},
        {"the second multiplier is no f32 vector", [](ModelSpec& s) { s.nodes[kStem].codes.second_multiplier.clear(); }},
        {"the second multiplier should be none",
         [](ModelSpec& s) { s.nodes[kGate].codes.second_multiplier = s.nodes[kGate].codes.scale; }},
        {"the offset is no f32 vector", [](ModelSpec& s) { s.nodes[kPixels].codes.offset.clear(); }},
        {"the offset should be none", [](ModelSpec& s) { s.nodes[kStem].codes.offset = s.nodes[kStem].codes.scale; }},
        {"the scales of its codes are for", [](ModelSpec& s) {
             for (auto* v : {&s.nodes[kGate].codes.scale, &s.nodes[kGate].codes.zero, &s.nodes[kGate].codes.multiplier}) v->pop_back();
         }},
        {"its sums could leave 32 bits", [](ModelSpec& s) { s.nodes[kExpanded].bias[0] = 2147480000.0f; }},
        {"its sums could leave 32 bits", [](ModelSpec& s) { s.nodes[kDepthwise].bias[3] = -2147480000.0f; }},
        {"a pair of its weights", [](ModelSpec& s) {  // the first two inputs of the first output
             const std::uint32_t outputs = s.nodes[kExpanded].output_channels;
             s.nodes[kExpanded].weights[0] = s.nodes[kExpanded].weights[outputs] = 65;
         }},
        {"a pair of its weights", [](ModelSpec& s) {
             const std::uint32_t outputs = s.nodes[kExpanded].output_channels;
             s.nodes[kExpanded].weights[1] = s.nodes[kExpanded].weights[outputs + 1] = -65;
         }},
        {"an activation that no codes are made with", [](ModelSpec& s) { s.nodes[kDepthwise].activation = model_builder::kSigmoid; }},
        {"has i8 weights, but no i32 bias", [](ModelSpec& s) { s.nodes[kStem].bias.clear(); }},
        {"has i8 weights, but an input of floats", [](ModelSpec& s) { s.nodes[kStem].inputs = {0}; }},
        {"makes codes of something else", [](ModelSpec& s) { s.nodes[kPixels].activation = model_builder::kRelu; }},
        {"adds something else than codes", [](ModelSpec& s) { s.nodes[kSum].activation = model_builder::kRelu; }},
        {"multiplies something else", [](ModelSpec& s) { std::swap(s.nodes[kGate].inputs[0], s.nodes[kGate].inputs[1]); }},
        {"makes codes of no floats", [](ModelSpec& s) { s.nodes[kToCodes].inputs = {kToFloats}; }},
        {"takes floats, but an operand is made of codes", [](ModelSpec& s) { s.nodes[kToFloats].activation = model_builder::kRelu; }},
        {"no codes are made by this kind", [](ModelSpec& s) { s.nodes[kPool].codes = s.nodes[kGate].codes; }},
        {"i8 weights without a multiplier", [](ModelSpec& s) { s.nodes[kDense].codes.multiplier.clear(); }},
        {"has constants of codes", [](ModelSpec& s) { s.nodes[kDense].codes.offset = s.nodes[kDense].codes.multiplier; }},
        {"the network's outputs are codes", [](ModelSpec& s) { s.logits = s.probabilities = kGate + 1; }},
    };
    for (const Damage& damage : damages) {
        ModelSpec spec = sound;
        damage.apply(spec);
        const load_attempt::Attempt attempt = load_attempt::load(model_builder::build(spec));
        CHECK_MESSAGE(attempt.status == FOVEA_ERROR_BAD_MODEL, damage.message);
        CHECK_MESSAGE(attempt.message.find(damage.message) != std::string::npos, "wanted '", damage.message, "', got '",
                      attempt.message, "'");
    }
}

TEST_CASE("codes: damaged fields of section QUNT are refused") {
    std::mt19937 random(4);
    const Bytes sound = model_builder::build(code_network::make(random, 4).file);
    const model_builder::SectionPlace place = model_builder::find_section(sound, "QUNT");
    struct Damage {
        const char* message;
        std::size_t offset;
        std::uint32_t value;
    };
    const Damage damages[] = {
        {"section QUNT: wrong size", place.offset, 1},
        {"section QUNT: wrong size", place.offset, 0},
        {"section QUNT: reserved bytes", place.offset + 4, 1},
        {"section QUNT: nodes are out of order", place.offset + 8, 1},
        {"section QUNT: nodes are out of order", place.offset + 8 + 64, 77777},
        {"section QUNT: unknown type of codes", place.offset + 8 + 4, 3},
        {"section QUNT: a tensor that does not exist", place.offset + 8 + 8, 4000},
        {"section QUNT: reserved bytes", place.offset + 8 + 28, 1},
        {"section QUNT: reserved bytes", place.offset + 8 + 60, 1u << 31},
        {"section QUNT: not flagged required", place.entry + 4, 0},
    };
    for (const Damage& damage : damages) {
        Bytes file = sound;
        model_builder::put_u32(&file, damage.offset, damage.value);
        model_builder::refresh_checksums(file.data(), file.size());
        test_memory::AlignedCopy copy(file.data(), file.size());
        test_memory::LogCatcher log;
        fovea::ModelFile model;
        CHECK(fovea::read_model_file(copy.data(), copy.size(), {}, fovea::Log(log.hooks()), &model) == FOVEA_ERROR_BAD_MODEL);
        const std::string message = log.lines.empty() ? "" : log.lines.front();
        CHECK_MESSAGE(message.find(damage.message) != std::string::npos, "wanted '", damage.message, "', got '", message, "'");
    }
}

TEST_CASE("codes: every flipped bit with right checksums is refused or harmless") {
    std::mt19937 random(5);
    ModelSpec spec = code_network::make(random, 2).file;
    const Bytes sound = model_builder::build(spec);
    Bytes file = sound;
    const std::vector<std::uint8_t> input(6 * 6 * 4);
    long refused = 0, harmless = 0;
    for (const char* tag : {"QUNT", "GRPH", "WGHT"}) {
        const model_builder::SectionPlace place = model_builder::find_section(sound, tag);
        const std::size_t step = tag[0] == 'Q' ? 1 : 31;
        for (std::size_t bit = place.offset * 8; bit < (place.offset + place.size) * 8; bit += step) {
            file[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
            model_builder::refresh_checksums(file.data(), file.size());
            test_memory::AlignedCopy copy(file.data(), file.size());
            fovea_model* model = nullptr;
            if (fovea_model_load_memory(copy.data(), copy.size(), FOVEA_BORROW, nullptr, &model) == FOVEA_OK) {
                fovea_session* session = nullptr;
                if (fovea_session_create(model, nullptr, &session) == FOVEA_OK) {
                    CHECK(fovea_run(session, input.data(), FOVEA_U8, nullptr, nullptr) == FOVEA_OK);
                }
                fovea_session_close(&session);
                ++harmless;
            } else {
                ++refused;
            }
            fovea_model_close(&model);
            file = sound;
        }
    }
    CHECK(refused > 3000);
    CHECK(harmless > 300);
}
