// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "for files compiled with -mavx512f -mavx512vl -mavx512dq"
#endif

#include <immintrin.h>

#include <cstddef>

#include "ops/lanes_avx512.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared with baseline
// code.
namespace {

// A register tile of the convolutions: kPixels pixels x 2 * kPairs panels of 8 outputs, and one
// panel more where kOdd.
//
// A panel is half a register. Two neighbouring ones are joined as they are loaded. An odd one fills
// registers with two pixels each: its weights in both halves, and one pixel's input in the lower,
// the next one's in the upper. So no lane is idle, but for the last pixel of an odd number.
//
//   sums  [kPixels][kPairs], then [(kPixels + 1) / 2] of the odd panel
//   the rest of the 32 registers: kPairs rows of weights (+ 1), one input value (+ 2)
//
// The halves of the weights' rows and kPixels inputs are loaded for each step, and a core does two
// loads and two FMAs in a cycle (on Zen 4, two loads and one FMA). Made for Zen 5 and measured
// there; the last column is what llvm-mca says of the loop on Skylake-X:
//   14 pixels x 2 pairs        28 sums   18 loads for 28 FMAs   15.1 cycles
//    9 pixels x 3 pairs        27 sums   15 loads for 27        13.7
//   10 pixels x 2 pairs, odd   25 sums   16 loads for 25        15.2
//   16 pixels x 1 pair, odd    24 sums   20 loads for 24        16.8
//   16 pixels x 1 pair         16 sums   18 loads for 16        10.2: held back by the loads
// 8 sums would hide the latency of FMA (4 cycles).
template <int kPixels, int kPairs, bool kOdd>
struct PanelTile {
    static constexpr int kOddSums = kOdd ? (kPixels + 1) / 2 : 0;
    static constexpr int kSums = kPixels * kPairs + kOddSums;
    static constexpr __mmask16 kUpper = 0xff00;

    static __m512 join(__m256 lower, __m256 upper) {
        return _mm512_insertf32x8(_mm512_castps256_ps512(lower), upper, 1);
    }

    // The same from memory, both 32-byte aligned. In assembly, because gcc 12 spills a sum for the
    // __m256 on the way. A broadcast of the lower half would take a cycle of a unit that Zen 5
    // needs for the FMAs; this and the insertion do not.
    [[gnu::always_inline]] static __m512 load_halves(const float* lower, const float* upper) {
        __m512 both;
        asm("vmovaps %1, %t0" : "=v"(both) : "m"(*reinterpret_cast<const __m256*>(lower)));
        return _mm512_insertf32x8(both, _mm256_load_ps(upper), 1);
    }

    // `bias` is that of the first panel.
    [[gnu::always_inline]] static void start(const float* bias, __m512 (&sums)[kSums]) {
#pragma GCC unroll 32
        for (int n = 0; n < kPairs; ++n) {
            const __m512 pair = _mm512_loadu_ps(bias + n * 16);
#pragma GCC unroll 32
            for (int p = 0; p < kPixels; ++p) sums[p * kPairs + n] = pair;
        }
        if constexpr (kOdd) {
            const __m512 both = _mm512_broadcast_f32x8(_mm256_load_ps(bias + kPairs * 16));
#pragma GCC unroll 32
            for (int h = 0; h < kOddSums; ++h) sums[kPixels * kPairs + h] = both;
        }
    }

    // The inner loop, i ascending, fused:
    //   sum of pixel p, panel n, lane += sum_{i < length} input[p * pixel_step + i]
    //                                                     * weights[n * panel_step + 8 i + lane]
    // The unroll pragmas keep gcc from giving the sums addresses, and so the stack.
    [[gnu::always_inline]] static void add(const float* input, std::ptrdiff_t pixel_step,
                                           const float* weights, std::ptrdiff_t panel_step,
                                           std::ptrdiff_t length, __m512 (&sums)[kSums]) {
        // Every third pixel's address in a register, the two after it by an index: gcc would keep
        // an address for each, and those on the stack.
        const float* inputs[(kPixels + 2) / 3];
#pragma GCC unroll 32
        for (int p = 0; p < kPixels; p += 3) inputs[p / 3] = input + p * pixel_step;
        for (std::ptrdiff_t i = 0; i < length; ++i, weights += 8) {
            __m512 row[kPairs + 1];
#pragma GCC unroll 32
            for (int n = 0; n < kPairs; ++n) {
                row[n] =
                    load_halves(weights + 2 * n * panel_step, weights + (2 * n + 1) * panel_step);
            }
            if constexpr (kOdd) {
                const float* odd = weights + 2 * kPairs * panel_step;
                row[kPairs] = load_halves(odd, odd);
            }
            __m512 before = _mm512_setzero_ps();
#pragma GCC unroll 32
            for (int p = 0; p < kPixels; ++p) {
                const __m512 value = _mm512_set1_ps(inputs[p / 3][p % 3 * pixel_step]);
#pragma GCC unroll 32
                for (int n = 0; n < kPairs; ++n) {
                    sums[p * kPairs + n] = _mm512_fmadd_ps(value, row[n], sums[p * kPairs + n]);
                }
                if constexpr (kOdd) {
                    const int half = kPixels * kPairs + p / 2;
                    if (p % 2 == 1) {
                        sums[half] = _mm512_fmadd_ps(_mm512_mask_blend_ps(kUpper, before, value),
                                                     row[kPairs], sums[half]);
                    } else if (p == kPixels - 1) {
                        sums[half] = _mm512_fmadd_ps(value, row[kPairs], sums[half]);
                    }
                    before = value;
                }
            }
#pragma GCC unroll 32
            for (const float*& each : inputs) {
                ++each;
                asm("" : "+r"(each));
            }
        }
    }

    // The last panel has `lanes` of its 8 channels; source and target are those of the first
    // pixel and panel.
    [[gnu::always_inline]] static void add_residual(const float* source, std::ptrdiff_t step,
                                                    int lanes, __m512 (&sums)[kSums]) {
        const __mmask16 last = last_pair_mask(lanes);
#pragma GCC unroll 32
        for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 32
            for (int n = 0; n < kPairs; ++n) {
                const float* from = source + p * step + n * 16;
                sums[p * kPairs + n] =
                    _mm512_add_ps(sums[p * kPairs + n],
                                  _mm512_maskz_loadu_ps(is_last_pair(n) ? last : 0xffff, from));
            }
        }
        if constexpr (kOdd) {
            const auto mask = static_cast<__mmask8>(lane_mask_avx512(lanes));
#pragma GCC unroll 32
            for (int h = 0; h < kOddSums; ++h) {
                const float* from = source + 2 * h * step + kPairs * 16;
                const __m256 lower = _mm256_maskz_loadu_ps(mask, from);
                const __m256 upper =
                    2 * h + 1 < kPixels ? _mm256_maskz_loadu_ps(mask, from + step) : lower;
                sums[kPixels * kPairs + h] =
                    _mm512_add_ps(sums[kPixels * kPairs + h], join(lower, upper));
            }
        }
    }

    [[gnu::always_inline]] static void store(const __m512 (&sums)[kSums], int lanes, float* target,
                                             std::ptrdiff_t step) {
        const __mmask16 last = last_pair_mask(lanes);
#pragma GCC unroll 32
        for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 32
            for (int n = 0; n < kPairs; ++n) {
                float* to = target + p * step + n * 16;
                _mm512_mask_storeu_ps(to, is_last_pair(n) ? last : 0xffff, sums[p * kPairs + n]);
            }
        }
        if constexpr (kOdd) {
            const auto mask = static_cast<__mmask8>(lane_mask_avx512(lanes));
#pragma GCC unroll 32
            for (int p = 0; p < kPixels; ++p) {
                const __m512 both = sums[kPixels * kPairs + p / 2];
                const __m256 half =
                    p % 2 == 0 ? _mm512_castps512_ps256(both) : _mm512_extractf32x8_ps(both, 1);
                float* to = target + p * step + kPairs * 16;
                _mm256_mask_storeu_ps(to, mask, half);
            }
        }
    }

    // The last panel is the upper half of the last pair, or the odd one.
    static constexpr bool is_last_pair(int n) {
        return !kOdd && n == kPairs - 1;
    }
    static __mmask16 last_pair_mask(int lanes) {
        return lane_mask_avx512(8 + lanes);
    }
};

// Calls body.operator()<pixels>(first pixel) for kPixels pixels, or kStep, 2 * kStep, ... less,
// down to kLeast.
template <int kPixels, int kLeast, int kStep, typename Body>
[[gnu::always_inline]] inline void call_tile(std::ptrdiff_t first, std::ptrdiff_t pixels,
                                             const Body& body) {
    if constexpr (kPixels - kStep >= kLeast) {
        if (pixels < kPixels) {
            return call_tile<kPixels - kStep, kLeast, kStep>(first, pixels, body);
        }
    }
    body.template operator()<kPixels>(first);
}

// Splits the pixels first .. last - 1 into tiles for body.operator()<pixels>(first pixel): of kMost
// pixels or less, all of nearly the same size, a multiple of kStep, so that none is too small to
// hide the latency of FMA. What is no multiple, or too few for that, goes by twos and ones.
template <int kMost, int kStep, typename Body>
[[gnu::always_inline]] inline void for_each_tile(std::ptrdiff_t first, std::ptrdiff_t last,
                                                 const Body& body) {
    constexpr int kLeast = kMost / 2 / kStep * kStep;
    std::ptrdiff_t units = (last - first) / kStep;
    if (units * kStep >= kLeast) {
        for (std::ptrdiff_t tiles = (units * kStep + kMost - 1) / kMost; tiles > 0; --tiles) {
            const std::ptrdiff_t share = (units + tiles - 1) / tiles;
            call_tile<kMost, kLeast, kStep>(first, share * kStep, body);
            first += share * kStep;
            units -= share;
        }
    }
    for (; last - first >= 2; first += 2) body.template operator()<2>(first);
    if (first < last) body.template operator()<1>(first);
}

}  // namespace
}  // namespace fovea::ops
