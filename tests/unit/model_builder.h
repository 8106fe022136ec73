// SPDX-License-Identifier: Apache-2.0
// Writes small .fovea files for tests: a third implementation of models/FORMAT.md beside the
// converter's writer and the engine's reader, sharing code with neither.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace model_builder {

inline constexpr std::uint32_t kNone = 0xFFFFFFFFu;

enum Kind : std::uint32_t {
    kConvolution = 1,
    kDepthwise,
    kDense,
    kPool,
    kGlobalPool,
    kChannelReduce,
    kConcat,
    kAdd,
    kMultiply,
    kAffine,
    kActivation,
    kSoftmax,
    kReshape,
    kPad,
    kLrn,  // weights: bias, alpha, beta; variant: the radius
};

// The numbers of the activation list.
enum Activation : std::uint32_t {
    kLinear = 0,
    kRelu,
    kRelu6,
    kHardSigmoid,
    kHardSwish,
    kSigmoid,
    kHardSigmoidKeras2,
    kSwish,
    kTanh,
    kLeakyRelu,
    kElu,
    kGelu,
    kSoftplus,
};

// What makes a node's result codes (type 1: of 8 bits, 2: of 16) or, of type 0, weighs a vector of floats in 8 bits; by channel.
// Its weights, and the bias of one that makes codes, are then whole numbers.
struct CodesSpec {
    bool present = false;
    std::uint32_t type = 0;
    std::vector<float> scale = {}, zero = {}, multiplier = {}, second_multiplier = {}, offset = {};
};

struct NodeSpec {
    Kind kind = kActivation;
    std::vector<std::uint32_t> inputs = {};  // values
    std::uint32_t activation = 0;
    float parameter = 0;
    // Logical weights, row-major: convolution [kh][kw][in_group][out], depthwise
    // [kh][kw][channels], dense [in][out], affine scale [channels].
    std::vector<float> weights = {};
    std::vector<float> bias = {};  // empty = none; affine offset
    std::uint32_t kernel_height = 0, kernel_width = 0;
    std::uint32_t stride_y = 0, stride_x = 0;
    std::uint32_t dilation_y = 0, dilation_x = 0;
    bool same_padding = false;
    std::uint32_t top = 0, left = 0, bottom = 0, right = 0;
    std::uint32_t groups = 0;
    std::uint32_t output_channels = 0;
    std::uint32_t variant = 0;
    std::string name = {};  // empty = none
    CodesSpec codes = {};
};

struct ModelSpec {
    std::uint32_t input_height = 4, input_width = 4, input_channels = 3;
    std::uint32_t default_height = 4, default_width = 4;
    std::vector<NodeSpec> nodes;
    std::uint32_t logits = 0, probabilities = 0;
    // Weights (not biases, not affine scales) as f16; they must be numbers that nearest_half() gives.
    bool half_weights = false;
    std::uint32_t target = 1;  // any_dr
    std::uint32_t output_form = 0;
    std::vector<std::string> classes = {"no_dr", "dr"};
    std::uint32_t preset = 1;
    std::uint32_t preset_flags = 1;
    float sigma = 10;
    bool with_calibration = false;
    double temperature = 1.5;
    std::vector<std::pair<std::string, double>> points = {{"balanced", 0.5}, {"sensitive", 0.25}};
    std::vector<std::pair<std::string, double>> any_dr_points;  // of target 3
    std::uint32_t default_point = 0;
    // Golden vectors: pixels and logits; none when empty.
    std::vector<std::pair<std::vector<std::uint8_t>, std::vector<float>>> golden;
    float golden_tolerance = 1e-3f;
    // Section TYPI as FORMAT.md lays it out; none when empty.
    std::vector<std::uint8_t> typicality;
    std::vector<std::pair<std::string, std::string>> provenance = {{"model_name", "tiny"},
                                                                   {"source_file", "tiny.h5"}};

    // Adds a node, returns its value.
    std::uint32_t add(NodeSpec node) {
        nodes.push_back(std::move(node));
        return static_cast<std::uint32_t>(nodes.size());
    }
};

using Bytes = std::vector<std::uint8_t>;

// The number of half precision that is nearest to one of magnitude at most 65504.
float nearest_half(float value);

// The network with the weights that half precision has, in a file of floats.
ModelSpec with_rounded_weights(ModelSpec spec);

// The same in a file of halves.
ModelSpec with_half_weights(ModelSpec spec);

Bytes build(const ModelSpec& spec);

// A complete model for a 4 x 4 x 3 input: rescaling, convolution, depthwise, pointwise with a
// residual add, global pool, dense, softmax; calibration and golden vectors too (whose logits are
// not the network's: they are for damage tests).
ModelSpec tiny_spec();

// For inputs of any size, 4 x 4 x 3 by default. The scale brings pixels near the largest float; a mean, and sums of it, go beyond.
ModelSpec overflowing_spec(float scale);

std::uint32_t crc32(const std::uint8_t* data, std::size_t size);

// Makes the checksums of damaged bytes right again, as far as the table can be followed.
void refresh_checksums(std::uint8_t* data, std::size_t size);

// Where a section's bytes begin and how many they are; fails the program when it is absent.
struct SectionPlace {
    std::size_t entry;  // of the table
    std::size_t offset;
    std::size_t size;
};
SectionPlace find_section(const Bytes& file, const char* tag);

void put_u32(Bytes* file, std::size_t offset, std::uint32_t value);
void put_u64(Bytes* file, std::size_t offset, std::uint64_t value);
void put_f32(Bytes* file, std::size_t offset, float value);
void put_f64(Bytes* file, std::size_t offset, double value);
std::uint32_t get_u32(const Bytes& file, std::size_t offset);
std::uint64_t get_u64(const Bytes& file, std::size_t offset);

}  // namespace model_builder
