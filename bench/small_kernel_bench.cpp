// SPDX-License-Identifier: Apache-2.0
// kernel_bench's rows of the kernels that do little arithmetic on what they load: pools, gates,
// additions, activations, conversions.
#include <string>
#include <vector>

#include "bench/kernel_measure.h"
#include "bench/layer_shapes.h"
#include "ops/activation/activation.h"
#include "ops/affine/affine.h"
#include "ops/binary/binary.h"
#include "ops/channel_reduce/channel_reduce.h"
#include "ops/gate/gate.h"
#include "ops/pool/pool.h"
#include "ops/widen/widen.h"

namespace fovea::bench {
namespace {

using namespace fovea::ops;

constexpr double kFloat = sizeof(float);

std::string map_name(const MapLayer& map, int input, int side) {
    return std::string(map.net) + std::to_string(input) + "/" + std::to_string(map.channels) + "@" +
           std::to_string(side);
}

void bench_global_pool(benchmark::State& state, GlobalPoolFp32Function function, int channels,
                       int side, PoolKind kind) {
    const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    const Floats input(pixels * static_cast<std::size_t>(channels)),
        output(static_cast<std::size_t>(channels));
    const double elements = static_cast<double>(pixels) * channels;
    measure(state, {0.0, {kFloat * elements, kFloat * channels}}, [&] {
        function({.input = input.get(),
                  .input_stride = channels,
                  .output = output.get(),
                  .pixels = pixels,
                  .channel_begin = 0,
                  .channel_end = channels,
                  .kind = kind});
    });
}

// The attention head's pools: one window as large as the map.
void bench_pool(benchmark::State& state, PoolFp32Function function, int channels, int side,
                PoolKind kind) {
    const auto row = static_cast<std::size_t>(side) * static_cast<std::size_t>(channels);
    const Floats input(row * static_cast<std::size_t>(side)),
        output(static_cast<std::size_t>(channels));
    std::vector<const float*> rows(static_cast<std::size_t>(side));
    measure(state, {0.0, {kFloat * static_cast<double>(row) * side, kFloat * channels}}, [&] {
        for (std::size_t y = 0; y < rows.size(); ++y) rows[y] = input.get() + y * row;
        function({.rows = rows.data(),
                  .input_stride = channels,
                  .output = output.get(),
                  .output_stride = channels,
                  .input_width = side,
                  .output_width = 1,
                  .channels = channels,
                  .window_height = side,
                  .window_width = side,
                  .stride_x = side,
                  .pad_left = 0,
                  .kind = kind,
                  .count_padding = false});
    });
}

void bench_channel_reduce(benchmark::State& state, ChannelReduceFp32Function function, int channels,
                          int side, PoolKind kind) {
    const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    const Floats input(pixels * static_cast<std::size_t>(channels)), output(pixels);
    const double n = static_cast<double>(pixels);
    measure(state, {0.0, {kFloat * n * channels, kFloat * n}}, [&] {
        function({.input = input.get(),
                  .input_stride = channels,
                  .output = output.get(),
                  .output_stride = 1,
                  .pixels = pixels,
                  .channels = channels,
                  .kind = kind});
    });
}

// What the right operand is: a number a channel, a number a pixel, or a whole map.
enum class Right { kVector, kPlane, kMap };

void bench_binary(benchmark::State& state, BinaryFp32Function function, int channels, int side,
                  Right right, BinaryKind kind) {
    const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    const std::size_t count = pixels * static_cast<std::size_t>(channels);
    const std::size_t right_count = right == Right::kMap     ? count
                                    : right == Right::kPlane ? pixels
                                                             : static_cast<std::size_t>(channels);
    const Floats left(count), other(right_count), output(count);
    const double elements = static_cast<double>(count);
    measure(state,
            {0.0, {kFloat * (elements + static_cast<double>(right_count)), kFloat * elements}},
            [&] {
                function({.left = left.get(),
                          .left_stride = channels,
                          .right = other.get(),
                          .right_pixel_stride = right == Right::kMap     ? channels
                                                : right == Right::kPlane ? 1
                                                                         : 0,
                          .right_channel_stride = right == Right::kPlane ? 0 : 1,
                          .output = output.get(),
                          .output_stride = channels,
                          .pixels = pixels,
                          .channels = channels,
                          .kind = kind});
            });
}

void bench_affine_pixels_fp32(benchmark::State& state, AffinePixelsFp32Function function, int side) {
    constexpr int kChannels = 3;
    const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    const Floats input(pixels), output(pixels * kChannels), scale(kChannels), offset(kChannels);
    const double elements = static_cast<double>(pixels) * kChannels;
    measure(state, {2.0 * elements, {elements, kFloat * elements}}, [&] {
        function({.input = reinterpret_cast<const std::uint8_t*>(input.get()),
                  .output = output.get(),
                  .scale = scale.get(),
                  .offset = offset.get(),
                  .pixels = pixels,
                  .channels = kChannels});
    });
}

void bench_affine(benchmark::State& state, AffineFp32Function function, int channels, int side) {
    const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    const auto features = static_cast<std::size_t>(channels);
    const Floats input(pixels * features), output(pixels * features), scale(features),
        offset(features);
    const double elements = static_cast<double>(pixels) * channels;
    measure(state, {2.0 * elements, {kFloat * (elements + 2.0 * channels), kFloat * elements}},
            [&] {
                function({.input = input.get(),
                          .output = output.get(),
                          .scale = scale.get(),
                          .offset = offset.get(),
                          .pixels = pixels,
                          .channels = channels});
            });
}

void bench_activation(benchmark::State& state, ActivationFp32Function function, std::size_t count,
                      Activation activation) {
    const Floats input(count), output(count);
    const double elements = static_cast<double>(count);
    measure(state, {0.0, {kFloat * elements, kFloat * elements}}, [&] {
        function({.input = input.get(),
                  .output = output.get(),
                  .count = count,
                  .activation = activation,
                  .parameter = 0.0f});
    });
}

void bench_gate(benchmark::State& state, GateFp32Function function, const WeightLayer& layer) {
    const auto in = static_cast<std::size_t>(layer.in_channels);
    const auto panels = static_cast<std::size_t>(layer.out_channels + 7) / 8;
    const Floats weights(panels * 8 * in), gate(in), output(panels * 8 * in);
    const double elements = static_cast<double>(panels * 8 * in);
    measure(state, {elements, {kFloat * (elements + layer.in_channels), kFloat * elements}}, [&] {
        function({.weights = weights.get(),
                  .gate = gate.get(),
                  .output = output.get(),
                  .panels = panels,
                  .in_channels = in});
    });
}

void bench_widen(benchmark::State& state, WidenFp16Function function, const WeightLayer& layer) {
    const std::size_t count = static_cast<std::size_t>(layer.in_channels) *
                              static_cast<std::size_t>((layer.out_channels + 7) / 8 * 8);
    const Floats input((count + 1) / 2), output(count);
    const double elements = static_cast<double>(count);
    measure(state, {0.0, {2.0 * elements, kFloat * elements}}, [&] {
        function({.input = reinterpret_cast<const std::uint16_t*>(input.get()),
                  .output = output.get(),
                  .count = count});
    });
}

void register_maps(int input) {
    const auto scaled = [input](int side) { return side * input / 512; };
    for (const MapLayer& map : kGatedMaps) {
        const int side = scaled(map.side), channels = map.channels;
        const std::string name = map_name(map, input, side);
        register_variants(kGlobalPoolFp32, "average/" + name, [=](auto& state, auto function) {
            bench_global_pool(state, function, channels, side, PoolKind::kAverage);
        });
        register_variants(kBinaryFp32, "gate/" + name, [=](auto& state, auto function) {
            bench_binary(state, function, channels, side, Right::kVector, BinaryKind::kMultiply);
        });
    }
    for (const MapLayer& map : kAttentionMaps) {
        const int side = scaled(map.side), channels = map.channels;
        const std::string name = map_name(map, input, side);
        for (const PoolKind kind : {PoolKind::kAverage, PoolKind::kMax}) {
            const std::string kind_name = kind == PoolKind::kMax ? "max/" : "average/";
            register_variants(kPoolFp32, kind_name + name, [=](auto& state, auto function) {
                bench_pool(state, function, channels, side, kind);
            });
            register_variants(kChannelReduceFp32, kind_name + name,
                              [=](auto& state, auto function) {
                                  bench_channel_reduce(state, function, channels, side, kind);
                              });
        }
        register_variants(kBinaryFp32, "plane/" + name, [=](auto& state, auto function) {
            bench_binary(state, function, channels, side, Right::kPlane, BinaryKind::kMultiply);
        });
        register_variants(kBinaryFp32, "add/" + name, [=](auto& state, auto function) {
            bench_binary(state, function, channels, side, Right::kMap, BinaryKind::kAdd);
        });
        register_variants(kAffineFp32, name, [=](auto& state, auto function) {
            bench_affine(state, function, channels, side);
        });
    }
    register_variants(kAffinePixelsFp32, "pixels" + std::to_string(input),
                      [=](auto& state, auto function) { bench_affine_pixels_fp32(state, function, input); });
}

}  // namespace

void register_small_kernels() {
    for (const int input : {512, 224}) register_maps(input);
    for (const std::size_t count : {std::size_t{72}, std::size_t{960}}) {
        register_variants(kActivationFp32, "hard_sigmoid/" + std::to_string(count),
                          [=](auto& state, auto function) {
                              bench_activation(state, function, count, Activation::kHardSigmoid);
                          });
        register_variants(kActivationFp32, "sigmoid/" + std::to_string(count),
                          [=](auto& state, auto function) {
                              bench_activation(state, function, count, Activation::kSigmoid);
                          });
    }
    for (const WeightLayer& layer : kGatedWeights) {
        const std::string name = std::string(layer.net) + "/" + std::to_string(layer.in_channels) +
                                 "-" + std::to_string(layer.out_channels);
        register_variants(kGateFp32, name, [&layer](auto& state, auto function) {
            bench_gate(state, function, layer);
        });
        register_variants(kWidenFp16, name, [&layer](auto& state, auto function) {
            bench_widen(state, function, layer);
        });
    }
}

}  // namespace fovea::bench
