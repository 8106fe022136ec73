// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "this file is for arm64"
#endif

#include <cstddef>

namespace {
constexpr std::size_t kVectorBytes = 16;
}

#include "stream_peak_loops.h"

const StreamPeak stream_peak_neon = {load, store, copy};
