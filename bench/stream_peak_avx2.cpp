// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__)
#error "compile this file with -mavx2"
#endif

#include <cstddef>

namespace {
constexpr std::size_t kVectorBytes = 32;
}

#include "stream_peak_loops.h"

const StreamPeak stream_peak_avx2 = {load, store, copy};
