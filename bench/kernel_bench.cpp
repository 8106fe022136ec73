// SPDX-License-Identifier: Apache-2.0
// Speed of each kernel on the layers of the two nets, beside the peak that this core reaches in the
// same run. "best" is the fastest of many calls, on warm buffers: on a shared machine the mean says
// more about the neighbours. Pin it to a core:
//
//   taskset -c 1 kernel_bench --benchmark_filter=pointwise
//
// %peak is of the FMA peak of the kernel's instruction set, for kernels of codes of its peak of 8-bit
// multiply-adds (code_peak.h); %roofline of what that peak and this core's loads and stores allow,
// with buffers as large: each operand and result moved once.
//
// --cold[=MIB] gives every call other buffers, going round MIB (default 256) of each: past the
// caches, as if other layers had run in between. Conv2d and depthwise read a whole input and write
// row after row to one row.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/emulation.h"
#include "bench/kernel_measure.h"
#include "bench/layer_shapes.h"
#include "ops/conv2d/conv2d.h"
#include "ops/dense/dense.h"
#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace {

using namespace fovea::ops;

using fovea::bench::Floats;
using fovea::bench::measure;
using fovea::bench::register_variants;

// Bytes of buffers of so many floats.
double bytes(double floats) {
    return floats * sizeof(float);
}

std::size_t padded(int channels) {
    return static_cast<std::size_t>((channels + 7) / 8 * 8);
}

void bench_pointwise(benchmark::State& state, PointwiseConvFp32Function function,
                     const PointwiseLayer& layer, int side) {
    const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    const auto in = static_cast<std::size_t>(layer.in_channels);
    const auto out = static_cast<std::size_t>(layer.out_channels);
    const Floats input(pixels * in);
    const Floats output(pixels * out);
    const Floats weights(in * padded(layer.out_channels));
    const Floats bias(padded(layer.out_channels));
    PointwiseConvFp32Args args = {};
    args.input = input.get();
    args.input_stride = layer.in_channels;
    args.output = output.get();
    args.output_stride = layer.out_channels;
    args.weights = weights.get();
    args.bias = bias.get();
    args.pixels = pixels;
    args.in_channels = layer.in_channels;
    args.out_channels = layer.out_channels;
    args.activation =
        layer.out_channels > layer.in_channels ? Activation::kHardSwish : Activation::kNone;
    const double operations = 2.0 * static_cast<double>(pixels) * static_cast<double>(in * out);
    const double n = static_cast<double>(pixels);
    const double read =
        bytes(n * layer.in_channels + static_cast<double>(in * padded(layer.out_channels)));
    measure(state, {operations, {read, bytes(n * layer.out_channels)}}, [&] {
        args.input = input.get();
        args.output = output.get();
        args.weights = weights.get();
        function(args);
    });
}

void bench_conv2d(benchmark::State& state, Conv2dFp32Function function, const ConvLayer& layer,
                  int side) {
    const int out_side = side / layer.stride;
    const auto row_size = static_cast<std::size_t>(side * layer.in_channels);
    const Floats input(row_size * static_cast<std::size_t>(side));
    const Floats output(static_cast<std::size_t>(out_side * layer.out_channels));
    const auto taps = static_cast<std::size_t>(layer.kernel * layer.kernel * layer.in_channels);
    const Floats weights(taps * padded(layer.out_channels));
    const Floats bias(padded(layer.out_channels));
    std::vector<const float*> rows(static_cast<std::size_t>(layer.kernel));
    Conv2dFp32Args args = {};
    args.rows = rows.data();
    args.input_stride = layer.in_channels;
    args.output = output.get();
    args.output_stride = layer.out_channels;
    args.weights = weights.get();
    args.bias = bias.get();
    args.input_width = side;
    args.output_width = out_side;
    args.in_channels = layer.in_channels;
    args.out_channels = layer.out_channels;
    args.groups = 1;
    args.kernel_height = layer.kernel;
    args.kernel_width = layer.kernel;
    args.stride_x = layer.stride;
    args.dilation_x = 1;
    args.pad_left = layer.pad;
    args.activation = Activation::kHardSwish;
    const double operations =
        2.0 * out_side * out_side * layer.out_channels * static_cast<double>(taps);
    const double read = bytes(static_cast<double>(row_size) * side +
                              static_cast<double>(taps * padded(layer.out_channels)));
    measure(state, {operations, {read, bytes(1.0 * out_side * out_side * layer.out_channels)}},
            [&] {
                args.output = output.get();
                args.weights = weights.get();
                for (int y = 0; y < out_side; ++y) {
                    for (int a = 0; a < layer.kernel; ++a) {
                        const int row = y * layer.stride + a - layer.pad;
                        rows[static_cast<std::size_t>(a)] =
                            row >= 0 && row < side
                                ? input.get() + static_cast<std::size_t>(row) * row_size
                                : nullptr;
                    }
                    function(args);
                }
            });
}

void bench_depthwise(benchmark::State& state, DepthwiseConvFp32Function function,
                     const DepthwiseLayer& layer, int side) {
    const int out_side = (side + layer.stride - 1) / layer.stride;
    const auto row_size = static_cast<std::size_t>(side * layer.channels);
    const int pad = layer.stride == 1 ? layer.kernel / 2 : (layer.kernel - 1) / 2 - side % 2;
    const Floats input(row_size * static_cast<std::size_t>(side));
    const Floats output(static_cast<std::size_t>(out_side * layer.channels));
    const auto taps = static_cast<std::size_t>(layer.kernel * layer.kernel);
    const Floats weights(taps * padded(layer.channels));
    const Floats bias(padded(layer.channels));
    std::vector<const float*> rows(static_cast<std::size_t>(layer.kernel));
    DepthwiseConvFp32Args args = {};
    args.rows = rows.data();
    args.input_stride = layer.channels;
    args.output = output.get();
    args.output_stride = layer.channels;
    args.weights = weights.get();
    args.bias = bias.get();
    args.input_width = side;
    args.output_width = out_side;
    args.channels = layer.channels;
    args.kernel_height = layer.kernel;
    args.kernel_width = layer.kernel;
    args.stride_x = layer.stride;
    args.dilation_x = 1;
    args.pad_left = pad;
    args.activation = Activation::kHardSwish;
    const double operations =
        2.0 * out_side * out_side * layer.channels * static_cast<double>(taps);
    const double read = bytes(static_cast<double>(row_size) * side +
                              static_cast<double>(taps * padded(layer.channels)));
    measure(state, {operations, {read, bytes(1.0 * out_side * out_side * layer.channels)}}, [&] {
        args.output = output.get();
        args.weights = weights.get();
        for (int y = 0; y < out_side; ++y) {
            for (int a = 0; a < layer.kernel; ++a) {
                const int row = y * layer.stride + a - pad;
                rows[static_cast<std::size_t>(a)] =
                    row >= 0 && row < side ? input.get() + static_cast<std::size_t>(row) * row_size
                                           : nullptr;
            }
            function(args);
        }
    });
}

void bench_dense(benchmark::State& state, DenseFp32Function function, const DenseLayer& layer) {
    const auto in = static_cast<std::size_t>(layer.in_features);
    const Floats input(in);
    const Floats output(static_cast<std::size_t>(layer.out_features));
    const Floats weights(in * padded(layer.out_features));
    const Floats bias(padded(layer.out_features));
    DenseFp32Args args = {};
    args.input = input.get();
    args.output = output.get();
    args.weights = weights.get();
    args.bias = bias.get();
    args.in_features = layer.in_features;
    args.out_features = layer.out_features;
    args.panel_end = (layer.out_features + 7) / 8;
    const double read = bytes(static_cast<double>(in + in * padded(layer.out_features)));
    measure(state,
            {2.0 * static_cast<double>(in) * layer.out_features, {read, bytes(layer.out_features)}},
            [&] {
                args.input = input.get();
                args.output = output.get();
                args.weights = weights.get();
                function(args);
            });
}

void register_all() {
    for (const int input : {512, 224}) {
        const auto scaled = [input](int side) { return side * input / 512; };
        for (const PointwiseLayer& layer : kPointwiseLayers) {
            const int side = scaled(layer.side);
            register_variants(kPointwiseConvFp32,
                              std::string(layer.net) + std::to_string(input) + "/" +
                                  std::to_string(layer.in_channels) + "-" +
                                  std::to_string(layer.out_channels) + "@" + std::to_string(side),
                              [&layer, side](auto& state, auto function) {
                                  bench_pointwise(state, function, layer, side);
                              });
        }
        for (const DepthwiseLayer& layer : kDepthwiseLayers) {
            const int side = scaled(layer.side);
            register_variants(kDepthwiseConvFp32,
                              std::string(layer.net) + std::to_string(input) + "/" +
                                  std::to_string(layer.kernel) + "x" +
                                  std::to_string(layer.kernel) + "s" +
                                  std::to_string(layer.stride) + "-" +
                                  std::to_string(layer.channels) + "@" + std::to_string(side),
                              [&layer, side](auto& state, auto function) {
                                  bench_depthwise(state, function, layer, side);
                              });
        }
        for (const ConvLayer& layer : kConvLayers) {
            const int side = scaled(layer.side);
            register_variants(
                kConv2dFp32,
                std::string(layer.net) + std::to_string(input) + "@" + std::to_string(side),
                [&layer, side](auto& state, auto function) {
                    bench_conv2d(state, function, layer, side);
                });
        }
    }
    for (const DenseLayer& layer : kDenseLayers) {
        register_variants(
            kDenseFp32,
            std::string(layer.net) + "/" + std::to_string(layer.in_features) + "-" +
                std::to_string(layer.out_features),
            [&layer](auto& state, auto function) { bench_dense(state, function, layer); });
    }
    fovea::bench::register_small_kernels();
    fovea::bench::register_code_kernels();
}

}  // namespace

int main(int argc, char** argv) {
    if (fovea::bench::refuse_under_emulation("kernel_bench")) return 1;
    benchmark::Initialize(&argc, argv);
    if (argc == 2 && std::strncmp(argv[1], "--cold", 6) == 0) {
        const char* size = argv[1][6] == '=' ? argv[1] + 7 : "256";
        char* end = nullptr;
        const long mebibytes = std::strtol(size, &end, 10);
        if ((argv[1][6] != '=' && argv[1][6] != '\0') || *end != '\0' || mebibytes < 1 ||
            mebibytes > 4096) {
            std::fprintf(stderr, "kernel_bench: %s: --cold[=MIB] takes 1 to 4096\n", argv[1]);
            return 2;
        }
        fovea::bench::set_cold_bytes(static_cast<std::size_t>(mebibytes) << 20);
        --argc;
    }
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    register_all();
    benchmark::RunSpecifiedBenchmarks();
    std::fprintf(stderr, "peak of this core: %.1f GFLOP/s\n", fovea::bench::best_peak() * 1e-9);
    return 0;
}
