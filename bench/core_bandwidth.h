// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

#include "bench/core_peak.h"
#include "bench/stream_peak.h"

namespace fovea::bench {

// Bytes that a layer loads and stores at least: each operand, weight and result once.
struct Traffic {
    double read = 0.0, written = 0.0;

    double bytes() const { return read + written; }
};

// The functions for an instruction-set level as fovea_session_info names it; null where there are
// none.
inline const StreamPeak* stream_peak([[maybe_unused]] const char* isa) {
#if defined(FOVEA_HAVE_AVX512)
    if (std::strcmp(isa, "avx512") == 0) return &stream_peak_avx512;
#endif
#if defined(FOVEA_HAVE_AVX2)
    if (std::strcmp(isa, "avx2") == 0) return &stream_peak_avx2;
#elif defined(FOVEA_HAVE_NEON)
    if (std::strncmp(isa, "neon", 4) == 0) return &stream_peak_neon;
#endif
    return nullptr;
}

// How fast this core loads and stores, measured once for each size of buffers that is asked for:
// they decide which cache serves it.
class Bandwidth {
  public:
    explicit Bandwidth(const StreamPeak* streams) : streams_(streams) {}

    // Seconds that this traffic takes at least with buffers of `footprint` bytes together; 0 where
    // there is nothing to measure with.
    double seconds(const Traffic& traffic, double footprint) {
        if (streams_ == nullptr) return 0.0;
        std::size_t bytes = kSmallest;
        while (static_cast<double>(bytes) < footprint && bytes < kLargest) bytes *= 2;
        const auto [place, is_new] = rates_.try_emplace(bytes);
        Rates& rates = place->second;
        if (is_new) rates = measure(bytes);
        const double both = std::min(traffic.read, traffic.written);
        return 2.0 * both / rates.copy + (traffic.read - both) / rates.load +
               (traffic.written - both) / rates.store;
    }

  private:
    static constexpr std::size_t kSmallest = 4096;
    static constexpr std::size_t kLargest = std::size_t{512} << 20;

    struct Rates {
        double load = 0.0, store = 0.0, copy = 0.0;  // bytes a second
    };
    struct FreeDelete {
        void operator()(float* memory) const { std::free(memory); }
    };

    template <typename Work>
    static double best_rate(std::size_t bytes, const Work& work) {
        const long rounds = std::max<long>(1, static_cast<long>((std::size_t{2} << 20) / bytes));
        const int tries = bytes <= (std::size_t{8} << 20) ? 20 : 3;
        double best = 0.0;
        for (int i = 0; i < tries; ++i) {
            const double start = seconds_now();
            const double moved = work(rounds);
            best = std::max(best, moved / (seconds_now() - start));
        }
        return best;
    }

    Rates measure(std::size_t bytes) const {
        const std::unique_ptr<float, FreeDelete> memory(
            static_cast<float*>(std::aligned_alloc(64, bytes)));
        if (memory == nullptr) std::abort();
        std::memset(memory.get(), 0, bytes);
        float* const buffer = memory.get();
        const std::size_t count = bytes / sizeof(float);
        return {
            best_rate(bytes, [&](long rounds) { return streams_->load(buffer, count, rounds); }),
            best_rate(bytes, [&](long rounds) { return streams_->store(buffer, count, rounds); }),
            best_rate(bytes, [&](long rounds) {
                return streams_->copy(buffer, buffer + count / 2, count / 2, rounds);
            })};
    }

    const StreamPeak* streams_;
    std::map<std::size_t, Rates> rates_;
};

}  // namespace fovea::bench
