// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

// Bytes a second that one core loads and stores with nothing but that: what a layer without much
// arithmetic is a fraction of. One file an instruction set. Each function goes `rounds` times over
// `count` floats (a multiple of 128; 64-byte aligned) and returns the bytes that it loaded and
// stored.
struct StreamPeak {
    double (*load)(const float* from, std::size_t count, long rounds);
    double (*store)(float* to, std::size_t count, long rounds);
    double (*copy)(const float* from, float* to, std::size_t count, long rounds);
};
extern const StreamPeak stream_peak_avx2;
extern const StreamPeak stream_peak_avx512;
extern const StreamPeak stream_peak_neon;
