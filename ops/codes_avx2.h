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
inline __m256i codes_of(__m256 value, __m256i zero, __m256 least, __m256 greatest) {
    const __m256 clamped = _mm256_min_ps(_mm256_max_ps(value, least), greatest);
    return _mm256_add_epi32(_mm256_cvtps_epi32(clamped), zero);
}

inline __m128i packed_words(__m256i codes) {
    return _mm_packs_epi32(_mm256_castsi256_si128(codes), _mm256_extracti128_si256(codes, 1));
}

// The first `count` (1 to 8) of 8 codes, at element `at` of the output.
inline void store_codes(const CodeOutput& output, std::ptrdiff_t at, __m256i codes, int count) {
    const __m128i words = packed_words(codes);
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

// What hard-swish multiplies its input by.
inline __m256 swish_factor(__m256 value) {
    const __m256 shifted = _mm256_add_ps(value, _mm256_set1_ps(3.0f));
    return _mm256_min_ps(_mm256_max_ps(shifted, _mm256_setzero_ps()), _mm256_set1_ps(6.0f));
}

// The codes of `count` sums of one pixel, channels from `channel` on, whatever the constants are.
[[gnu::noinline]] inline void store_any(const CodeOutput& output, std::ptrdiff_t at, const std::int32_t* sums, const Requantisation& with,
                                        int channel, int count) {
    for (int c = 0; c < count; c += 8) {
        const __m256i zero = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(with.zero + channel + c));
        const __m256i sum = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + c));
        __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), _mm256_loadu_ps(with.multiplier + channel + c));
        if (with.activation == Activation::kHardSwish) {
            value = _mm256_mul_ps(_mm256_mul_ps(value, swish_factor(value)), _mm256_loadu_ps(with.swish_multiplier + channel + c));
        }
        const __m256 least = with.activation == Activation::kRelu ? _mm256_setzero_ps() : least_value(zero, output.type);
        store_codes(output, at + c, codes_of(value, zero, least, greatest_value(zero, output.type)), count - c < 8 ? count - c : 8);
    }
}

// How sums become codes. Values of bytes are mostly known to be within 2^30 of their zeros, so that packing with saturation is all that
// keeps them in the range of their type; others and numbers of channels that fill no register take the slow way.
enum class Finish : std::uint8_t { kBytes, kSwishedBytes, kWords, kSwishedWords, kAny };

// The channels of two registers that lie beside each other: 0 to 7 and 8 to 15, or as unpacklo and unpackhi leave them, 0 to 3
// with 8 to 11 and 4 to 7 with 12 to 15.
enum class Order : std::uint8_t { kPanels, kInterleaved };

// What makes sums of 8 * kVectors channels codes, made once for many pixels. The sums begin with `bias`.
template <int kVectors, Order kOrder = Order::kPanels>
struct Epilogue {
    static_assert(kOrder == Order::kPanels || kVectors == 2);
    static constexpr int kPairs = (kVectors + 1) / 2;

    __m256i bias[kVectors], zero[kVectors], zero_words[kPairs];
    __m256 multiplier[kVectors], swish_multiplier[kVectors], least[kVectors], greatest[kVectors];
    __m256i floor_bytes;
    const Requantisation& with;
    int channel, count;  // the first channel, and how many of them there are
    Finish finish;

    // Vectors of channels that there are none of are those of the first.
    Epilogue(const std::int32_t* bias_of_channels, int first, int channels, const Requantisation& requantisation, CodeType type)
        : with(requantisation), channel(first), count(channels) {
        const bool swishes = with.activation == Activation::kHardSwish;
        __m256i fits = _mm256_set1_epi32(-1);
        for (int v = 0; v < kVectors; ++v) {
            const int at = v * 8 < channels ? first + v * 8 : first;
            bias[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bias_of_channels + at));
            zero[v] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(with.zero + at));
            multiplier[v] = _mm256_loadu_ps(with.multiplier + at);
            swish_multiplier[v] = swishes ? _mm256_loadu_ps(with.swish_multiplier + at) : multiplier[v];
            if (type == CodeType::kU8) {
                fits = _mm256_and_si256(fits, fits_words(multiplier[v], swishes ? swish_multiplier[v] : _mm256_setzero_ps()));
            }
        }
        if constexpr (kOrder == Order::kInterleaved) {
            interleave(bias);
            interleave(zero);
            interleave(multiplier);
            interleave(swish_multiplier);
        }
        const bool positive = with.activation == Activation::kRelu;
        for (int v = 0; v < kVectors; ++v) {
            least[v] = positive ? _mm256_setzero_ps() : least_value(zero[v], type);
            greatest[v] = greatest_value(zero[v], type);
        }
        for (int pair = 0; pair < kPairs; ++pair) zero_words[pair] = _mm256_packs_epi32(zero[2 * pair], zero[second(pair)]);
        floor_bytes = positive ? _mm256_packus_epi16(zero_words[0], zero_words[kPairs - 1]) : _mm256_setzero_si256();
        const bool whole = channels == 8 * kVectors && _mm256_movemask_epi8(fits) == -1;  // of words nothing was asked
        if (type == CodeType::kU8) {
            finish = !whole ? Finish::kAny : swishes ? Finish::kSwishedBytes : Finish::kBytes;
        } else {
            finish = !whole ? Finish::kAny : swishes ? Finish::kSwishedWords : Finish::kWords;
        }
    }

    // The sums of kPixels pixels, the first at element `at` of the output.
    template <int kPixels>
    void store(const CodeOutput& output, std::ptrdiff_t at, const __m256i (&sums)[kPixels][kVectors]) const {
        switch (finish) {
            case Finish::kBytes: return store_bytes<false>(output, at, sums);
            case Finish::kSwishedBytes: return store_bytes<true>(output, at, sums);
            case Finish::kWords: return store_words<false>(output, at, sums);
            case Finish::kSwishedWords: return store_words<true>(output, at, sums);
            case Finish::kAny: break;
        }
        for (int p = 0; p < kPixels; ++p) {
            alignas(32) std::int32_t lanes[8 * kVectors];
            for (int v = 0; v < kVectors; ++v) _mm256_store_si256(reinterpret_cast<__m256i*>(lanes) + v, sums[p][v]);
            if constexpr (kOrder == Order::kInterleaved) order_lanes(lanes);
            store_any(output, at + p * output.stride, lanes, with, channel, count);
        }
    }

  private:
    static constexpr int second(int pair) { return 2 * pair + 1 < kVectors ? 2 * pair + 1 : 2 * pair; }

    // All ones where no sum of 32 bits gives a value beyond 2^30.
    static __m256i fits_words(__m256 multiplier, __m256 swish_multiplier) {
        const __m256 sign = _mm256_set1_ps(-0.0f), quarter = _mm256_set1_ps(0.25f);
        const __m256 swished = _mm256_mul_ps(_mm256_mul_ps(multiplier, swish_multiplier), _mm256_set1_ps(6.0f));
        const __m256 both = _mm256_and_ps(_mm256_cmp_ps(_mm256_andnot_ps(sign, multiplier), quarter, _CMP_LT_OQ),
                                          _mm256_cmp_ps(_mm256_andnot_ps(sign, swished), quarter, _CMP_LT_OQ));
        return _mm256_castps_si256(both);
    }
    static void interleave(__m256i (&vectors)[kVectors]) {
        const __m256i low = _mm256_permute2x128_si256(vectors[0], vectors[1], 0x20);
        vectors[1] = _mm256_permute2x128_si256(vectors[0], vectors[1], 0x31);
        vectors[0] = low;
    }
    static void interleave(__m256 (&vectors)[kVectors]) {
        const __m256 low = _mm256_permute2f128_ps(vectors[0], vectors[1], 0x20);
        vectors[1] = _mm256_permute2f128_ps(vectors[0], vectors[1], 0x31);
        vectors[0] = low;
    }
    static void order_lanes(std::int32_t (&lanes)[8 * kVectors]) {
        auto* const fours = reinterpret_cast<__m128i*>(lanes);
        const __m128i upper = fours[1];
        fours[1] = fours[2];
        fours[2] = upper;
    }

    template <bool kSwishes>
    __m256 value_of(__m256i sums, int v) const {
        const __m256 value = _mm256_mul_ps(_mm256_cvtepi32_ps(sums), multiplier[v]);
        return kSwishes ? _mm256_mul_ps(_mm256_mul_ps(value, swish_factor(value)), swish_multiplier[v]) : value;
    }
    template <bool kSwishes>
    __m256i rounded(__m256i sums, int v) const {
        return _mm256_cvtps_epi32(value_of<kSwishes>(sums, v));
    }
    template <bool kSwishes>
    __m256i codes(__m256i sums, int v) const {
        return codes_of(value_of<kSwishes>(sums, v), zero[v], least[v], greatest[v]);
    }
    template <bool kSwishes>
    __m256i biased_words(const __m256i (&sums)[kVectors], int pair) const {
        const __m256i packed =
            _mm256_packs_epi32(rounded<kSwishes>(sums[2 * pair], 2 * pair), rounded<kSwishes>(sums[second(pair)], second(pair)));
        return _mm256_adds_epi16(packed, zero_words[pair]);
    }
    // Registers of 16 words become one of bytes, which packing leaves in this order of fours.
    __m256i ordered_bytes(__m256i first, __m256i second) const {
        const __m256i order =
            kOrder == Order::kPanels ? _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7) : _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7);
        return _mm256_permutevar8x32_epi32(_mm256_max_epu8(_mm256_packus_epi16(first, second), floor_bytes), order);
    }
    template <bool kSwishes, int kPixels>
    void store_bytes(const CodeOutput& output, std::ptrdiff_t at, const __m256i (&sums)[kPixels][kVectors]) const {
        auto* target = static_cast<std::uint8_t*>(output.data) + at;
        if constexpr (kVectors == 2 && kPixels % 2 == 0) {
#pragma GCC unroll 4
            for (int p = 0; p < kPixels; p += 2, target += 2 * output.stride) {
                const __m256i bytes = ordered_bytes(biased_words<kSwishes>(sums[p], 0), biased_words<kSwishes>(sums[p + 1], 0));
                _mm_storeu_si128(reinterpret_cast<__m128i*>(target), _mm256_castsi256_si128(bytes));
                _mm_storeu_si128(reinterpret_cast<__m128i*>(target + output.stride), _mm256_extracti128_si256(bytes, 1));
            }
        } else {
#pragma GCC unroll 4
            for (int p = 0; p < kPixels; ++p, target += output.stride) {
                const __m256i first = biased_words<kSwishes>(sums[p], 0);
                const __m256i bytes = ordered_bytes(first, kPairs == 2 ? biased_words<kSwishes>(sums[p], kPairs - 1) : first);
                if constexpr (kVectors == 4) {
                    _mm256_storeu_si256(reinterpret_cast<__m256i*>(target), bytes);
                } else if constexpr (kVectors == 1) {
                    _mm_storel_epi64(reinterpret_cast<__m128i*>(target), _mm256_castsi256_si128(bytes));
                } else {
                    _mm_storeu_si128(reinterpret_cast<__m128i*>(target), _mm256_castsi256_si128(bytes));
                    if constexpr (kVectors == 3) {
                        _mm_storel_epi64(reinterpret_cast<__m128i*>(target + 16), _mm256_extracti128_si256(bytes, 1));
                    }
                }
            }
        }
    }
    template <bool kSwishes, int kPixels>
    void store_words(const CodeOutput& output, std::ptrdiff_t at, const __m256i (&sums)[kPixels][kVectors]) const {
        auto* target = static_cast<std::int16_t*>(output.data) + at;
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p, target += output.stride) {
#pragma GCC unroll 2
            for (int pair = 0; pair < kPairs; ++pair) {
                const int first = 2 * pair, next = second(pair);
                __m256i words = _mm256_packs_epi32(codes<kSwishes>(sums[p][first], first), codes<kSwishes>(sums[p][next], next));
                if constexpr (kOrder == Order::kPanels) words = _mm256_permute4x64_epi64(words, 0xD8);
                if (next != first) {
                    _mm256_storeu_si256(reinterpret_cast<__m256i*>(target + 16 * pair), words);
                } else {
                    _mm_storeu_si128(reinterpret_cast<__m128i*>(target + 16 * pair), _mm256_castsi256_si128(words));
                }
            }
        }
    }
};

// Registers of 8 channels, for templates that are the same for all instruction sets (codes/code_maps_lanes.h).
struct CodeLanesAvx2 {
    using Integers = __m256i;
    using Floats = __m256;
    static Integers load_integers(const std::int32_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
    static Floats load_floats(const float* from) { return _mm256_loadu_ps(from); }
    static Floats floats_of(Integers codes) { return _mm256_cvtepi32_ps(codes); }
    static Integers subtract(Integers a, Integers b) { return _mm256_sub_epi32(a, b); }
    static Integers all(std::int32_t value) { return _mm256_set1_epi32(value); }
    static Integers add(Integers a, Integers b) { return _mm256_add_epi32(a, b); }
    static Integers maximum(Integers a, Integers b) { return _mm256_max_epi32(a, b); }
    static void store(std::int32_t* to, Integers values) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), values); }
    static void store(float* to, Floats values) { _mm256_storeu_ps(to, values); }
    static Integers multiply(Integers a, Integers b) { return _mm256_mullo_epi32(a, b); }
    static Floats multiply(Floats a, Floats b) { return _mm256_mul_ps(a, b); }
    static Floats divide(Floats a, Floats b) { return _mm256_div_ps(a, b); }
    static Floats add(Floats a, Floats b) { return _mm256_add_ps(a, b); }

    template <CodeForm kForm>
    struct Codes {
        static Integers load(const CodeMap& map, std::ptrdiff_t at, int count) { return load_codes(map, at, count); }
        static void store(const CodeOutput& output, std::ptrdiff_t at, Integers codes, int count) { store_codes(output, at, codes, count); }
    };

    struct Limits {
        __m256i zero;
        __m256 least, greatest;

        Limits(const std::int32_t* zeros, CodeType type)
            : zero(load_integers(zeros)), least(least_value(zero, type)), greatest(greatest_value(zero, type)) {}
        Integers codes(Floats value) const { return codes_of(value, zero, least, greatest); }
    };
};
template <>
struct CodeLanesAvx2::Codes<CodeForm::kBytes> {
    static Integers load(const CodeMap& map, std::ptrdiff_t at, int) {
        return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(static_cast<const std::uint8_t*>(map.data) + at)));
    }
    static void store(const CodeOutput& output, std::ptrdiff_t at, Integers codes, int) {
        const __m128i words = packed_words(codes);
        auto* const target = static_cast<std::uint8_t*>(output.data) + at;
        _mm_storel_epi64(reinterpret_cast<__m128i*>(target), _mm_packus_epi16(words, words));
    }
};
template <>
struct CodeLanesAvx2::Codes<CodeForm::kWords> {
    static Integers load(const CodeMap& map, std::ptrdiff_t at, int) {
        return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(static_cast<const std::int16_t*>(map.data) + at)));
    }
    static void store(const CodeOutput& output, std::ptrdiff_t at, Integers codes, int) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(static_cast<std::int16_t*>(output.data) + at), packed_words(codes));
    }
};

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
