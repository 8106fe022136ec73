// SPDX-License-Identifier: Apache-2.0
// What the files of kernel_bench share: buffers, and how a kernel is timed and named.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

#include "bench/core_bandwidth.h"
#include "ops/cpu_features.h"
#include "ops/kernel_variant.h"

namespace fovea::bench {

// From now on the copies of each buffer take so many bytes together, past the last level of cache.
void set_cold_bytes(std::size_t bytes);

// Floats of mild size, in as many copies as it takes that a call never finds what the calls before
// it left in the cache; one copy where buffers are warm.
class Floats {
  public:
    explicit Floats(std::size_t count);
    // The copy for the call that comes next.
    float* get() const;

  private:
    struct FreeDelete {
        void operator()(float* pointer) const { std::free(pointer); }
    };
    std::size_t stride_;
    std::size_t copies_ = 1;
    std::unique_ptr<float[], FreeDelete> memory_;
};

// What a call does at least.
struct Work {
    double operations;  // of floating point or of codes; 0 where it only moves and compares
    Traffic traffic;
};

// Times `call` of the kernel that register_variants named.
void measure(benchmark::State& state, const Work& work, const std::function<void()>& call);

void set_kernel(const std::string& name);

// Floating-point operations a second of the core at its best instruction set, from what was
// measured.
double best_peak();

template <typename Function, typename Bench>
void register_variants(const ops::KernelTable<Function>& table, const std::string& layer,
                       const Bench& bench) {
    for (std::size_t i = 0; i < table.count; ++i) {
        const ops::KernelVariant<Function> variant = table.variants[i];
        if ((variant.required & ~ops::detect_cpu_features()) != 0) continue;
        benchmark::RegisterBenchmark((variant.name + ("/" + layer)).c_str(),
                                     [variant, bench](benchmark::State& state) {
                                         set_kernel(variant.name);
                                         bench(state, variant.function);
                                     })
            ->UseManualTime()
            ->MinTime(0.05)
            ->Unit(benchmark::kMicrosecond);
    }
}

// Kernels beside the convolutions: small_kernel_bench.cpp.
void register_small_kernels();

// Kernels of codes: code_kernel_bench.cpp.
void register_code_kernels();

}  // namespace fovea::bench
