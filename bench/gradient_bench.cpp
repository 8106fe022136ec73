// SPDX-License-Identifier: Apache-2.0
// What one gradient of a network's answer by its input takes beside an inference, through the public header alone.
//
//   gradient_bench MODEL.fovea [MODEL.fovea ...] [--isa NAME] [--threads N] [Google Benchmark options]
//
// Inferences and gradients take turns. For each model: inference_ms and gradient_ms, the best of each; inference_p50_ms and
// gradient_p50_ms, their medians; ratio, the best gradient over the best inference, and ratio_p50, the median over the turns;
// workspace_MiB, what the gradient runs in. An inference is a session's of the same settings; of a network of 8-bit codes gradients are
// of its weights turned back into floats.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/core_peak.h"
#include "bench/emulation.h"
#include "bench/figures.h"
#include "fovea/fovea.h"

namespace {

using fovea::bench::percentile;
using fovea::bench::seconds_now;
using fovea::bench::stem;

struct Request {
    const char* isa = nullptr;
    std::uint32_t threads = 1;
    std::vector<std::string> paths;
};

// A model with a session, an explainer and something to run them on.
class Network {
public:
    ~Network() {
        fovea_explainer_close(&explainer_);
        fovea_session_close(&session_);
        fovea_model_close(&model_);
    }

    fovea_status open(const std::string& path, const Request& request) {
        fovea_session_settings settings;
        fovea_session_settings_init(&settings);
        settings.threads = request.threads;
        settings.isa = request.isa;
        settings.typicality = 0;  // the network alone
        fovea_explain_settings explain;
        fovea_explain_settings_init(&explain);
        explain.method = FOVEA_EXPLAIN_GRADIENT;
        fovea_status status = fovea_model_load_file(path.c_str(), nullptr, &model_);
        if (status == FOVEA_OK) status = fovea_session_create(model_, &settings, &session_);
        if (status == FOVEA_OK) status = fovea_explainer_workspace_size(model_, &settings, &explain, &workspace_bytes);
        if (status == FOVEA_OK) status = fovea_explainer_create(model_, &settings, &explain, &explainer_);
        fovea_session_info info;
        info.size = sizeof(info);
        fovea_model_info model_info;
        model_info.size = sizeof(model_info);
        if (status == FOVEA_OK) status = fovea_session_describe(session_, &info);
        if (status == FOVEA_OK) status = fovea_model_describe(model_, &model_info);
        if (status != FOVEA_OK) return status;
        isa = info.isa;
        logits_.resize(model_info.logit_count);
        // A smooth ramp with some texture, so that neither side of an activation is rare.
        pixels_.resize(std::size_t{info.input_height} * info.input_width * info.input_channels);
        std::uint32_t state = 1;
        for (std::size_t i = 0; i < pixels_.size(); ++i) {
            state = state * 1664525u + 1013904223u;
            const std::size_t column = i / info.input_channels % info.input_width;
            pixels_[i] = static_cast<std::uint8_t>(96 + column * 48 / info.input_width + (state >> 27));
        }
        return FOVEA_OK;
    }

    fovea_status infer(double* seconds) {
        const double start = seconds_now();
        const fovea_status status = fovea_run(session_, pixels_.data(), FOVEA_U8, logits_.data(), nullptr);
        *seconds = seconds_now() - start;
        return status;
    }

    fovea_status explain(double* seconds) {
        fovea_explanation explanation;
        explanation.size = sizeof(explanation);
        const double start = seconds_now();
        const fovea_status status = fovea_explain(explainer_, pixels_.data(), FOVEA_U8, logits_.data(), &explanation);
        *seconds = seconds_now() - start;
        return status;
    }

    std::size_t workspace_bytes = 0;
    std::string isa;

private:
    fovea_model* model_ = nullptr;
    fovea_session* session_ = nullptr;
    fovea_explainer* explainer_ = nullptr;
    std::vector<std::uint8_t> pixels_;
    std::vector<float> logits_;
};

void bench_gradient(benchmark::State& state, const std::string& path, const Request& request) {
    Network network;
    fovea_status status = network.open(path, request);
    double inference = 0.0, gradient = 0.0;
    if (status == FOVEA_OK) status = network.infer(&inference);  // into the warm state
    if (status == FOVEA_OK) status = network.explain(&gradient);
    std::vector<double> inferences, gradients, ratios;
    for (auto _ : state) {
        if (status == FOVEA_OK) status = network.infer(&inference);
        if (status == FOVEA_OK) status = network.explain(&gradient);
        if (status != FOVEA_OK) {
            state.SkipWithError(fovea_status_string(status));
            return;
        }
        inferences.push_back(inference);
        gradients.push_back(gradient);
        ratios.push_back(gradient / inference);
    }
    state.counters["inference_ms"] = percentile(inferences, 0.0) * 1e3;
    state.counters["inference_p50_ms"] = percentile(inferences, 0.5) * 1e3;
    state.counters["gradient_ms"] = percentile(gradients, 0.0) * 1e3;
    state.counters["gradient_p50_ms"] = percentile(gradients, 0.5) * 1e3;
    state.counters["ratio"] = percentile(gradients, 0.0) / percentile(inferences, 0.0);
    state.counters["ratio_p50"] = percentile(ratios, 0.5);
    state.counters["workspace_MiB"] = static_cast<double>(network.workspace_bytes) / (1 << 20);
    state.SetLabel(network.isa);
}

}  // namespace

int main(int argc, char** argv) {
    if (fovea::bench::refuse_under_emulation("gradient_bench")) return 1;
    benchmark::Initialize(&argc, argv);
    Request request;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--isa") == 0 && i + 1 < argc) {
            request.isa = argv[++i];
        } else if (std::strcmp(argv[i], "--threads") == 0 && i + 1 < argc) {
            request.threads = static_cast<std::uint32_t>(std::strtoul(argv[++i], nullptr, 10));
        } else if (argv[i][0] == '-') {
            std::fprintf(stderr, "gradient_bench: unknown option %s\n", argv[i]);
            return 2;
        } else {
            request.paths.emplace_back(argv[i]);
        }
    }
    if (request.paths.empty()) {
        std::fprintf(stderr, "usage: gradient_bench MODEL.fovea [MODEL.fovea ...] [--isa NAME] [--threads N]\n"
                             "networks of the usual sizes: python bench/make_models.py --out build/bench-models\n");
        return 2;
    }
    for (const std::string& path : request.paths) {
        Network network;
        const fovea_status status = network.open(path, request);
        if (status != FOVEA_OK) {
            std::fprintf(stderr, "gradient_bench: %s: %s\n", path.c_str(), fovea_status_string(status));
            return 1;
        }
        benchmark::RegisterBenchmark(stem(path).c_str(), [&](benchmark::State& state) { bench_gradient(state, path, request); })
            ->Unit(benchmark::kMillisecond)
            ->UseRealTime();
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
