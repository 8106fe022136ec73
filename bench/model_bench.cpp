// SPDX-License-Identifier: Apache-2.0
// Latency, working memory and load time of whole networks, through the public header alone.
//
//   model_bench MODEL.fovea [MODEL.fovea ...] [--isa NAME] [Google Benchmark options]
//
// For each model: one run of the network with 1 and with 2 threads (decode and preprocessing excluded),
// and loading it from the page cache to a ready session. Run it pinned and alone: taskset -c 1 for one thread.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "bench/emulation.h"
#include "fovea/fovea.h"

namespace {

struct ModelCloser {
    fovea_model* model = nullptr;
    ~ModelCloser() { fovea_model_close(&model); }
};
struct SessionCloser {
    fovea_session* session = nullptr;
    ~SessionCloser() { fovea_session_close(&session); }
};

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

void bench_run(benchmark::State& state, const std::string& path, const char* isa, std::uint32_t threads) {
    ModelCloser model;
    SessionCloser session;
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.threads = threads;
    settings.isa = isa;
    fovea_status status = fovea_model_load_file(path.c_str(), nullptr, &model.model);
    if (status == FOVEA_OK) status = fovea_session_create(model.model, &settings, &session.session);
    fovea_session_info info;
    info.size = sizeof(info);
    if (status == FOVEA_OK) status = fovea_session_describe(session.session, &info);
    if (status != FOVEA_OK) {
        state.SkipWithError(fovea_status_string(status));
        return;
    }
    const auto pixels = test_picture(info.input_height, info.input_width, info.input_channels);
    std::vector<float> logits(1000);
    for (auto _ : state) {
        if (fovea_run(session.session, pixels.data(), FOVEA_U8, logits.data(), nullptr) != FOVEA_OK) {
            state.SkipWithError("run failed");
            return;
        }
        benchmark::DoNotOptimize(logits.data());
    }
    state.counters["workspace_MiB"] = static_cast<double>(info.workspace_bytes) / (1 << 20);
    state.counters["GMAC/s"] = benchmark::Counter(
        static_cast<double>(info.multiply_adds) * static_cast<double>(state.iterations()) / 1e9,
        benchmark::Counter::kIsRate);
    state.SetLabel(info.isa);
}

void bench_load(benchmark::State& state, const std::string& path, const char* isa) {
    fovea_session_settings settings;
    fovea_session_settings_init(&settings);
    settings.isa = isa;
    for (auto _ : state) {
        ModelCloser model;
        SessionCloser session;
        if (fovea_model_load_file(path.c_str(), nullptr, &model.model) != FOVEA_OK ||
            fovea_session_create(model.model, &settings, &session.session) != FOVEA_OK) {
            state.SkipWithError("cannot load");
            return;
        }
    }
}

std::string stem(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    return name.substr(0, name.rfind('.'));
}

}  // namespace

int main(int argc, char** argv) {
    if (fovea::bench::refuse_under_emulation("model_bench")) return 1;
    benchmark::Initialize(&argc, argv);
    const char* isa = nullptr;
    std::vector<std::string> paths;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--isa") == 0 && i + 1 < argc) {
            isa = argv[++i];
        } else {
            paths.emplace_back(argv[i]);
        }
    }
    if (paths.empty()) {
        std::fprintf(stderr, "usage: model_bench MODEL.fovea [MODEL.fovea ...] [--isa NAME]\n"
                             "networks of the usual sizes: python bench/make_models.py --out build/bench-models\n");
        return 2;
    }
    for (const std::string& path : paths) {
        for (const std::uint32_t threads : {1u, 2u}) {
            const std::string name = stem(path) + "/run/threads:" + std::to_string(threads);
            benchmark::RegisterBenchmark(name.c_str(), bench_run, path, isa, threads)
                ->Unit(benchmark::kMillisecond)
                ->UseRealTime();
        }
        benchmark::RegisterBenchmark((stem(path) + "/load").c_str(), bench_load, path, isa)
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
