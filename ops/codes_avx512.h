// SPDX-License-Identifier: Apache-2.0
// Values in registers become codes; see codes.h. Templates are of a register of 64, 32 or 16 bytes: the narrow ones are for channels
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

// body.operator()<i>() for i = kFirst, kFirst + kStep, ... below kEnd. In a loop gcc would give arrays that i indexes addresses, and so
// the stack.
template <int kFirst, int kEnd, int kStep, typename Body>
[[gnu::always_inline]] inline void unrolled(const Body& body) {
    if constexpr (kFirst < kEnd) {
        body.template operator()<kFirst>();
        unrolled<kFirst + kStep, kEnd, kStep>(body);
    }
}

// The first `count` (1 to 16) of 16.
inline __mmask16 first_lanes(int count) {
    return static_cast<__mmask16>(count >= 16 ? 0xffffu : (1u << count) - 1u);
}

// Values in units of their scales of the channels of `mask` from element `at` on, whatever they are: max and min take their second operand
// where the first is no number, as the scalar comparisons do.
inline void store_values(const CodeOutput& output, std::ptrdiff_t at, __mmask16 mask, __m512 value, __m512i zero, bool positive) {
    const bool bytes = output.type == CodeType::kU8;
    const __m512i floor = positive ? zero : _mm512_set1_epi32(bytes ? 0 : -32768), highest = _mm512_set1_epi32(bytes ? 255 : 32767);
    const __m512 least = _mm512_cvtepi32_ps(_mm512_sub_epi32(floor, zero));
    const __m512 greatest = _mm512_cvtepi32_ps(_mm512_sub_epi32(highest, zero));
    const __m512 clamped = _mm512_min_ps(_mm512_max_ps(value, least), greatest);
    const __m512i codes = _mm512_add_epi32(_mm512_cvtps_epi32(clamped), zero);
    if (bytes) {
        _mm512_mask_cvtepi32_storeu_epi8(static_cast<std::uint8_t*>(output.data) + at, mask, codes);
    } else {
        _mm512_mask_cvtepi32_storeu_epi16(static_cast<std::int16_t*>(output.data) + at, mask, codes);
    }
}

// The codes of `count` sums of one pixel, channels from `channel` on, whatever the constants are.
[[gnu::noinline]] inline void store_any(const CodeOutput& output, std::ptrdiff_t at, const std::int32_t* sums, const Requantisation& with,
                                        int channel, int count) {
    for (int c = 0; c < count; c += 16) {
        const __mmask16 mask = first_lanes(count - c);
        const __m512i zero = _mm512_maskz_loadu_epi32(mask, with.zero + channel + c);
        __m512 value = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(mask, sums + c)),
                                     _mm512_maskz_loadu_ps(mask, with.multiplier + channel + c));
        if (with.activation == Activation::kHardSwish) {
            const __m512 shifted = _mm512_add_ps(value, _mm512_set1_ps(3.0f));
            const __m512 factor = _mm512_min_ps(_mm512_max_ps(shifted, _mm512_setzero_ps()), _mm512_set1_ps(6.0f));
            value = _mm512_mul_ps(_mm512_mul_ps(value, factor), _mm512_maskz_loadu_ps(mask, with.swish_multiplier + channel + c));
        }
        store_values(output, at + c, mask, value, zero, with.activation == Activation::kRelu);
    }
}

// Values below this are those that the packing of CodeStore keeps in the range of their type.
constexpr float kMostPacked = 1073741824.0f;

// Which channels lie in the registers of a pixel: 0 to 15, 16 to 31, ..., or in every 16 bytes those that unpacking four rows of bytes or
// two rows of words leaves there.
enum class Order : std::uint8_t { kPanels, kUnpackedBytes, kUnpackedWords };

// Makes whole numbers of the channels of kVectors registers codes: values less their zeros, rounded, below kMostPacked. Packing with
// saturation is all that keeps them in the range of their type.
template <class R, int kVectors, Order kOrder>
struct CodeStore {
    using Integers = typename R::Integers;
    static constexpr int kPairs = (kVectors + 1) / 2;
    static constexpr int kLanes = R::kBytes / 4;
    static_assert(kOrder == Order::kPanels || kVectors == (kOrder == Order::kUnpackedBytes ? 4 : 2));

    Integers zero[kVectors], zero_words[kPairs], floor_words[kPairs], floor_bytes;

    // positive: no code is below its zero.
    CodeStore(const std::int32_t* zeros, bool positive) {
        load(zero, zeros);
        for (int pair = 0; pair < kPairs; ++pair) zero_words[pair] = R::pack_words(zero[2 * pair], zero[second(pair)]);
        for (int pair = 0; pair < kPairs; ++pair) floor_words[pair] = positive ? zero_words[pair] : R::all_words(-32768);
        floor_bytes = positive ? R::pack_bytes(zero_words[0], zero_words[kPairs - 1]) : R::all_words(0);
    }

    // Constants of the channels as the numbers lie.
    template <typename Vector, typename T>
    static void load(Vector (&vectors)[kVectors], const T* from) {
        for (int v = 0; v < kVectors; ++v) R::load(vectors[v], from + v * kLanes);
        if constexpr (kOrder != Order::kPanels) R::unpack_lanes(vectors);
    }

    // kPixels pixels, `stride` apart; number.operator()<p, v>() is register v of pixel p.
    template <int kPixels, typename Number>
    [[gnu::always_inline]] void store_bytes(std::uint8_t* target, std::ptrdiff_t stride, const Number& number) const {
        if constexpr (kVectors >= 3) {
            unrolled<0, kPixels, 1>([&]<int p>() __attribute__((always_inline)) {
                const Integers bytes = ordered_bytes(biased_words<p, 0, p, 1>(number, 0), biased_words<p, 2, p, kVectors - 1>(number, 1));
                if constexpr (kVectors == 4) {
                    R::store(target + p * stride, bytes);
                } else {
                    R::store_half(target + p * stride, bytes, 0);
                    R::store_quarter(target + p * stride + R::kBytes / 2, bytes, 2);
                }
            });
        } else if constexpr (kVectors == 2) {
            unrolled<0, kPixels, 2>([&]<int p>() __attribute__((always_inline)) {
                constexpr int kNext = p + 1 < kPixels ? p + 1 : p;
                const Integers first = biased_words<p, 0, p, 1>(number, 0);
                const Integers bytes = ordered_bytes(first, kNext != p ? biased_words<kNext, 0, kNext, 1>(number, 0) : first);
                R::store_half(target + p * stride, bytes, 0);
                if (kNext != p) R::store_half(target + kNext * stride, bytes, 1);
            });
        } else {
            unrolled<0, kPixels, 4>([&]<int p>() __attribute__((always_inline)) {
                constexpr int kSecond = p + 1 < kPixels ? p + 1 : p, kThird = p + 2 < kPixels ? p + 2 : p;
                constexpr int kFourth = p + 3 < kPixels ? p + 3 : kThird;
                const Integers first = biased_words<p, 0, kSecond, 0>(number, 0);
                const Integers bytes = ordered_bytes(first, kThird != p ? biased_words<kThird, 0, kFourth, 0>(number, 0) : first);
                constexpr int kCount = kPixels - p < 4 ? kPixels - p : 4;
                unrolled<0, kCount, 1>([&]<int k>() { R::store_quarter(target + (p + k) * stride, bytes, k); });
            });
        }
    }
    template <int kPixels, typename Number>
    [[gnu::always_inline]] void store_words(std::int16_t* target, std::ptrdiff_t stride, const Number& number) const {
        static_assert(kOrder != Order::kUnpackedBytes);
        if constexpr (kVectors == 1) {
            unrolled<0, kPixels, 2>([&]<int p>() __attribute__((always_inline)) {
                constexpr int kNext = p + 1 < kPixels ? p + 1 : p;
                const Integers codes = R::order_pairs(whole_words<p, 0, kNext, 0>(number));
                R::store_half(target + p * stride, codes, 0);
                if (kNext != p) R::store_half(target + kNext * stride, codes, 1);
            });
        } else {
            unrolled<0, kPixels, 1>([&]<int p>() __attribute__((always_inline)) {
                unrolled<0, kPairs, 1>([&]<int pair>() __attribute__((always_inline)) {
                    Integers codes = whole_words<p, 2 * pair, p, second(pair)>(number);
                    if constexpr (kOrder == Order::kPanels) codes = R::order_pairs(codes);
                    if constexpr (second(pair) != 2 * pair) {
                        R::store(target + p * stride + 2 * kLanes * pair, codes);
                    } else {
                        R::store_half(target + p * stride + 2 * kLanes * pair, codes, 0);
                    }
                });
            });
        }
    }

private:
    static constexpr int second(int pair) { return 2 * pair + 1 < kVectors ? 2 * pair + 1 : 2 * pair; }

    template <int p, int v, int q, int w, typename Number>
    [[gnu::always_inline]] Integers biased_words(const Number& number, int pair) const {
        const Integers first = number.template operator()<p, v>();
        const Integers next = p == q && v == w ? first : number.template operator()<q, w>();
        return R::add_words(R::pack_words(first, next), zero_words[pair]);
    }
    // Words that need not fit their type before the zeros are added.
    template <int p, int v, int q, int w, typename Number>
    [[gnu::always_inline]] Integers whole_words(const Number& number) const {
        const Integers first = R::add(number.template operator()<p, v>(), zero[v]);
        const Integers next = p == q && v == w ? first : R::add(number.template operator()<q, w>(), zero[w]);
        return R::max_words(R::pack_words(first, next), floor_words[v / 2]);
    }
    Integers ordered_bytes(Integers first, Integers second) const {
        const Integers bytes = R::max_bytes(R::pack_bytes(first, second), floor_bytes);
        return kOrder == Order::kPanels ? R::order_fours(bytes) : kOrder == Order::kUnpackedWords ? R::order_pairs(bytes) : bytes;
    }
};

// How sums become codes. Values are mostly known to be below kMostPacked; others and numbers of channels that fill no register take the
// slow way.
enum class Finish : std::uint8_t { kBytes, kSwishedBytes, kWords, kSwishedWords, kAny };

// What makes sums of the channels of kVectors registers codes, made once for many pixels. The sums begin with `bias`.
template <class R, int kVectors, Order kOrder>
struct Epilogue {
    using Integers = typename R::Integers;
    using Floats = typename R::Floats;
    using Store = CodeStore<R, kVectors, kOrder>;
    static constexpr int kLanes = R::kBytes / 4;

    Integers bias[kVectors];
    Floats multiplier[kVectors], swish_multiplier[kVectors];
    Store codes;
    const Requantisation& with;
    int channel, count;  // the first channel, and how many of them there are
    Finish finish;

    // A sum is its bias and `terms` products, none greater than `greatest_product`.
    Epilogue(const std::int32_t* bias_of_channels, int first, int channels, const Requantisation& requantisation, CodeType type, int terms,
             float greatest_product)
        : codes(requantisation.zero + first, requantisation.activation == Activation::kRelu), with(requantisation), channel(first),
          count(channels) {
        const bool swishes = with.activation == Activation::kHardSwish;
        Store::load(bias, bias_of_channels + first);
        Store::load(multiplier, with.multiplier + first);
        Store::load(swish_multiplier, (swishes ? with.swish_multiplier : with.multiplier) + first);
        const Floats reach = R::all(static_cast<float>(terms) * greatest_product);
        bool fits = channels == kLanes * kVectors && !(kOrder == Order::kUnpackedBytes && type == CodeType::kS16);
        for (int v = 0; v < kVectors; ++v) {
            const Floats value = R::multiply(R::add(R::magnitude(R::floats_of(bias[v])), reach), R::magnitude(multiplier[v]));
            const Floats swished = R::multiply(R::multiply(value, R::all(6.0f)), R::magnitude(swish_multiplier[v]));
            fits = fits && R::all_below(value, kMostPacked) && (!swishes || R::all_below(swished, kMostPacked));
        }
        if (type == CodeType::kU8) {
            finish = !fits ? Finish::kAny : swishes ? Finish::kSwishedBytes : Finish::kBytes;
        } else {
            finish = !fits ? Finish::kAny : swishes ? Finish::kSwishedWords : Finish::kWords;
        }
    }

    // The sums of kPixels pixels, the first at element `at` of the output.
    template <int kPixels>
    [[gnu::always_inline]] void store(const CodeOutput& output, std::ptrdiff_t at, const Integers (&sums)[kPixels][kVectors]) const {
        const auto plain = [&]<int p, int v>() __attribute__((always_inline)) { return R::rounded(value(sums[p][v], v)); };
        const auto swished = [&]<int p, int v>() __attribute__((always_inline)) {
            return R::rounded(R::multiply(R::swished(value(sums[p][v], v)), swish_multiplier[v]));
        };
        auto* const bytes = static_cast<std::uint8_t*>(output.data) + at;
        if (finish == Finish::kBytes) return codes.template store_bytes<kPixels>(bytes, output.stride, plain);
        if (finish == Finish::kSwishedBytes) return codes.template store_bytes<kPixels>(bytes, output.stride, swished);
        if constexpr (kOrder != Order::kUnpackedBytes) {
            auto* const words = static_cast<std::int16_t*>(output.data) + at;
            if (finish == Finish::kWords) return codes.template store_words<kPixels>(words, output.stride, plain);
            if (finish == Finish::kSwishedWords) return codes.template store_words<kPixels>(words, output.stride, swished);
        }
        unrolled<0, kPixels, 1>([&]<int p>() { store_unfit(output, at + p * output.stride, sums[p]); });
    }

private:
    Floats value(Integers sums, int v) const { return R::multiply(R::floats_of(sums), multiplier[v]); }
    void store_unfit(const CodeOutput& output, std::ptrdiff_t at, const Integers (&sums)[kVectors]) const {
        Integers lanes[kVectors];
        unrolled<0, kVectors, 1>([&]<int v>() { lanes[v] = sums[v]; });
        if constexpr (kOrder != Order::kPanels) R::pack_lanes(lanes);
        store_any(output, at, reinterpret_cast<const std::int32_t*>(lanes), with, channel, count);
    }
};

}  // namespace
}  // namespace fovea::ops
