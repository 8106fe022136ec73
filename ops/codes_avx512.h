// SPDX-License-Identifier: Apache-2.0
// Sums of codes in registers become codes; see codes.h. Templates are of a register of 64, 32 or 16 bytes: the narrow ones are for channels
// that would leave most of a wide one empty.
#pragma once

#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) || !defined(__AVX512VL__)
#error "for files compiled with -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif

#include "ops/code_registers_avx512.h"
#include "ops/codes.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

// body.operator()<i>() for i = kFirst, kFirst + kStep, ... below kEnd. In a loop gcc would give arrays that i indexes addresses, and so the stack.
template <int kFirst, int kEnd, int kStep, typename Body>
[[gnu::always_inline]] inline void unrolled(const Body& body) {
    if constexpr (kFirst < kEnd) {
        body.template operator()<kFirst>();
        unrolled<kFirst + kStep, kEnd, kStep>(body);
    }
}

// The codes of `count` sums of one pixel, channels from `channel` on, whatever the constants are. max and min take their second operand
// where the first is no number, as the scalar comparisons do.
[[gnu::noinline]] inline void store_any(const CodeOutput& output, std::ptrdiff_t at, const std::int32_t* sums, const Requantisation& with,
                                        int channel, int count) {
    using R = Register<64>;
    const bool bytes = output.type == CodeType::kU8;
    const __m512i lowest = _mm512_set1_epi32(bytes ? 0 : -32768), highest = _mm512_set1_epi32(bytes ? 255 : 32767);
    for (int c = 0; c < count; c += 16) {
        const auto mask = static_cast<__mmask16>(count - c >= 16 ? 0xffffu : (1u << (count - c)) - 1u);
        const __m512i zero = _mm512_maskz_loadu_epi32(mask, with.zero + channel + c);
        __m512 value = _mm512_mul_ps(R::floats_of(_mm512_maskz_loadu_epi32(mask, sums + c)),
                                     _mm512_maskz_loadu_ps(mask, with.multiplier + channel + c));
        if (with.activation == Activation::kHardSwish) {
            const __m512 shifted = _mm512_add_ps(value, _mm512_set1_ps(3.0f));
            const __m512 factor = _mm512_min_ps(_mm512_max_ps(shifted, _mm512_setzero_ps()), _mm512_set1_ps(6.0f));
            value = _mm512_mul_ps(_mm512_mul_ps(value, factor), _mm512_maskz_loadu_ps(mask, with.swish_multiplier + channel + c));
        }
        const __m512i floor = with.activation == Activation::kRelu ? zero : lowest;
        const __m512 least = R::floats_of(_mm512_sub_epi32(floor, zero)), greatest = R::floats_of(_mm512_sub_epi32(highest, zero));
        const __m512i codes = _mm512_add_epi32(R::rounded(_mm512_min_ps(_mm512_max_ps(value, least), greatest)), zero);
        if (bytes) {
            _mm512_mask_cvtepi32_storeu_epi8(static_cast<std::uint8_t*>(output.data) + at + c, mask, codes);
        } else {
            _mm512_mask_cvtepi32_storeu_epi16(static_cast<std::int16_t*>(output.data) + at + c, mask, codes);
        }
    }
}

// How sums become codes. Values are mostly known to be within 2^30 of their zeros, so that packing with saturation is all that keeps them in
// the range of their type; others and numbers of channels that fill no register take the slow way.
enum class Finish : std::uint8_t { kBytes, kSwishedBytes, kWords, kSwishedWords, kAny };

// Which channels lie in the registers of a pixel: 0 to 15, 16 to 31, ..., or in every 16 bytes those that unpacking four rows of bytes or
// two rows of words leaves there.
enum class Order : std::uint8_t { kPanels, kUnpackedBytes, kUnpackedWords };

// What makes sums of the channels of kVectors registers codes, made once for many pixels. The sums begin with `bias`.
template <class R, int kVectors, Order kOrder>
struct Epilogue {
    using Integers = typename R::Integers;
    using Floats = typename R::Floats;
    static constexpr int kPairs = (kVectors + 1) / 2;
    static constexpr int kLanes = R::kBytes / 4;
    static_assert(kOrder == Order::kPanels || kVectors == (kOrder == Order::kUnpackedBytes ? 4 : 2));

    Integers bias[kVectors], zero[kVectors], zero_words[kPairs], floor_words[kPairs], floor_bytes;
    Floats multiplier[kVectors], swish_multiplier[kVectors];
    const Requantisation& with;
    int channel, count;  // the first channel, and how many of them there are
    Finish finish;

    // A sum is its bias and `terms` products, none greater than `greatest_product`.
    Epilogue(const std::int32_t* bias_of_channels, int first, int channels, const Requantisation& requantisation, CodeType type, int terms,
             float greatest_product)
        : with(requantisation), channel(first), count(channels) {
        const bool swishes = with.activation == Activation::kHardSwish;
        load(bias, bias_of_channels + first);
        load(zero, with.zero + first);
        load(multiplier, with.multiplier + first);
        load(swish_multiplier, (swishes ? with.swish_multiplier : with.multiplier) + first);
        const Floats reach = R::all(static_cast<float>(terms) * greatest_product);
        bool fits = channels == kLanes * kVectors;
        for (int v = 0; v < kVectors; ++v) {
            const Floats value = R::multiply(R::add(R::magnitude(R::floats_of(bias[v])), reach), R::magnitude(multiplier[v]));
            const Floats swished = R::multiply(R::multiply(value, R::all(6.0f)), R::magnitude(swish_multiplier[v]));
            constexpr float kMost = 1073741824.0f;
            fits = fits && R::all_below(value, kMost) && (!swishes || R::all_below(swished, kMost));
        }
        for (int pair = 0; pair < kPairs; ++pair) zero_words[pair] = R::pack_words(zero[2 * pair], zero[second(pair)]);
        const bool positive = with.activation == Activation::kRelu;
        for (int pair = 0; pair < kPairs; ++pair) floor_words[pair] = positive ? zero_words[pair] : R::all_words(-32768);
        floor_bytes = positive ? R::pack_bytes(zero_words[0], zero_words[kPairs - 1]) : R::all_words(0);
        if (kOrder == Order::kUnpackedBytes && type == CodeType::kS16) fits = false;
        if (type == CodeType::kU8) {
            finish = !fits ? Finish::kAny : swishes ? Finish::kSwishedBytes : Finish::kBytes;
        } else {
            finish = !fits ? Finish::kAny : swishes ? Finish::kSwishedWords : Finish::kWords;
        }
    }

    // The sums of kPixels pixels, the first at element `at` of the output.
    template <int kPixels>
    [[gnu::always_inline]] void store(const CodeOutput& output, std::ptrdiff_t at, const Integers (&sums)[kPixels][kVectors]) const {
        switch (finish) {
            case Finish::kBytes: return store_bytes<false>(output, at, sums);
            case Finish::kSwishedBytes: return store_bytes<true>(output, at, sums);
            case Finish::kWords: return store_words<false>(output, at, sums);
            case Finish::kSwishedWords: return store_words<true>(output, at, sums);
            case Finish::kAny: break;
        }
        unrolled<0, kPixels, 1>([&]<int p>() { store_unfit(output, at + p * output.stride, sums[p]); });
    }

    // Constants of the channels as the sums lie.
    template <typename Vector, typename T>
    static void load(Vector (&vectors)[kVectors], const T* from) {
        for (int v = 0; v < kVectors; ++v) R::load(vectors[v], from + v * kLanes);
        if constexpr (kOrder != Order::kPanels) R::unpack_lanes(vectors);
    }

  private:
    static constexpr int second(int pair) { return 2 * pair + 1 < kVectors ? 2 * pair + 1 : 2 * pair; }

    void store_unfit(const CodeOutput& output, std::ptrdiff_t at, const Integers (&sums)[kVectors]) const {
        Integers lanes[kVectors];
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) lanes[v] = sums[v];
        if constexpr (kOrder != Order::kPanels) R::pack_lanes(lanes);
        store_any(output, at, reinterpret_cast<const std::int32_t*>(lanes), with, channel, count);
    }

    template <bool kSwishes>
    Integers rounded(Integers sums, int v) const {
        const Floats value = R::multiply(R::floats_of(sums), multiplier[v]);
        return R::rounded(kSwishes ? R::multiply(R::swished(value), swish_multiplier[v]) : value);
    }
    // Registers v and v + 1 of a pixel as words less their zeros.
    template <bool kSwishes>
    Integers words(const Integers (&sums)[kVectors], int pair) const {
        const int first = 2 * pair, next = second(pair);
        const Integers low = rounded<kSwishes>(sums[first], first);
        return R::pack_words(low, next == first ? low : rounded<kSwishes>(sums[next], next));
    }
    template <bool kSwishes>
    Integers biased_words(const Integers (&sums)[kVectors], int pair) const {
        return R::add_words(words<kSwishes>(sums, pair), zero_words[pair]);
    }
    // Words of whole numbers that need not fit their type before the zeros are added.
    template <bool kSwishes>
    Integers whole_words(Integers first, Integers second, int v, int w) const {
        return R::max_words(R::pack_words(R::add(rounded<kSwishes>(first, v), zero[v]), R::add(rounded<kSwishes>(second, w), zero[w])),
                            floor_words[v / 2]);
    }
    Integers ordered_bytes(Integers first, Integers second) const {
        const Integers bytes = R::max_bytes(R::pack_bytes(first, second), floor_bytes);
        return kOrder == Order::kPanels ? R::order_fours(bytes) : kOrder == Order::kUnpackedWords ? R::order_pairs(bytes) : bytes;
    }
    template <bool kSwishes, int kPixels>
    [[gnu::always_inline]] void store_bytes(const CodeOutput& output, std::ptrdiff_t at, const Integers (&sums)[kPixels][kVectors]) const {
        auto* const target = static_cast<std::uint8_t*>(output.data) + at;
        const std::ptrdiff_t stride = output.stride;
        if constexpr (kVectors >= 3) {
            unrolled<0, kPixels, 1>([&]<int p>() __attribute__((always_inline)) {
                const Integers bytes = ordered_bytes(biased_words<kSwishes>(sums[p], 0), biased_words<kSwishes>(sums[p], 1));
                if constexpr (kVectors == 4) {
                    R::store(target + p * stride, bytes);
                } else {
                    R::store_half(target + p * stride, bytes, 0);
                    R::store_quarter(target + p * stride + R::kBytes / 2, bytes, 2);
                }
            });
        } else if constexpr (kVectors == 2) {
            unrolled<0, kPixels, 2>([&]<int p>() __attribute__((always_inline)) {
                constexpr bool kBoth = p + 1 < kPixels;
                const Integers first = biased_words<kSwishes>(sums[p], 0);
                const Integers bytes = ordered_bytes(first, kBoth ? biased_words<kSwishes>(sums[kBoth ? p + 1 : p], 0) : first);
                R::store_half(target + p * stride, bytes, 0);
                if (kBoth) R::store_half(target + (p + 1) * stride, bytes, 1);
            });
        } else {
            const auto words_of = [&]<int p>() __attribute__((always_inline)) {
                const Integers low = rounded<kSwishes>(sums[p][0], 0);
                return R::add_words(R::pack_words(low, p + 1 < kPixels ? rounded<kSwishes>(sums[p + 1 < kPixels ? p + 1 : p][0], 0) : low),
                                    zero_words[0]);
            };
            unrolled<0, kPixels, 4>([&]<int p>() __attribute__((always_inline)) {
                const Integers low = words_of.template operator()<p>();
                constexpr int kNext = p + 2 < kPixels ? p + 2 : p;
                const Integers bytes = ordered_bytes(low, kNext != p ? words_of.template operator()<kNext>() : low);
                unrolled<0, (kPixels - p < 4 ? kPixels - p : 4), 1>([&]<int k>() { R::store_quarter(target + (p + k) * stride, bytes, k); });
            });
        }
    }
    template <bool kSwishes, int kPixels>
    [[gnu::always_inline]] void store_words(const CodeOutput& output, std::ptrdiff_t at, const Integers (&sums)[kPixels][kVectors]) const {
        auto* const target = static_cast<std::int16_t*>(output.data) + at;
        const std::ptrdiff_t stride = output.stride;
        if constexpr (kOrder == Order::kUnpackedBytes) {
            return;  // of bytes alone
        } else if constexpr (kVectors == 1) {
            unrolled<0, kPixels, 2>([&]<int p>() __attribute__((always_inline)) {
                constexpr bool kBoth = p + 1 < kPixels;
                const Integers codes = R::order_pairs(whole_words<kSwishes>(sums[p][0], sums[kBoth ? p + 1 : p][0], 0, 0));
                R::store_half(target + p * stride, codes, 0);
                if (kBoth) R::store_half(target + (p + 1) * stride, codes, 1);
            });
        } else {
            unrolled<0, kPixels, 1>([&]<int p>() __attribute__((always_inline)) {
                unrolled<0, kPairs, 1>([&]<int pair>() __attribute__((always_inline)) {
                    constexpr int kFirst = 2 * pair, kNext = second(pair);
                    Integers codes = whole_words<kSwishes>(sums[p][kFirst], sums[p][kNext], kFirst, kNext);
                    if constexpr (kOrder == Order::kPanels) codes = R::order_pairs(codes);
                    if constexpr (kNext != kFirst) {
                        R::store(target + p * stride + 2 * kLanes * pair, codes);
                    } else {
                        R::store_half(target + p * stride + 2 * kLanes * pair, codes, 0);
                    }
                });
            });
        }
    }
};

}  // namespace
}  // namespace fovea::ops
