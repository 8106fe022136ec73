// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX512F__)
#error "compile this file with -mavx512f"
#endif

#include <cstddef>

namespace {
constexpr std::size_t kVectorBytes = 64;
}

#include "stream_peak_loops.h"

const StreamPeak stream_peak_avx512 = {load, store, copy};
