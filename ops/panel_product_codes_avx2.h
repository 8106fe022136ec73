// SPDX-License-Identifier: Apache-2.0
// Sums of products of codes with panels of 8-bit weights. A step takes 4 bytes of every pixel, 4 codes of 8 bits or 2 of 16, which
// are broadcast, and 32 bytes of each panel's weights, of 8 or of 16 bits: a register of sums for each panel of 8 outputs.
#pragma once

#if !defined(__AVX2__) || !defined(__FMA__)
#error "for files compiled with -mavx2 -mfma"
#endif

#include "ops/codes_avx2.h"

namespace fovea::ops {
namespace {

template <typename Input>
constexpr int kStepInputs = 4 / static_cast<int>(sizeof(Input));

// vpmaddubsw adds two products in 16 bits, which the pair rule of the weights keeps exact.
inline __m256i add_products(__m256i sums, __m256i inputs, const std::uint8_t*, const void* weights) {
    const __m256i pairs = _mm256_maddubs_epi16(inputs, *static_cast<const __m256i_u*>(weights));
    return _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
inline __m256i add_products(__m256i sums, __m256i inputs, const std::int16_t*, const void* weights) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(inputs, *static_cast<const __m256i_u*>(weights)));
}

// `inputs` inputs of kPixels pixels, which lie pixel_stride apart, times kPanels panels, panel_bytes apart. Weights are read from
// memory as they are used: registers are for the sums.
template <typename Input, int kPixels, int kPanels>
[[gnu::always_inline]] inline void add_panel_products(__m256i (&sums)[kPixels][kPanels], const Input* input, std::ptrdiff_t pixel_stride,
                                                      const std::int8_t* weights, std::ptrdiff_t panel_bytes, int inputs) {
    const auto add_step = [&](auto load) __attribute__((always_inline)) {
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p) {
            const __m256i broadcast = _mm256_set1_epi32(load(input + p * pixel_stride));
            // Otherwise the compiler keeps the weights for the next pixel, and sums in memory.
            __asm__("" : "+r"(weights));
#pragma GCC unroll 4
            for (int n = 0; n < kPanels; ++n) {
                sums[p][n] = add_products(sums[p][n], broadcast, input, weights + n * panel_bytes);
            }
        }
    };
    const auto whole = [](const Input* from) {
        std::int32_t word;
        __builtin_memcpy(&word, from, 4);
        return word;
    };
    const int rest = inputs % kStepInputs<Input>;
    for (const Input* const end = input + (inputs - rest); input != end; input += kStepInputs<Input>, weights += 32) add_step(whole);
    if (rest != 0) {
        add_step([&](const Input* from) {
            Input lanes[kStepInputs<Input>] = {};
            for (int lane = 0; lane < rest; ++lane) lanes[lane] = from[lane];
            std::int32_t word;
            __builtin_memcpy(&word, lanes, 4);
            return word;
        });
    }
}

// The weights of 4 inputs of a panel, 32 bytes, as 16 bits: those of inputs 0 and 1, then of 2 and 3.
inline void widen_weights(const std::int8_t* weights, std::int8_t* words) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights));
    const __m256i first =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(-1, 0, -1, 1, -1, 4, -1, 5, -1, 8, -1, 9, -1, 12, -1, 13));
    const __m256i second =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(-1, 2, -1, 3, -1, 6, -1, 7, -1, 10, -1, 11, -1, 14, -1, 15));
    auto* const target = reinterpret_cast<__m256i*>(words);
    _mm256_storeu_si256(target, _mm256_srai_epi16(_mm256_shuffle_epi8(bytes, first), 8));
    _mm256_storeu_si256(target + 1, _mm256_srai_epi16(_mm256_shuffle_epi8(bytes, second), 8));
}

}  // namespace
}  // namespace fovea::ops
