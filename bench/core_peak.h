// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstring>

#include "bench/code_peak.h"
#include "bench/fma_peak.h"

namespace fovea::bench {

inline double seconds_now() {
    using Clock = std::chrono::steady_clock;
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

// Operations a second of this core: the best of `tries` short measurements of one of the functions
// of fma_peak.h or code_peak.h. A core that speeds up while measuring raises it: measure before and after.
inline double measure_peak(double (*work)(long), int tries) {
    double best = 0.0;
    for (int i = 0; work != nullptr && i < tries; ++i) {
        const double start = seconds_now();
        const double operations = work(20000);
        best = std::max(best, operations / (seconds_now() - start));
    }
    return best;
}

// The function for an instruction-set level as fovea_session_info names it; null where there is none.
inline double (*peak_work([[maybe_unused]] const char* isa))(long) {
#if defined(FOVEA_HAVE_AVX512)
    if (std::strcmp(isa, "avx512") == 0) return fma_peak_avx512;
#endif
#if defined(FOVEA_HAVE_AVX2)
    if (std::strcmp(isa, "avx2") == 0) return fma_peak_avx2;
#elif defined(FOVEA_HAVE_NEON)
    if (std::strncmp(isa, "neon", 4) == 0) return fma_peak_neon;
#endif
    return nullptr;
}

// The function for a kernel that multiplies codes, by its name; null for others, and where there is none.
inline double (*code_peak_work([[maybe_unused]] const char* kernel))(long) {
    if (std::strstr(kernel, "u8s8") == nullptr && std::strstr(kernel, "s16s8") == nullptr) return nullptr;
#if defined(FOVEA_HAVE_AVX512_VNNI)
    if (std::strstr(kernel, "avx512_vnni") != nullptr) return code_peak_avx512_vnni;
#endif
#if defined(FOVEA_HAVE_AVX2)
    if (std::strstr(kernel, "avx2") != nullptr) return code_peak_avx2;
#endif
    return nullptr;
}

}  // namespace fovea::bench
