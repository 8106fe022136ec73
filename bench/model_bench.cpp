// SPDX-License-Identifier: Apache-2.0
// Latency, memory and start-up of whole networks, through the public header alone.
//
//   model_bench MODEL.fovea [MODEL.fovea ...] [--isa NAME] [--layers] [Google Benchmark options]
//
// For each model, decoding and preprocessing excluded: the network with 1 and with 2 threads; loading from the page
// cache to a ready session; and starting in a process of its own, with its first inference and its peak memory.
// --layers prints, after these, each step of a network on one thread beside the peak of the core, and how much of its roofline it
// reaches: of the least time that its arithmetic or its loads and stores take on this core.
// Run it pinned and alone: taskset -c 1 for one thread.
#include <benchmark/benchmark.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "bench/core_bandwidth.h"
#include "bench/core_peak.h"
#include "bench/emulation.h"
#include "bench/figures.h"
#include "fovea/fovea.h"

namespace {

using fovea::bench::measure_peak;
using fovea::bench::percentile;
using fovea::bench::seconds_now;
using fovea::bench::stem;

// A smooth picture with some texture: pixel values decide nothing about the speed, but denormals
// and saturation should not come in by accident.
std::vector<std::uint8_t> test_picture(std::size_t height, std::size_t width, std::size_t channels) {
    std::vector<std::uint8_t> pixels(height * width * channels);
    std::uint32_t state = 1;
    for (std::size_t i = 0; i < pixels.size(); ++i) {
        state = state * 1664525u + 1013904223u;
        pixels[i] = static_cast<std::uint8_t>(96 + (i / channels % width) * 48 / width + (state >> 27));
    }
    return pixels;
}

// A model with a session and something to run it on.
class Network {
public:
    ~Network() {
        fovea_session_close(&session_);
        fovea_model_close(&model_);
    }

    fovea_status open(const std::string& path, const char* isa, std::uint32_t threads) {
        fovea_session_settings settings;
        fovea_session_settings_init(&settings);
        settings.threads = threads;
        settings.isa = isa;
        settings.typicality = 0;  // the network alone
        fovea_status status = fovea_model_load_file(path.c_str(), nullptr, &model_);
        if (status == FOVEA_OK) status = fovea_session_create(model_, &settings, &session_);
        return status;
    }

    // What is needed to run, and no part of loading.
    fovea_status prepare() {
        info.size = sizeof(info);
        fovea_model_info model_info;
        model_info.size = sizeof(model_info);
        fovea_status status = fovea_session_describe(session_, &info);
        if (status == FOVEA_OK) status = fovea_model_describe(model_, &model_info);
        if (status != FOVEA_OK) return status;
        pixels_ = test_picture(info.input_height, info.input_width, info.input_channels);
        logits_.resize(model_info.logit_count);
        return FOVEA_OK;
    }

    fovea_status run() {
        const fovea_status status = fovea_run(session_, pixels_.data(), FOVEA_U8, logits_.data(), nullptr);
        benchmark::DoNotOptimize(logits_.data());
        return status;
    }

    fovea_session* session() { return session_; }

    fovea_session_info info;

private:
    fovea_model* model_ = nullptr;
    fovea_session* session_ = nullptr;
    std::vector<std::uint8_t> pixels_;
    std::vector<float> logits_;
};

// Operations a second that a core reaches by the instructions of a step's kernel, for each kind of them the best that was measured.
class Peaks {
public:
    explicit Peaks(const char* isa) : floats_(fovea::bench::peak_work(isa)) {}

    double of(const char* kernel) {
        double (*const of_codes)(long) = fovea::bench::code_peak_work(kernel);
        double (*const work)(long) = of_codes != nullptr ? of_codes : floats_;
        const auto [place, is_new] = best_.try_emplace(work, 0.0);
        if (is_new) place->second = measure_peak(work, 50);
        return place->second;
    }
    double of_floats() { return of(""); }
    // Of those that were asked for.
    void measure_again() {
        for (auto& [work, best] : best_) best = std::max(best, measure_peak(work, 200));
    }
    // What a core takes at least for a step's multiply-adds; 0 where there is no peak.
    double least_seconds(const fovea_step_time& step) {
        const double peak = of(step.kernel);
        return peak > 0.0 ? 2.0 * static_cast<double>(step.multiply_adds) / peak : 0.0;
    }

private:
    double (*floats_)(long);
    std::map<double (*)(long), double> best_;
};

// The times of a network's steps in the next run; empty if it fails.
std::vector<fovea_step_time> profile_once(Network& network) {
    fovea_session_profile(network.session(), 1);
    if (network.run() != FOVEA_OK) return {};
    std::vector<fovea_step_time> steps(fovea_session_step_times(network.session(), nullptr, 0));
    if (steps.empty()) return {};
    steps[0].size = sizeof(fovea_step_time);
    fovea_session_step_times(network.session(), steps.data(), static_cast<std::uint32_t>(steps.size()));
    return steps;
}

void bench_run(benchmark::State& state, const std::string& path, const char* isa, std::uint32_t threads) {
    Network network;
    fovea_status status = network.open(path, isa, threads);
    if (status == FOVEA_OK) status = network.prepare();
    if (status == FOVEA_OK) status = network.run();  // the first run is measured apart
    std::vector<double> seconds;
    for (auto _ : state) {
        const double start = seconds_now();
        if (status == FOVEA_OK) status = network.run();
        seconds.push_back(seconds_now() - start);
        if (status != FOVEA_OK) {
            state.SkipWithError(fovea_status_string(status));
            return;
        }
    }
    const double best = percentile(seconds, 0.0);
    state.counters["best_ms"] = best * 1e3;
    state.counters["p50_ms"] = percentile(seconds, 0.5) * 1e3;
    state.counters["p90_ms"] = percentile(seconds, 0.9) * 1e3;
    state.counters["p99_ms"] = percentile(seconds, 0.99) * 1e3;
    state.counters["workspace_MiB"] = static_cast<double>(network.info.workspace_bytes) / (1 << 20);
    state.counters["GMAC/s"] = static_cast<double>(network.info.multiply_adds) / best * 1e-9;
    Peaks peaks(network.info.isa);
    double least = 0.0;
    for (const fovea_step_time& step : profile_once(network)) least += peaks.least_seconds(step);
    if (least > 0.0) state.counters["%peak"] = 100.0 * least / best / network.info.threads;
    state.SetLabel(network.info.isa);
}

void bench_load(benchmark::State& state, const std::string& path, const char* isa) {
    for (auto _ : state) {
        Network network;
        const fovea_status status = network.open(path, isa, 1);
        if (status != FOVEA_OK) {
            state.SkipWithError(fovea_status_string(status));
            return;
        }
    }
}

// Bytes of a line of /proc/self/status; 0 where there is none.
double resident_bytes(const char* field) {
    std::FILE* file = std::fopen("/proc/self/status", "r");
    if (file == nullptr) return 0.0;
    char line[256];
    double bytes = 0.0;
    while (std::fgets(line, sizeof(line), file) != nullptr) {
        if (std::strncmp(line, field, std::strlen(field)) == 0) bytes = 1024.0 * std::atof(line + std::strlen(field));
    }
    std::fclose(file);
    return bytes;
}

constexpr char kStart[] = "--start-once";

// What a process measures of its own start; written to standard output as it lies in memory.
struct Start {
    double load_seconds, first_seconds, later_seconds, peak_bytes;
};

int start_once(const std::string& path, const char* isa) {
    Start start = {};
    Network network;
    const double rss_before = resident_bytes("VmRSS:");
    const double begin = seconds_now();
    fovea_status status = network.open(path, isa, 1);
    start.load_seconds = seconds_now() - begin;
    if (status == FOVEA_OK) status = network.prepare();
    const double first = seconds_now();
    if (status == FOVEA_OK) status = network.run();
    start.first_seconds = seconds_now() - first;
    start.peak_bytes = resident_bytes("VmHWM:") - rss_before;
    std::vector<double> later;
    for (int i = 0; i < 15 && status == FOVEA_OK; ++i) {
        const double again = seconds_now();
        status = network.run();
        later.push_back(seconds_now() - again);
    }
    if (status != FOVEA_OK) return 1;
    start.later_seconds = percentile(later, 0.5);
    return std::fwrite(&start, sizeof(start), 1, stdout) == 1 ? 0 : 1;
}

bool run_start(const std::string& path, const char* isa, Start* start) {
    int ends[2];
    if (pipe(ends) != 0) return false;
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "model_bench", kStart, path.c_str(), isa, static_cast<char*>(nullptr));
        _exit(127);
    }
    close(ends[1]);
    const bool whole = read(ends[0], start, sizeof(*start)) == static_cast<ssize_t>(sizeof(*start));
    close(ends[0]);
    int status = 1;
    return child > 0 && waitpid(child, &status, 0) == child && whole && status == 0;
}

void bench_start(benchmark::State& state, const std::string& path, const char* isa) {
    std::vector<double> load, first, ratio, peak;
    for (auto _ : state) {
        Start start;
        if (!run_start(path, isa, &start)) {
            state.SkipWithError("cannot start");
            return;
        }
        state.SetIterationTime(start.load_seconds + start.first_seconds);
        load.push_back(start.load_seconds);
        first.push_back(start.first_seconds);
        ratio.push_back(start.first_seconds / start.later_seconds);
        peak.push_back(start.peak_bytes);
    }
    state.counters["load_ms"] = percentile(load, 0.0) * 1e3;
    state.counters["first_run_ms"] = percentile(first, 0.0) * 1e3;
    state.counters["first/median"] = percentile(ratio, 0.5);
    state.counters["peak_RSS_MiB"] = percentile(peak, 0.5) / (1 << 20);
}

// Bands are made to stay in the second cache, so that no more than this is where the bandwidth of a step is measured.
constexpr double kBandBytes = 256 * 1024;

// Steps that take less than this part of the time need no reason where they are slow.
constexpr double kSmallPart = 0.01;
constexpr double kSlow = 0.45;  // of the roofline

// Each step at its best of many runs, and sums by kernel.
bool print_layers(const std::string& path, const std::string& name, const char* isa) {
    Network network;
    if (network.open(path, isa, 1) != FOVEA_OK || network.prepare() != FOVEA_OK || network.run() != FOVEA_OK) return false;
    std::vector<fovea_step_time> best = profile_once(network);
    if (best.empty()) return false;
    std::vector<fovea_step_time> steps = best;
    const auto count = static_cast<std::uint32_t>(best.size());
    Peaks peaks(network.info.isa);
    for (const fovea_step_time& step : best) peaks.least_seconds(step);
    peaks.measure_again();
    const double end = seconds_now() + 1.0;
    for (int run = 0; run < 20 || seconds_now() < end; ++run) {
        if (network.run() != FOVEA_OK) return false;
        fovea_session_step_times(network.session(), steps.data(), count);
        for (std::size_t i = 0; i < best.size(); ++i) best[i].seconds = std::min(best[i].seconds, steps[i].seconds);
    }
    peaks.measure_again();

    const auto share_of_peak = [](double least, double seconds) {
        char text[16] = "";
        if (least > 0.0) std::snprintf(text, sizeof(text), "%.0f", 100.0 * least / seconds);
        return std::string(text);
    };
    fovea::bench::Bandwidth bandwidth(fovea::bench::stream_peak(network.info.isa));
    const auto moving_seconds = [&bandwidth](const fovea_step_time& step) {
        const fovea::bench::Traffic traffic = {static_cast<double>(step.bytes_read), static_cast<double>(step.bytes_written)};
        return bandwidth.seconds(traffic, std::min(traffic.bytes(), kBandBytes));
    };
    double total = 0.0, total_least = 0.0, code_peak = 0.0;
    for (const fovea_step_time& step : best) {
        total += step.seconds;
        total_least += peaks.least_seconds(step);
        if (fovea::bench::code_peak_work(step.kernel) != nullptr) code_peak = peaks.of(step.kernel);
    }
    char of_codes[64] = "";
    if (code_peak > 0.0) std::snprintf(of_codes, sizeof(of_codes), ", of 8-bit codes %.1f GOP/s", code_peak * 1e-9);
    std::printf("\n%s on one thread, %s, peak of this core %.1f GFLOP/s%s; each step at its best\n\n", name.c_str(), network.info.isa,
                peaks.of_floats() * 1e-9, of_codes);
    std::printf("| layer | kernel | us | %% of time | MMAC | %% of peak | GB/s | %% of roofline | bound by |\n"
                "|--|--|--:|--:|--:|--:|--:|--:|--|\n");
    struct Sum {
        double seconds = 0.0, least = 0.0;
    };
    std::map<std::string, Sum> kernels;
    std::string slow;
    for (const fovea_step_time& step : best) {
        const double arithmetic = peaks.least_seconds(step);
        const double moving = moving_seconds(step), least = std::max(arithmetic, moving);
        const double reached = least / step.seconds;
        const char* const bound = least <= 0.0 ? "" : arithmetic >= moving ? "multiply-adds" : "loads and stores";
        std::printf("| %s | %s | %.1f | %.1f | %.3f | %s | %.4g | %.0f | %s |\n", step.name, step.kernel, step.seconds * 1e6,
                    100.0 * step.seconds / total, static_cast<double>(step.multiply_adds) * 1e-6,
                    share_of_peak(arithmetic, step.seconds).c_str(),
                    static_cast<double>(step.bytes_read + step.bytes_written) / step.seconds * 1e-9, 100.0 * reached, bound);
        if (least > 0.0 && reached < kSlow && step.seconds > kSmallPart * total) {
            slow += std::string("\n- ") + step.name + " (" + step.kernel + ")";
        }
        Sum& sum = kernels[step.kernel];
        sum.seconds += step.seconds;
        sum.least += arithmetic;
    }
    std::printf("\nsteps above %.0f %% of the time below %.0f %% of their roofline:%s\n", 100.0 * kSmallPart, 100.0 * kSlow,
                slow.empty() ? " none" : slow.c_str());
    std::printf("\n| kernel | us | %% of time | %% of peak |\n|--|--:|--:|--:|\n");
    for (const auto& [kernel, sum] : kernels) {
        std::printf("| %s | %.1f | %.1f | %s |\n", kernel.c_str(), sum.seconds * 1e6, 100.0 * sum.seconds / total,
                    share_of_peak(sum.least, sum.seconds).c_str());
    }
    std::printf("| all | %.1f | 100 | %s |\n", total * 1e6, share_of_peak(total_least, total).c_str());
    return true;
}

void register_model(const std::string& path, const char* isa) {
    for (const std::uint32_t threads : {1u, 2u}) {
        const std::string name = stem(path) + "/run/threads:" + std::to_string(threads);
        benchmark::RegisterBenchmark(name.c_str(), bench_run, path, isa, threads)->Unit(benchmark::kMillisecond)->UseRealTime();
    }
    benchmark::RegisterBenchmark((stem(path) + "/load").c_str(), bench_load, path, isa)
        ->Unit(benchmark::kMillisecond)
        ->UseRealTime();
    benchmark::RegisterBenchmark((stem(path) + "/start").c_str(), bench_start, path, isa)
        ->Unit(benchmark::kMillisecond)
        ->Iterations(7)
        ->UseManualTime();
}

}  // namespace

int main(int argc, char** argv) {
    if (fovea::bench::refuse_under_emulation("model_bench")) return 1;
    if (argc >= 3 && std::strcmp(argv[1], kStart) == 0) return start_once(argv[2], argc > 3 ? argv[3] : nullptr);
    benchmark::Initialize(&argc, argv);
    const char* isa = nullptr;
    bool layers = false;
    std::vector<std::string> paths;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--isa") == 0 && i + 1 < argc) {
            isa = argv[++i];
        } else if (std::strcmp(argv[i], "--layers") == 0) {
            layers = true;
        } else if (argv[i][0] == '-') {
            std::fprintf(stderr, "model_bench: unknown option %s\n", argv[i]);
            return 2;
        } else {
            paths.emplace_back(argv[i]);
        }
    }
    if (paths.empty()) {
        std::fprintf(stderr, "usage: model_bench MODEL.fovea [MODEL.fovea ...] [--isa NAME] [--layers]\n"
                             "networks of the usual sizes: python bench/make_models.py --out build/bench-models\n");
        return 2;
    }
    for (const std::string& path : paths) {
        Network network;
        const fovea_status status = network.open(path, isa, 1);
        if (status != FOVEA_OK) {
            std::fprintf(stderr, "model_bench: %s: %s\n", path.c_str(), fovea_status_string(status));
            return 1;
        }
        register_model(path, isa);
    }
    benchmark::RunSpecifiedBenchmarks();
    for (const std::string& path : paths) {
        if (layers && !print_layers(path, stem(path), isa)) {
            std::fprintf(stderr, "model_bench: %s: the run failed\n", path.c_str());
            return 1;
        }
    }
    return 0;
}
