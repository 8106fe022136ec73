// SPDX-License-Identifier: Apache-2.0
// Codes in registers of 8 channels; see codes.h.
#pragma once

#if !defined(__AVX2__) || !defined(__FMA__)
#error "for files compiled with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "ops/codes.h"

namespace fovea::ops {
namespace {

// The least of a value in units of its scale, and the greatest, for codes with these zeros.
inline __m256 least_value(__m256i zero, CodeType type) {
    const int lowest = type == CodeType::kU8 ? 0 : -32768;
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_set1_epi32(lowest), zero));
}
inline __m256 greatest_value(__m256i zero, CodeType type) {
    const int highest = type == CodeType::kU8 ? 255 : 32767;
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_set1_epi32(highest), zero));
}

// max and min take their second operand where the first is no number, as the scalar comparisons do.
inline __m256i codes_of(__m256 value, __m256i zero, __m256 least, CodeType type) {
    const __m256 clamped = _mm256_min_ps(_mm256_max_ps(value, least), greatest_value(zero, type));
    return _mm256_add_epi32(_mm256_cvtps_epi32(clamped), zero);
}

// What makes sums of 8 channels codes, made once for many pixels.
struct Epilogue {
    __m256i bias, zero;
    __m256 multiplier, swish_multiplier, least, greatest;
    bool swishes;

    Epilogue(const std::int32_t* bias_of_channels, int channel, const Requantisation& with, CodeType type)
        : bias(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bias_of_channels + channel))),
          zero(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(with.zero + channel))),
          multiplier(_mm256_loadu_ps(with.multiplier + channel)),
          swish_multiplier(multiplier),
          least(with.activation == Activation::kRelu ? _mm256_setzero_ps() : least_value(zero, type)),
          greatest(greatest_value(zero, type)),
          swishes(with.activation == Activation::kHardSwish) {
        if (swishes) swish_multiplier = _mm256_loadu_ps(with.swish_multiplier + channel);
    }
    __m256i codes(__m256i sums) const {
        __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(sums, bias)), multiplier);
        if (swishes) {
            const __m256 shifted = _mm256_add_ps(value, _mm256_set1_ps(3.0f));
            const __m256 t = _mm256_min_ps(_mm256_max_ps(shifted, _mm256_setzero_ps()), _mm256_set1_ps(6.0f));
            value = _mm256_mul_ps(_mm256_mul_ps(value, t), swish_multiplier);
        }
        const __m256 clamped = _mm256_min_ps(_mm256_max_ps(value, least), greatest);
        return _mm256_add_epi32(_mm256_cvtps_epi32(clamped), zero);
    }
};

// The first `count` (1 to 8) of 8 codes, at element `at` of the output.
inline void store_codes(const CodeOutput& output, std::ptrdiff_t at, __m256i codes, int count) {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
    if (output.type == CodeType::kU8) {
        auto* const target = static_cast<std::uint8_t*>(output.data) + at;
        const __m128i bytes = _mm_packus_epi16(words, words);
        if (count == 8) return _mm_storel_epi64(reinterpret_cast<__m128i*>(target), bytes);
        alignas(16) std::uint8_t lanes[16];
        _mm_store_si128(reinterpret_cast<__m128i*>(lanes), bytes);
        for (int lane = 0; lane < count; ++lane) target[lane] = lanes[lane];
    } else {
        auto* const target = static_cast<std::int16_t*>(output.data) + at;
        if (count == 8) return _mm_storeu_si128(reinterpret_cast<__m128i*>(target), words);
        alignas(16) std::int16_t lanes[8];
        _mm_store_si128(reinterpret_cast<__m128i*>(lanes), words);
        for (int lane = 0; lane < count; ++lane) target[lane] = lanes[lane];
    }
}

// `count` (1 to 8) codes from element `at` on, the other lanes 0.
inline __m256i load_codes(const CodeMap& map, std::ptrdiff_t at, int count) {
    if (map.type == CodeType::kU8) {
        const auto* const source = static_cast<const std::uint8_t*>(map.data) + at;
        if (count == 8) return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(source)));
        alignas(16) std::uint8_t lanes[16] = {};
        for (int lane = 0; lane < count; ++lane) lanes[lane] = source[lane];
        return _mm256_cvtepu8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(lanes)));
    }
    const auto* const source = static_cast<const std::int16_t*>(map.data) + at;
    if (count == 8) return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(source)));
    alignas(16) std::int16_t lanes[8] = {};
    for (int lane = 0; lane < count; ++lane) lanes[lane] = source[lane];
    return _mm256_cvtepi16_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(lanes)));
}

// 4 inputs of a pixel in every 4 elements of a register, those from `count` on 0: what a panel of weights is multiplied by.
inline __m256i broadcast_inputs(const std::uint8_t* inputs, int count) {
    std::int32_t word = 0;
    if (count >= 4) {
        __builtin_memcpy(&word, inputs, 4);
    } else {
        std::uint8_t lanes[4] = {};
        for (int lane = 0; lane < count; ++lane) lanes[lane] = inputs[lane];
        __builtin_memcpy(&word, lanes, 4);
    }
    return _mm256_set1_epi32(word);
}
inline __m256i broadcast_inputs(const std::int16_t* inputs, int count) {
    std::int64_t word = 0;
    if (count >= 4) {
        __builtin_memcpy(&word, inputs, 8);
    } else {
        std::int16_t lanes[4] = {};
        for (int lane = 0; lane < count; ++lane) lanes[lane] = inputs[lane];
        __builtin_memcpy(&word, lanes, 8);
    }
    return _mm256_set1_epi64x(word);
}

// The sums of 8 outputs over inputs of one type, taken 4 inputs at a time.
template <typename Input>
struct PanelSums;

// vpmaddubsw adds two products in 16 bits, which the pair rule of the weights keeps exact.
template <>
struct PanelSums<std::uint8_t> {
    struct Weights {
        __m256i bytes;
    };
    __m256i sums;

    static Weights load(const std::int8_t* weights) {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights))};
    }
    void clear() { sums = _mm256_setzero_si256(); }
    void add(__m256i inputs, const Weights& weights) {
        const __m256i pairs = _mm256_maddubs_epi16(inputs, weights.bytes);
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    __m256i total() const { return sums; }
};

// Outputs 0 to 3 and 4 to 7 apart, each as two sums beside each other.
template <>
struct PanelSums<std::int16_t> {
    struct Weights {
        __m256i low, high;
    };
    __m256i low, high;

    static Weights load(const std::int8_t* weights) {
        const auto* const halves = reinterpret_cast<const __m128i*>(weights);
        return {_mm256_cvtepi8_epi16(_mm_loadu_si128(halves)), _mm256_cvtepi8_epi16(_mm_loadu_si128(halves + 1))};
    }
    void clear() { low = high = _mm256_setzero_si256(); }
    void add(__m256i inputs, const Weights& weights) {
        low = _mm256_add_epi32(low, _mm256_madd_epi16(inputs, weights.low));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(inputs, weights.high));
    }
    __m256i total() const { return _mm256_permute4x64_epi64(_mm256_hadd_epi32(low, high), 0xD8); }
};

}  // namespace
}  // namespace fovea::ops
