// SPDX-License-Identifier: Apache-2.0
// Speed of each kernel on the layers of the two nets, beside the peak that this core reaches with the
// kernel's instruction set in the same run (a scalar kernel: with its widest). "best" is the fastest of
// many calls, on warm buffers: on a shared machine the mean says more about the neighbours. Pin it to a core:
//
//   taskset -c 1 kernel_bench --benchmark_filter=pointwise
//
// --cold[=MIB] gives every call other buffers, going round MIB (default 256) of each: past the caches, as if
// other layers had run in between. Conv2d and depthwise read a whole input and write row after row to one row.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/core_peak.h"
#include "bench/emulation.h"
#include "bench/fma_peak.h"
#include "bench/layer_shapes.h"
#include "ops/conv2d/conv2d.h"
#include "ops/dense/dense.h"
#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/pointwise_conv/pointwise_conv.h"

namespace {

using namespace fovea::ops;

using fovea::bench::measure_peak;
using fovea::bench::seconds_now;

// The work that a kernel needing these features is a fraction of; the widest for a scalar one.
double (*choose_peak_work(CpuFeatureSet required))(long) {
    [[maybe_unused]] const CpuFeatureSet features = required != kFeatureNone ? required : detect_cpu_features();
#if defined(FOVEA_HAVE_AVX512)
    if (features & kFeatureAvx512) return fma_peak_avx512;
#endif
#if defined(FOVEA_HAVE_AVX2)
    if (features & kFeatureAvx2Fma) return fma_peak_avx2;
#elif defined(FOVEA_HAVE_NEON)
    if (features & kFeatureNeon) return fma_peak_neon;
#endif
    return nullptr;
}

const char* peak_name([[maybe_unused]] double (*work)(long)) {
#if defined(FOVEA_HAVE_AVX512)
    if (work == fma_peak_avx512) return " (AVX-512)";
#endif
#if defined(FOVEA_HAVE_AVX2)
    if (work == fma_peak_avx2) return " (AVX2)";
#endif
    return "";
}

// The best seen so far of each work: a core that speeds up while measuring raises it.
std::map<double (*)(long), double> peaks;

double raise_peak(double (*work)(long), int tries) {
    double& best = peaks[work];
    best = std::max(best, measure_peak(work, tries));
    return best;
}

double (*peak_work)(long) = nullptr;  // that of the kernel measured

// Bytes that each buffer's copies take together with --cold: past the last level of cache. 0: one copy, warm.
std::size_t cold_bytes = 0;
std::size_t calls = 0;  // of the kernel measured; chooses the copy

// Floats of mild size, in as many copies as it takes that a call never finds what the calls before it left in the cache.
class Floats {
public:
    explicit Floats(std::size_t count) : stride_((count * sizeof(float) + 63) / 64 * 16) {
        copies_ = std::max<std::size_t>(1, (cold_bytes + stride_ * sizeof(float) - 1) / (stride_ * sizeof(float)));
        memory_.reset(static_cast<float*>(std::aligned_alloc(64, copies_ * stride_ * sizeof(float))));
        if (memory_ == nullptr) {
            std::fprintf(stderr, "kernel_bench: out of memory; give --cold less\n");
            std::exit(1);
        }
        for (std::size_t i = 0; i < copies_ * stride_; ++i) {
            memory_[i] = static_cast<float>(i % stride_ * 2654435761u % 2048) / 1024.0f - 1.0f;
        }
    }
    float* get() const { return memory_.get() + calls % copies_ * stride_; }

private:
    struct AlignedDelete {
        void operator()(float* pointer) const { std::free(pointer); }
    };
    std::size_t stride_;
    std::size_t copies_ = 1;
    std::unique_ptr<float[], AlignedDelete> memory_;
};

Floats make_floats(std::size_t count) {
    return Floats(count);
}

// Times `call`, which does `operations` floating-point operations.
void measure(benchmark::State& state, double operations, const std::function<void()>& call) {
    const int batch =
        std::max(1, static_cast<int>(1e6 / operations));  // well above the clock's step
    double best = 1e9;
    raise_peak(peak_work, 20);
    for (auto _ : state) {
        const double start = seconds_now();
        for (int i = 0; i < batch; ++i) {
            call();
            ++calls;
        }
        const double elapsed = seconds_now() - start;
        state.SetIterationTime(elapsed / batch);
        best = std::min(best, elapsed / batch);
    }
    const double peak = raise_peak(peak_work, 20);
    state.counters["best_us"] = best * 1e6;
    state.counters["GFLOP/s"] = operations / best * 1e-9;
    if (peak > 0.0) state.counters["%peak"] = 100.0 * operations / best / peak;
}

std::size_t padded(int channels) {
    return static_cast<std::size_t>((channels + 7) / 8 * 8);
}

void bench_pointwise(benchmark::State& state, PointwiseConvFp32Function function,
                     const PointwiseLayer& layer, int side) {
    const auto pixels = static_cast<std::size_t>(side) * static_cast<std::size_t>(side);
    const auto in = static_cast<std::size_t>(layer.in_channels);
    const auto out = static_cast<std::size_t>(layer.out_channels);
    const Floats input = make_floats(pixels * in);
    const Floats output = make_floats(pixels * out);
    const Floats weights = make_floats(in * padded(layer.out_channels));
    const Floats bias = make_floats(padded(layer.out_channels));
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
    measure(state, operations, [&] {
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
    const Floats input = make_floats(row_size * static_cast<std::size_t>(side));
    const Floats output = make_floats(static_cast<std::size_t>(out_side * layer.out_channels));
    const auto taps = static_cast<std::size_t>(layer.kernel * layer.kernel * layer.in_channels);
    const Floats weights = make_floats(taps * padded(layer.out_channels));
    const Floats bias = make_floats(padded(layer.out_channels));
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
    measure(state, operations, [&] {
        args.output = output.get();
        args.weights = weights.get();
        for (int y = 0; y < out_side; ++y) {
            for (int a = 0; a < layer.kernel; ++a) {
                const int row = y * layer.stride + a - layer.pad;
                rows[static_cast<std::size_t>(a)] =
                    row >= 0 && row < side ? input.get() + static_cast<std::size_t>(row) * row_size
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
    const Floats input = make_floats(row_size * static_cast<std::size_t>(side));
    const Floats output = make_floats(static_cast<std::size_t>(out_side * layer.channels));
    const auto taps = static_cast<std::size_t>(layer.kernel * layer.kernel);
    const Floats weights = make_floats(taps * padded(layer.channels));
    const Floats bias = make_floats(padded(layer.channels));
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
    measure(state, operations, [&] {
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
    const Floats input = make_floats(in);
    const Floats output = make_floats(static_cast<std::size_t>(layer.out_features));
    const Floats weights = make_floats(in * padded(layer.out_features));
    const Floats bias = make_floats(padded(layer.out_features));
    DenseFp32Args args = {};
    args.input = input.get();
    args.output = output.get();
    args.weights = weights.get();
    args.bias = bias.get();
    args.in_features = layer.in_features;
    args.out_features = layer.out_features;
    args.panel_end = (layer.out_features + 7) / 8;
    measure(state, 2.0 * static_cast<double>(in) * layer.out_features, [&] {
        args.input = input.get();
        args.output = output.get();
        args.weights = weights.get();
        function(args);
    });
}

template <typename Function, typename Bench>
void register_variants(const KernelTable<Function>& table, const std::string& layer,
                       const Bench& bench) {
    for (std::size_t i = 0; i < table.count; ++i) {
        const KernelVariant<Function> variant = table.variants[i];
        if ((variant.required & ~detect_cpu_features()) != 0) continue;
        benchmark::RegisterBenchmark(
            (variant.name + ("/" + layer)).c_str(),
            [variant, bench](benchmark::State& state) {
                peak_work = choose_peak_work(variant.required);
                bench(state, variant.function);
            })
            ->UseManualTime()
            ->MinTime(0.05)
            ->Unit(benchmark::kMicrosecond);
    }
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
}

}  // namespace

int main(int argc, char** argv) {
    if (fovea::bench::refuse_under_emulation("kernel_bench")) return 1;
    raise_peak(choose_peak_work(kFeatureNone), 500);
    benchmark::Initialize(&argc, argv);
    if (argc == 2 && std::strncmp(argv[1], "--cold", 6) == 0) {
        const char* size = argv[1][6] == '=' ? argv[1] + 7 : "256";
        char* end = nullptr;
        const long mebibytes = std::strtol(size, &end, 10);
        if ((argv[1][6] != '=' && argv[1][6] != '\0') || *end != '\0' || mebibytes < 1 || mebibytes > 4096) {
            std::fprintf(stderr, "kernel_bench: %s: --cold[=MIB] takes 1 to 4096\n", argv[1]);
            return 2;
        }
        cold_bytes = static_cast<std::size_t>(mebibytes) << 20;
        --argc;
    }
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    register_all();
    benchmark::RunSpecifiedBenchmarks();
    for (const auto& [work, best] : peaks) {
        std::fprintf(stderr, "peak of this core%s: %.1f GFLOP/s\n", peak_name(work), best * 1e-9);
    }
    return 0;
}
