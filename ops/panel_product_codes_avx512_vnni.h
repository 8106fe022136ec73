// SPDX-License-Identifier: Apache-2.0
// Sums of products of codes with panels of 8-bit weights. A step takes 4 bytes of every pixel, 4 codes of 8 bits or 2 of 16, which
// are broadcast, and 32 bytes of each panel's weights, of 8 or of 16 bits: vpdpbusd or vpdpwssd adds their products to a sum for each
// output, exactly.
#pragma once

#if !defined(__AVX512VNNI__) || !defined(__AVX512VL__)
#error "for files compiled with -mavx512vnni -mavx512vl"
#endif

#include "ops/codes_avx512.h"

namespace fovea::ops {
namespace {

template <typename Input>
constexpr int kStepInputs = 4 / static_cast<int>(sizeof(Input));

// The greatest product of a code and a weight.
template <typename Input>
constexpr float kGreatestProduct = sizeof(Input) == 1 ? 255.0f * 128.0f : 32768.0f * 128.0f;

[[gnu::always_inline]] inline __m512i add_products(__m512i sums, __m512i codes, __m512i weights, const std::uint8_t*) {
    return _mm512_dpbusd_epi32(sums, codes, weights);
}
[[gnu::always_inline]] inline __m512i add_products(__m512i sums, __m512i codes, __m512i weights, const std::int16_t*) {
    return _mm512_dpwssd_epi32(sums, codes, weights);
}
[[gnu::always_inline]] inline __m256i add_products(__m256i sums, __m256i codes, __m256i weights, const std::uint8_t*) {
    return _mm256_dpbusd_epi32(sums, codes, weights);
}
[[gnu::always_inline]] inline __m256i add_products(__m256i sums, __m256i codes, __m256i weights, const std::int16_t*) {
    return _mm256_dpwssd_epi32(sums, codes, weights);
}
[[gnu::always_inline]] inline __m128i add_products(__m128i sums, __m128i codes, __m128i weights, const std::uint8_t*) {
    return _mm_dpbusd_epi32(sums, codes, weights);
}
[[gnu::always_inline]] inline __m128i add_products(__m128i sums, __m128i codes, __m128i weights, const std::int16_t*) {
    return _mm_dpwssd_epi32(sums, codes, weights);
}

// Sums of kPixels pixels x 2 * kPairs panels of 8 outputs, and one panel more where kOdd. Two panels are joined in a register as they are
// loaded; the odd one has registers of half the width.
template <int kPixels, int kPairs, bool kOdd>
struct PanelTile {
    __m512i pairs[kPixels][kPairs > 0 ? kPairs : 1];
    __m256i odd[kPixels][1];

    // In assembly, because gcc 12 spills a sum for the half on the way.
    [[gnu::always_inline]] static __m512i load_pair(const std::int8_t* lower, const std::int8_t* upper) {
        __m512i both;
        __asm__("vmovdqu8 %1, %t0" : "=v"(both) : "m"(*reinterpret_cast<const __m256i_u*>(lower)));
        return _mm512_inserti64x4(both, *reinterpret_cast<const __m256i_u*>(upper), 1);
    }

    // `inputs` inputs of the pixels, which lie pixel_stride apart, times the panels, panel_bytes apart.
    template <typename Input>
    [[gnu::always_inline]] void add(const Input* input, std::ptrdiff_t pixel_stride, const std::int8_t* weights,
                                    std::ptrdiff_t panel_bytes, int inputs) {
        // Every third pixel's address in a register, the two after it by an index: gcc would keep an address for each, and those on the
        // stack.
        constexpr int kBases = (kPixels + 2) / 3;
        const Input* bases[kBases];
        unrolled<0, kBases, 1>([&]<int k>() __attribute__((always_inline)) { bases[k] = input + 3 * k * pixel_stride; });
        const auto add_step = [&](auto load) __attribute__((always_inline)) {
            __m512i of_pairs[kPairs > 0 ? kPairs : 1];
#pragma GCC unroll 4
            for (int n = 0; n < kPairs; ++n) of_pairs[n] = load_pair(weights + 2 * n * panel_bytes, weights + (2 * n + 1) * panel_bytes);
            const __m256i of_odd =
                kOdd ? *reinterpret_cast<const __m256i_u*>(weights + 2 * kPairs * panel_bytes) : _mm256_setzero_si256();
            unrolled<0, kPixels, 1>([&]<int p>() __attribute__((always_inline)) {
                const __m512i codes = _mm512_set1_epi32(load(bases[p / 3] + p % 3 * pixel_stride));
#pragma GCC unroll 4
                for (int n = 0; n < kPairs; ++n) pairs[p][n] = add_products(pairs[p][n], codes, of_pairs[n], input);
                if constexpr (kOdd) odd[p][0] = add_products(odd[p][0], _mm512_castsi512_si256(codes), of_odd, input);
            });
        };
        const auto whole = [](const Input* from) {
            std::int32_t word;
            __builtin_memcpy(&word, from, 4);
            return word;
        };
        const int rest = inputs % kStepInputs<Input>;
        for (int steps = inputs / kStepInputs<Input>; steps > 0; --steps, weights += 32) {
            add_step(whole);
            unrolled<0, kBases, 1>([&]<int k>() __attribute__((always_inline)) {
                bases[k] += kStepInputs<Input>;
                __asm__("" : "+r"(bases[k]));
            });
        }
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
};

// What makes the sums of kVectors registers codes, if there are any.
template <class R, int kVectors>
struct PanelsEpilogue : Epilogue<R, kVectors, Order::kPanels> {
    using Epilogue<R, kVectors, Order::kPanels>::Epilogue;

    template <int kPixels>
    [[gnu::always_inline]] void start(typename R::Integers (&sums)[kPixels][kVectors]) const {
#pragma GCC unroll 12
        for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 4
            for (int n = 0; n < kVectors; ++n) sums[p][n] = this->bias[n];
        }
    }
};
template <class R>
struct PanelsEpilogue<R, 0> {
    PanelsEpilogue(const std::int32_t*, int, int, const Requantisation&, CodeType, int, float) {}
    template <int kPixels>
    void start(typename R::Integers (&)[kPixels][1]) const {}
    template <int kPixels>
    void store(const CodeOutput&, std::ptrdiff_t, const typename R::Integers (&)[kPixels][1]) const {}
};

// Of the channels from `channel` on, of which there are `count` in 2 * kPairs panels, and one more where kOdd.
template <int kPairs, bool kOdd>
struct PanelEpilogue {
    static constexpr int kPairChannels = 16 * kPairs;

    PanelsEpilogue<Register<64>, kPairs> pairs;
    PanelsEpilogue<Register<32>, kOdd ? 1 : 0> odd;

    PanelEpilogue(const std::int32_t* bias, int channel, int count, const Requantisation& with, CodeType type, int terms,
                  float greatest_product)
        : pairs(bias, channel, count < kPairChannels ? count : kPairChannels, with, type, terms, greatest_product),
          odd(bias, channel + kPairChannels, count - kPairChannels, with, type, terms, greatest_product) {}

    template <int kPixels>
    [[gnu::always_inline]] void start(PanelTile<kPixels, kPairs, kOdd>& tile) const {
        pairs.start(tile.pairs);
        odd.start(tile.odd);
    }
    template <int kPixels>
    [[gnu::always_inline]] void store(const CodeOutput& output, std::ptrdiff_t at, const PanelTile<kPixels, kPairs, kOdd>& tile) const {
        pairs.template store<kPixels>(output, at, tile.pairs);
        odd.template store<kPixels>(output, at + kPairChannels, tile.odd);
    }
};

// The weights of 4 inputs of a panel, 32 bytes, as 16 bits: those of inputs 0 and 1, then of 2 and 3.
inline void widen_weights(const std::int8_t* weights, std::int8_t* words) {
    const __m512i wide = _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(weights)));
    const __m512i order = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15);
    _mm512_storeu_si512(words, _mm512_permutexvar_epi32(order, wide));
}

// How many of `panels` that are left are taken together: 8 at the most, and the last two lots alike.
inline int panels_at_once(int panels) {
    return panels <= 8 ? panels : panels >= 16 ? 8 : (panels / 2 + 1) / 2 * 2;
}

// body.operator()<kPairs, kOdd>() for so many panels.
template <typename Body>
[[gnu::always_inline]] inline void with_panels(int panels, const Body& body) {
    switch (panels) {
        case 1: return body.template operator()<0, true>();
        case 2: return body.template operator()<1, false>();
        case 3: return body.template operator()<1, true>();
        case 4: return body.template operator()<2, false>();
        case 5: return body.template operator()<2, true>();
        case 6: return body.template operator()<3, false>();
        case 7: return body.template operator()<3, true>();
        default: return body.template operator()<4, false>();
    }
}

}  // namespace
}  // namespace fovea::ops
