// SPDX-License-Identifier: Apache-2.0
#include "bench/kernel_measure.h"

#include <algorithm>
#include <cstdio>
#include <map>

namespace fovea::bench {
namespace {

std::size_t cold_bytes = 0;
std::size_t calls = 0;  // of the kernel measured; chooses the copy

// What the core reaches at an instruction-set level, of floats or of codes.
struct Level {
    Level(const std::string& isa, bool of_codes, double (*peak_of)(long))
        : codes(of_codes), work(peak_of), bandwidth(stream_peak(isa.c_str())) {}

    // The best seen so far: a core that speeds up while measuring raises it.
    void measure_again(int tries) { peak = std::max(peak, measure_peak(work, tries)); }

    bool codes;
    double (*work)(long);
    double peak = 0.0;
    Bandwidth bandwidth;
};

Level& level_named(const std::string& name, const std::string& isa, bool codes, double (*work)(long)) {
    static std::map<std::string, Level> levels;
    const auto [place, is_new] = levels.try_emplace(name, isa, codes, work);
    if (is_new) place->second.measure_again(500);
    return place->second;
}

Level& level_named(const std::string& isa) {
    return level_named(isa, isa, false, peak_work(isa.c_str()));
}

const char* best_isa() {
    return ops::best_isa_level(ops::detect_cpu_features())->name;
}

// The instruction set that a kernel's name ends in; for a scalar one the best that the core has.
Level& level_of(const std::string& kernel) {
    const bool codes = kernel.find("u8s8") != std::string::npos || kernel.find("s16s8") != std::string::npos;
    for (const char* isa : {"avx512", "avx2", "neon"}) {
        const std::size_t at = kernel.find(isa);
        if (at == std::string::npos) continue;
        return codes ? level_named(kernel.substr(at) + " codes", isa, true, code_peak_work(kernel.c_str())) : level_named(isa);
    }
    return codes ? level_named("codes", best_isa(), true, nullptr) : level_named(best_isa());
}

Level* level = nullptr;  // of the kernel measured

}  // namespace

void set_cold_bytes(std::size_t bytes) {
    cold_bytes = bytes;
}

Floats::Floats(std::size_t count) : stride_((count * sizeof(float) + 63) / 64 * 16) {
    const std::size_t bytes = stride_ * sizeof(float);
    copies_ = std::max<std::size_t>(1, (cold_bytes + bytes - 1) / bytes);
    memory_.reset(static_cast<float*>(std::aligned_alloc(64, copies_ * bytes)));
    if (memory_ == nullptr) {
        std::fprintf(stderr, "kernel_bench: out of memory; give --cold less\n");
        std::exit(1);
    }
    for (std::size_t i = 0; i < copies_ * stride_; ++i) {
        memory_[i] = static_cast<float>(i % stride_ * 2654435761u % 2048) / 1024.0f - 1.0f;
    }
}

float* Floats::get() const {
    return memory_.get() + calls % copies_ * stride_;
}

void measure(benchmark::State& state, const Work& work, const std::function<void()>& call) {
    // Well above the clock's step.
    const double amount = std::max({work.operations, work.traffic.bytes(), 1.0});
    const int batch = std::max(1, static_cast<int>(1e6 / amount));
    double best = 1e9;
    level->measure_again(20);
    while (state.KeepRunningBatch(batch)) {
        const double start = seconds_now();
        for (int i = 0; i < batch; ++i) {
            call();
            ++calls;
        }
        const double elapsed = seconds_now() - start;
        state.SetIterationTime(elapsed);
        best = std::min(best, elapsed / batch);
    }
    level->measure_again(20);
    const double footprint =
        cold_bytes != 0 ? 2.0 * static_cast<double>(cold_bytes) : work.traffic.bytes();
    double least = level->bandwidth.seconds(work.traffic, footprint);
    state.counters["best_us"] = best * 1e6;
    state.counters["GB/s"] = work.traffic.bytes() / best * 1e-9;
    if (work.operations > 0.0) {
        state.counters[level->codes ? "GOP/s" : "GFLOP/s"] = work.operations / best * 1e-9;
        if (level->peak > 0.0) {
            state.counters["%peak"] = 100.0 * work.operations / best / level->peak;
            least = std::max(least, work.operations / level->peak);
        }
    }
    if (least > 0.0) state.counters["%roofline"] = 100.0 * least / best;
}

void set_kernel(const std::string& name) {
    level = &level_of(name);
}

double best_peak() {
    return level_named(best_isa()).peak;
}

}  // namespace fovea::bench
