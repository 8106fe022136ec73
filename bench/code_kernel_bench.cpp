// SPDX-License-Identifier: Apache-2.0
// kernel_bench's rows of the kernels of codes: the same layers as those of floats.
#include <string>
#include <vector>

#include "bench/kernel_measure.h"
#include "bench/layer_shapes.h"
#include "ops/codes/code_maps.h"
#include "ops/conv2d/conv2d_codes.h"
#include "ops/depthwise_conv/depthwise_conv_codes.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"
#include "ops/pool/global_pool_codes.h"

namespace fovea::bench {
namespace {

using namespace fovea::ops;

constexpr std::size_t kMostChannels = 1024;

std::size_t padded(int channels) {
    return static_cast<std::size_t>((channels + 7) / 8 * 8);
}

template <typename Code>
constexpr CodeType kCodeType = sizeof(Code) == 1 ? CodeType::kU8 : CodeType::kS16;

// Memory of so many bytes, in as many copies as that of floats.
class Codes : Floats {
  public:
    explicit Codes(std::size_t bytes) : Floats((bytes + 3) / 4) {}
    template <typename Code>
    Code* get() const {
        return reinterpret_cast<Code*>(Floats::get());
    }
};

// Constants of every channel, so that sums of such layers become codes of all sizes.
struct Constants {
    Constants(float multiplier, float swish_multiplier) {
        for (std::size_t c = 0; c < kMostChannels; ++c) {
            multipliers[c] = multiplier;
            swish_multipliers[c] = swish_multiplier;
            offsets[c] = 3.0f;
            zeros[c] = 100;
            biases[c] = 0;
        }
    }
    Requantisation requantisation(Activation activation) const {
        return {multipliers, activation == Activation::kHardSwish ? swish_multipliers : nullptr, zeros,
                activation};
    }

    alignas(64) float multipliers[kMostChannels], swish_multipliers[kMostChannels], offsets[kMostChannels];
    alignas(64) std::int32_t zeros[kMostChannels], biases[kMostChannels];
};

const Constants& constants_of(CodeType type) {
    static const Constants of_bytes(1.0f / 4096, 4.0f), of_words(1.0f / (1 << 20), 1024.0f);
    return type == CodeType::kU8 ? of_bytes : of_words;
}

template <typename Code>
void bench_pointwise(benchmark::State& state, void (*function)(const PointwiseConvCodesArgs<Code>&),
                     const PointwiseLayer& layer, int side) {
    const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    const auto in = static_cast<std::size_t>(layer.in_channels);
    const auto out = static_cast<std::size_t>(layer.out_channels);
    const std::size_t weight_bytes = (in + 3) / 4 * 4 * padded(layer.out_channels);
    const Codes input(pixels * in * sizeof(Code)), output(pixels * out * sizeof(Code)),
        weights(weight_bytes);
    const Constants& constants = constants_of(kCodeType<Code>);
    const Activation activation =
        layer.out_channels > layer.in_channels ? Activation::kHardSwish : Activation::kNone;
    const double n = static_cast<double>(pixels), size = sizeof(Code);
    measure(state,
            {2.0 * n * static_cast<double>(in * out),
             {n * size * layer.in_channels + static_cast<double>(weight_bytes),
              n * size * layer.out_channels}},
            [&] {
                function({.input = input.template get<Code>(),
                          .input_stride = layer.in_channels,
                          .output = {output.template get<Code>(), kCodeType<Code>, layer.out_channels},
                          .weights = weights.get<std::int8_t>(),
                          .bias = constants.biases,
                          .requantisation = constants.requantisation(activation),
                          .pixels = pixels,
                          .in_channels = layer.in_channels,
                          .out_channels = layer.out_channels});
            });
}

// A window's convolution: calls `of_row` with the rows of each output row.
template <typename Code, typename OfRow>
void for_each_row(const Code* input, std::size_t row_size, int side, int out_side, int kernel, int stride,
                  int pad, const OfRow& of_row) {
    std::vector<const Code*> rows(static_cast<std::size_t>(kernel));
    for (int y = 0; y < out_side; ++y) {
        for (int a = 0; a < kernel; ++a) {
            const int row = y * stride + a - pad;
            rows[static_cast<std::size_t>(a)] =
                row >= 0 && row < side ? input + static_cast<std::size_t>(row) * row_size : nullptr;
        }
        of_row(rows.data());
    }
}

template <typename Code>
void bench_conv2d(benchmark::State& state, void (*function)(const Conv2dCodesArgs<Code>&),
                  const ConvLayer& layer, int side) {
    const int out_side = side / layer.stride;
    const auto row_size = static_cast<std::size_t>(side * layer.in_channels);
    const auto taps = static_cast<std::size_t>(layer.kernel * layer.kernel);
    const std::size_t weight_bytes =
        taps * static_cast<std::size_t>((layer.in_channels + 3) / 4 * 4) * padded(layer.out_channels);
    const Codes input(row_size * static_cast<std::size_t>(side) * sizeof(Code)),
        output(static_cast<std::size_t>(out_side * layer.out_channels) * sizeof(Code)),
        weights(weight_bytes);
    const Constants& constants = constants_of(kCodeType<Code>);
    const double out_pixels = 1.0 * out_side * out_side, size = sizeof(Code);
    measure(state,
            {2.0 * out_pixels * layer.out_channels * static_cast<double>(taps) * layer.in_channels,
             {size * static_cast<double>(row_size) * side + static_cast<double>(weight_bytes),
              size * out_pixels * layer.out_channels}},
            [&] {
                for_each_row(input.template get<Code>(), row_size, side, out_side, layer.kernel,
                             layer.stride, layer.pad, [&](const Code* const* rows) {
                    function({.rows = rows,
                              .input_stride = layer.in_channels,
                              .output = {output.template get<Code>(), kCodeType<Code>, layer.out_channels},
                              .weights = weights.get<std::int8_t>(),
                              .bias = constants.biases,
                              .input_zero = constants.zeros,
                              .requantisation = constants.requantisation(Activation::kHardSwish),
                              .input_width = side,
                              .output_width = out_side,
                              .in_channels = layer.in_channels,
                              .out_channels = layer.out_channels,
                              .kernel_height = layer.kernel,
                              .kernel_width = layer.kernel,
                              .stride_x = layer.stride,
                              .dilation_x = 1,
                              .pad_left = layer.pad});
                });
            });
}

template <typename Code>
void bench_depthwise(benchmark::State& state, void (*function)(const DepthwiseConvCodesArgs<Code>&),
                     const DepthwiseLayer& layer, int side) {
    const int out_side = (side + layer.stride - 1) / layer.stride;
    const auto row_size = static_cast<std::size_t>(side * layer.channels);
    const int pad = layer.stride == 1 ? layer.kernel / 2 : (layer.kernel - 1) / 2 - side % 2;
    const auto taps = static_cast<std::size_t>(layer.kernel * layer.kernel);
    const Codes input(row_size * static_cast<std::size_t>(side) * sizeof(Code)),
        output(static_cast<std::size_t>(out_side * layer.channels) * sizeof(Code)),
        weights(taps * padded(layer.channels));
    const Constants& constants = constants_of(kCodeType<Code>);
    const double out_values = 1.0 * out_side * out_side * layer.channels, size = sizeof(Code);
    measure(state,
            {2.0 * out_values * static_cast<double>(taps),
             {size * static_cast<double>(row_size) * side + static_cast<double>(taps * padded(layer.channels)),
              size * out_values}},
            [&] {
                for_each_row(input.template get<Code>(), row_size, side, out_side, layer.kernel,
                             layer.stride, pad, [&](const Code* const* rows) {
                    function({.rows = rows,
                              .input_stride = layer.channels,
                              .output = {output.template get<Code>(), kCodeType<Code>, layer.channels},
                              .weights = weights.get<std::int8_t>(),
                              .bias = constants.biases,
                              .input_zero = constants.zeros,
                              .requantisation = constants.requantisation(Activation::kHardSwish),
                              .input_width = side,
                              .output_width = out_side,
                              .channels = layer.channels,
                              .kernel_height = layer.kernel,
                              .kernel_width = layer.kernel,
                              .stride_x = layer.stride,
                              .dilation_x = 1,
                              .pad_left = pad});
                });
            });
}

// Maps of bytes: what is read and written is all there is to do.
struct Maps {
    Maps(const MapLayer& map, int input, int side)
        : name(std::string(map.net) + std::to_string(input) + "/" + std::to_string(map.channels) + "@" +
               std::to_string(side)),
          pixels(static_cast<std::size_t>(side) * static_cast<std::size_t>(side)), channels(map.channels) {}

    double bytes() const { return static_cast<double>(pixels) * channels; }
    std::size_t size() const { return pixels * static_cast<std::size_t>(channels); }

    std::string name;
    std::size_t pixels;
    int channels;
};

void bench_add(benchmark::State& state, AddCodesFunction function, const Maps& maps) {
    const Codes left(maps.size()), right(maps.size()), output(maps.size());
    const Constants& constants = constants_of(CodeType::kU8);
    measure(state, {0.0, {2.0 * maps.bytes(), maps.bytes()}}, [&] {
        function({.left = {left.get<std::uint8_t>(), CodeType::kU8, maps.channels},
                  .right = {right.get<std::uint8_t>(), CodeType::kU8, maps.channels},
                  .output = {output.get<std::uint8_t>(), CodeType::kU8, maps.channels},
                  .left_multiplier = constants.multipliers,
                  .right_multiplier = constants.swish_multipliers,
                  .offset = constants.offsets,
                  .zero = constants.zeros,
                  .pixels = maps.pixels,
                  .channels = maps.channels});
    });
}

void bench_gate(benchmark::State& state, GateCodesFunction function, const Maps& maps) {
    const Codes input(maps.size()), output(maps.size());
    const Constants& constants = constants_of(CodeType::kU8);
    measure(state, {0.0, {maps.bytes(), maps.bytes()}}, [&] {
        function({.input = {input.get<std::uint8_t>(), CodeType::kU8, maps.channels},
                  .output = {output.get<std::uint8_t>(), CodeType::kU8, maps.channels},
                  .gate = constants.offsets,
                  .input_zero = constants.zeros,
                  .multiplier = constants.multipliers,
                  .zero = constants.zeros,
                  .pixels = maps.pixels,
                  .channels = maps.channels});
    });
}

void bench_pool(benchmark::State& state, GlobalPoolCodesFunction function, const Maps& maps, PoolKind kind) {
    const Codes input(maps.size());
    const Constants& constants = constants_of(CodeType::kU8);
    std::vector<float> output(kMostChannels);
    measure(state, {0.0, {maps.bytes(), sizeof(float) * static_cast<double>(maps.channels)}}, [&] {
        function({.input = {input.get<std::uint8_t>(), CodeType::kU8, maps.channels},
                  .output = output.data(),
                  .scale = constants.multipliers,
                  .zero = constants.zeros,
                  .pixels = maps.pixels,
                  .channel_begin = 0,
                  .channel_end = maps.channels,
                  .kind = kind});
    });
}

// The caller's pixels, to words.
void bench_pixels(benchmark::State& state, QuantisePixelsFunction function, int side) {
    constexpr int kChannels = 3;
    const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    const Codes input(pixels * kChannels), output(pixels * kChannels * sizeof(std::int16_t));
    const Constants& constants = constants_of(CodeType::kS16);
    const double values = static_cast<double>(pixels) * kChannels;
    measure(state, {0.0, {values, values * sizeof(std::int16_t)}}, [&] {
        function({.input = input.get<std::uint8_t>(),
                  .output = {output.get<std::int16_t>(), CodeType::kS16, kChannels},
                  .multiplier = constants.multipliers,
                  .offset = constants.offsets,
                  .zero = constants.zeros,
                  .pixels = pixels,
                  .channels = kChannels});
    });
}

template <typename Table, typename Layer, typename Bench>
void register_layer(const Table& table, const std::string& name, const Layer& layer, int side, const Bench& bench) {
    register_variants(table, name,
                      [&layer, side, bench](auto& state, auto function) { bench(state, function, layer, side); });
}

void register_convolutions(int input) {
    const std::string size = std::to_string(input) + "/";
    const auto scaled = [input](int side) { return side * input / 512; };
    for (const PointwiseLayer& layer : kPointwiseLayers) {
        const int side = scaled(layer.side);
        const std::string name = layer.net + size + std::to_string(layer.in_channels) + "-" +
                                 std::to_string(layer.out_channels) + "@" + std::to_string(side);
        register_layer(kPointwiseConvU8S8, name, layer, side, bench_pointwise<std::uint8_t>);
        register_layer(kPointwiseConvS16S8, name, layer, side, bench_pointwise<std::int16_t>);
    }
    for (const DepthwiseLayer& layer : kDepthwiseLayers) {
        const int side = scaled(layer.side);
        const std::string kernel = std::to_string(layer.kernel);
        const std::string name = layer.net + size + kernel + "x" + kernel + "s" + std::to_string(layer.stride) + "-" +
                                 std::to_string(layer.channels) + "@" + std::to_string(side);
        register_layer(kDepthwiseConvU8S8, name, layer, side, bench_depthwise<std::uint8_t>);
        register_layer(kDepthwiseConvS16S8, name, layer, side, bench_depthwise<std::int16_t>);
    }
    for (const ConvLayer& layer : kConvLayers) {
        const int side = scaled(layer.side);
        const std::string name = layer.net + std::to_string(input) + "@" + std::to_string(side);
        register_layer(kConv2dU8S8, name, layer, side, bench_conv2d<std::uint8_t>);
        register_layer(kConv2dS16S8, name, layer, side, bench_conv2d<std::int16_t>);
    }
}

}  // namespace

void register_code_kernels() {
    for (const int input : {512, 224}) {
        register_convolutions(input);
        for (const MapLayer& map : kGatedMaps) {
            const Maps maps(map, input, map.side * input / 512);
            register_variants(kGateCodes, maps.name,
                              [maps](auto& state, auto function) { bench_gate(state, function, maps); });
            register_variants(kAddCodes, maps.name,
                              [maps](auto& state, auto function) { bench_add(state, function, maps); });
            register_variants(kGlobalPoolCodes, "average/" + maps.name, [maps](auto& state, auto function) {
                bench_pool(state, function, maps, PoolKind::kAverage);
            });
        }
        register_variants(kQuantisePixels, std::to_string(input),
                          [input](auto& state, auto function) { bench_pixels(state, function, input); });
    }
}

}  // namespace fovea::bench
