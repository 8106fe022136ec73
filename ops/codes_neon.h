// SPDX-License-Identifier: Apache-2.0
// Codes in registers of 8 channels; see codes.h.
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/codes.h"

namespace fovea::ops {
namespace {

// Whole numbers of 8 channels.
struct Integers {
    int32x4_t low, high;
};

inline Integers load_integers(const std::int32_t* values) {
    return {vld1q_s32(values), vld1q_s32(values + 4)};
}
inline Integers add(const Integers& a, const Integers& b) {
    return {vaddq_s32(a.low, b.low), vaddq_s32(a.high, b.high)};
}

// vmaxnm and vminnm give the other operand where one is no number, as the scalar comparisons do.
inline float32x4_t clamped(float32x4_t value, float32x4_t least, float32x4_t greatest) {
    return vminnmq_f32(vmaxnmq_f32(value, least), greatest);
}
inline int32x4_t codes_of(float32x4_t value, int32x4_t zero, int32x4_t lowest, int32x4_t highest) {
    const float32x4_t least = vcvtq_f32_s32(vsubq_s32(lowest, zero));
    const float32x4_t greatest = vcvtq_f32_s32(vsubq_s32(highest, zero));
    return vaddq_s32(vcvtnq_s32_f32(clamped(value, least, greatest)), zero);
}

// What hard-swish multiplies its input by.
inline float32x4_t swish_factor(float32x4_t value) {
    const float32x4_t shifted = vaddq_f32(value, vdupq_n_f32(3.0f));
    return vminnmq_f32(vmaxnmq_f32(shifted, vdupq_n_f32(0.0f)), vdupq_n_f32(6.0f));
}

// The first `count` (1 to 8) of 8 codes, at element `at` of the output.
inline void store_codes(const CodeOutput& output, std::ptrdiff_t at, const Integers& codes, int count) {
    const int16x8_t words = vcombine_s16(vmovn_s32(codes.low), vmovn_s32(codes.high));
    if (output.type == CodeType::kU8) {
        auto* const target = static_cast<std::uint8_t*>(output.data) + at;
        const uint8x8_t bytes = vqmovun_s16(words);
        if (count == 8) return vst1_u8(target, bytes);
        std::uint8_t lanes[8];
        vst1_u8(lanes, bytes);
        for (int lane = 0; lane < count; ++lane) target[lane] = lanes[lane];
    } else {
        auto* const target = static_cast<std::int16_t*>(output.data) + at;
        if (count == 8) return vst1q_s16(target, words);
        std::int16_t lanes[8];
        vst1q_s16(lanes, words);
        for (int lane = 0; lane < count; ++lane) target[lane] = lanes[lane];
    }
}

// `count` (1 to 8) codes as 16 bits, the other lanes 0.
inline int16x8_t load_words(const std::uint8_t* codes, int count) {
    if (count >= 8) return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(codes)));
    std::uint8_t lanes[8] = {};
    for (int lane = 0; lane < count; ++lane) lanes[lane] = codes[lane];
    return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(lanes)));
}
inline int16x8_t load_words(const std::int16_t* codes, int count) {
    if (count >= 8) return vld1q_s16(codes);
    std::int16_t lanes[8] = {};
    for (int lane = 0; lane < count; ++lane) lanes[lane] = codes[lane];
    return vld1q_s16(lanes);
}
inline Integers widened(int16x8_t words) {
    return {vmovl_s16(vget_low_s16(words)), vmovl_high_s16(words)};
}
inline Integers load_codes(const CodeMap& map, std::ptrdiff_t at, int count) {
    return widened(map.type == CodeType::kU8 ? load_words(static_cast<const std::uint8_t*>(map.data) + at, count)
                                             : load_words(static_cast<const std::int16_t*>(map.data) + at, count));
}

// How sums become codes. Conversion and narrowing saturate, so that values need no limits where none can be no number; others, and fewer
// channels than 8, take the slow way.
enum class Finish : std::uint8_t { kBytes, kSwishedBytes, kWords, kSwishedWords, kAny };

// What makes sums of 8 channels codes, made once for many pixels. The sums begin with `bias`.
struct Epilogue {
    Integers bias, zero;
    float32x4_t multiplier[2], swish_multiplier[2];
    int16x8_t zero_words, floor_words;
    uint8x8_t floor_bytes;
    Activation activation;
    int count;
    Finish finish;

    Epilogue(const Integers& first_sums, int channel, int channels, const Requantisation& with, CodeType type)
        : bias(first_sums), zero(load_integers(with.zero + channel)), activation(with.activation),
          count(channels - channel < 8 ? channels - channel : 8) {
        const bool swishes = activation == Activation::kHardSwish, positive = activation == Activation::kRelu;
        uint32x4_t numbers = vdupq_n_u32(0xFFFFFFFFu);
        for (int half = 0; half < 2; ++half) {
            multiplier[half] = vld1q_f32(with.multiplier + channel + 4 * half);
            swish_multiplier[half] = swishes ? vld1q_f32(with.swish_multiplier + channel + 4 * half) : multiplier[half];
            // 2^31 times this, times 6, is finite, and finite numbers make no NaN.
            numbers = vandq_u32(numbers, vcaltq_f32(multiplier[half], vdupq_n_f32(1e28f)));
            numbers = vandq_u32(numbers, vcaleq_f32(swish_multiplier[half], vdupq_n_f32(3e38f)));
        }
        zero_words = vcombine_s16(vmovn_s32(zero.low), vmovn_s32(zero.high));
        floor_words = positive ? zero_words : vdupq_n_s16(-32768);
        floor_bytes = positive ? vqmovun_s16(zero_words) : vdup_n_u8(0);
        const bool usual = count == 8 && vminvq_u32(numbers) != 0;
        const bool bytes = type == CodeType::kU8;
        finish = !usual ? Finish::kAny : bytes ? (swishes ? Finish::kSwishedBytes : Finish::kBytes)
                                               : (swishes ? Finish::kSwishedWords : Finish::kWords);
    }

    // The sums of kPixels pixels, the first at element `at` of the output.
    template <int kPixels>
    void store(const CodeOutput& output, std::ptrdiff_t at, const Integers (&sums)[kPixels]) const {
        switch (finish) {
            case Finish::kBytes: return store_bytes<false>(output, at, sums);
            case Finish::kSwishedBytes: return store_bytes<true>(output, at, sums);
            case Finish::kWords: return store_words<false>(output, at, sums);
            case Finish::kSwishedWords: return store_words<true>(output, at, sums);
            case Finish::kAny: break;
        }
        for (int p = 0; p < kPixels; ++p) store_any(output, at + p * output.stride, sums[p]);
    }

  private:
    template <bool kSwishes>
    float32x4_t value_of(int32x4_t sums, int half) const {
        const float32x4_t value = vmulq_f32(vcvtq_f32_s32(sums), multiplier[half]);
        return kSwishes ? vmulq_f32(vmulq_f32(value, swish_factor(value)), swish_multiplier[half]) : value;
    }
    template <bool kSwishes>
    Integers rounded(const Integers& sums) const {
        return {vcvtnq_s32_f32(value_of<kSwishes>(sums.low, 0)), vcvtnq_s32_f32(value_of<kSwishes>(sums.high, 1))};
    }
    static int16x8_t saturated(const Integers& values) { return vqmovn_high_s32(vqmovn_s32(values.low), values.high); }

    template <bool kSwishes, int kPixels>
    void store_bytes(const CodeOutput& output, std::ptrdiff_t at, const Integers (&sums)[kPixels]) const {
        auto* target = static_cast<std::uint8_t*>(output.data) + at;
#pragma GCC unroll 8
        for (int p = 0; p < kPixels; ++p, target += output.stride) {
            const int16x8_t words = vqaddq_s16(saturated(rounded<kSwishes>(sums[p])), zero_words);
            vst1_u8(target, vmax_u8(vqmovun_s16(words), floor_bytes));
        }
    }
    template <bool kSwishes, int kPixels>
    void store_words(const CodeOutput& output, std::ptrdiff_t at, const Integers (&sums)[kPixels]) const {
        auto* target = static_cast<std::int16_t*>(output.data) + at;
#pragma GCC unroll 8
        for (int p = 0; p < kPixels; ++p, target += output.stride) {
            const Integers values = rounded<kSwishes>(sums[p]);
            const int16x8_t words = saturated({vqaddq_s32(values.low, zero.low), vqaddq_s32(values.high, zero.high)});
            vst1q_s16(target, vmaxq_s16(words, floor_words));
        }
    }
    [[gnu::noinline]] void store_any(const CodeOutput& output, std::ptrdiff_t at, const Integers& sums) const {
        const bool swishes = activation == Activation::kHardSwish;
        const int32x4_t lowest = vdupq_n_s32(output.type == CodeType::kU8 ? 0 : -32768);
        const int32x4_t highest = vdupq_n_s32(output.type == CodeType::kU8 ? 255 : 32767);
        const bool positive = activation == Activation::kRelu;
        const float32x4_t low = swishes ? value_of<true>(sums.low, 0) : value_of<false>(sums.low, 0);
        const float32x4_t high = swishes ? value_of<true>(sums.high, 1) : value_of<false>(sums.high, 1);
        store_codes(output, at, {codes_of(low, zero.low, positive ? zero.low : lowest, highest),
                                 codes_of(high, zero.high, positive ? zero.high : lowest, highest)}, count);
    }
};

// Registers of 8 channels, for templates that are the same for all instruction sets (codes/code_maps_lanes.h).
struct CodeLanesNeon {
    using Integers = fovea::ops::Integers;
    struct Floats {
        float32x4_t low, high;
    };
    static Integers load_integers(const std::int32_t* from) { return {vld1q_s32(from), vld1q_s32(from + 4)}; }
    static Floats load_floats(const float* from) { return {vld1q_f32(from), vld1q_f32(from + 4)}; }
    static Floats floats_of(const Integers& codes) { return {vcvtq_f32_s32(codes.low), vcvtq_f32_s32(codes.high)}; }
    static Integers all(std::int32_t value) { return {vdupq_n_s32(value), vdupq_n_s32(value)}; }
    static Integers add(const Integers& a, const Integers& b) { return {vaddq_s32(a.low, b.low), vaddq_s32(a.high, b.high)}; }
    static Integers subtract(const Integers& a, const Integers& b) { return {vsubq_s32(a.low, b.low), vsubq_s32(a.high, b.high)}; }
    static Integers multiply(const Integers& a, const Integers& b) { return {vmulq_s32(a.low, b.low), vmulq_s32(a.high, b.high)}; }
    static Integers maximum(const Integers& a, const Integers& b) { return {vmaxq_s32(a.low, b.low), vmaxq_s32(a.high, b.high)}; }
    static Floats add(const Floats& a, const Floats& b) { return {vaddq_f32(a.low, b.low), vaddq_f32(a.high, b.high)}; }
    static Floats multiply(const Floats& a, const Floats& b) { return {vmulq_f32(a.low, b.low), vmulq_f32(a.high, b.high)}; }
    static Floats divide(const Floats& a, const Floats& b) { return {vdivq_f32(a.low, b.low), vdivq_f32(a.high, b.high)}; }
    static void store(std::int32_t* to, const Integers& values) {
        vst1q_s32(to, values.low);
        vst1q_s32(to + 4, values.high);
    }
    static void store(float* to, const Floats& values) {
        vst1q_f32(to, values.low);
        vst1q_f32(to + 4, values.high);
    }

    template <CodeForm kForm>
    struct Codes {
        static Integers load(const CodeMap& map, std::ptrdiff_t at, int count) { return load_codes(map, at, count); }
        static void store(const CodeOutput& output, std::ptrdiff_t at, const Integers& codes, int count) {
            store_codes(output, at, codes, count);
        }
    };

    struct Limits {
        Integers zero;
        Floats least, greatest;

        Limits(const std::int32_t* zeros, CodeType type) : zero(load_integers(zeros)) {
            least = floats_of(subtract(all(type == CodeType::kU8 ? 0 : -32768), zero));
            greatest = floats_of(subtract(all(type == CodeType::kU8 ? 255 : 32767), zero));
        }
        Integers codes(const Floats& value) const {
            return {vaddq_s32(vcvtnq_s32_f32(clamped(value.low, least.low, greatest.low)), zero.low),
                    vaddq_s32(vcvtnq_s32_f32(clamped(value.high, least.high, greatest.high)), zero.high)};
        }
    };
};
template <>
struct CodeLanesNeon::Codes<CodeForm::kBytes> {
    static Integers load(const CodeMap& map, std::ptrdiff_t at, int) {
        return widened(load_words(static_cast<const std::uint8_t*>(map.data) + at, 8));
    }
    static void store(const CodeOutput& output, std::ptrdiff_t at, const Integers& codes, int) {
        vst1_u8(static_cast<std::uint8_t*>(output.data) + at, vqmovun_s16(vcombine_s16(vmovn_s32(codes.low), vmovn_s32(codes.high))));
    }
};
template <>
struct CodeLanesNeon::Codes<CodeForm::kWords> {
    static Integers load(const CodeMap& map, std::ptrdiff_t at, int) {
        return widened(load_words(static_cast<const std::int16_t*>(map.data) + at, 8));
    }
    static void store(const CodeOutput& output, std::ptrdiff_t at, const Integers& codes, int) {
        vst1q_s16(static_cast<std::int16_t*>(output.data) + at, vcombine_s16(vmovn_s32(codes.low), vmovn_s32(codes.high)));
    }
};

// 4 inputs of a pixel as 16 bits, twice, those from `count` on 0.
inline int16x8_t broadcast_inputs(const std::int16_t* inputs, int count) {
    std::int16_t lanes[4] = {};
    __builtin_memcpy(lanes, inputs, static_cast<std::size_t>(count < 4 ? count : 4) * sizeof(lanes[0]));
    const int16x4_t four = vld1_s16(lanes);
    return vcombine_s16(four, four);
}
inline int16x8_t broadcast_inputs(const std::uint8_t* inputs, int count) {
    std::uint8_t lanes[8] = {};
    for (int lane = 0; lane < 4 && lane < count; ++lane) lanes[lane] = lanes[lane + 4] = inputs[lane];
    return vreinterpretq_s16_u16(vmovl_u8(vld1_u8(lanes)));
}

// A panel's weights of 4 inputs as 16 bits: two outputs a register.
struct WordWeights {
    int16x8_t pairs[4];
};
inline WordWeights load_weights(const std::int8_t* weights) {
    const int8x16_t low = vld1q_s8(weights), high = vld1q_s8(weights + 16);
    return {{vmovl_s8(vget_low_s8(low)), vmovl_high_s8(low), vmovl_s8(vget_low_s8(high)), vmovl_high_s8(high)}};
}

// The sums of a panel's 8 outputs over inputs of 16 bits: 4 sums beside each other for each output.
struct WordSums {
    int32x4_t of_output[8];

    void clear() {
#pragma GCC unroll 8
        for (int o = 0; o < 8; ++o) of_output[o] = vdupq_n_s32(0);
    }
    void add(int16x8_t inputs, const WordWeights& weights) {
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
            of_output[2 * k] = vmlal_s16(of_output[2 * k], vget_low_s16(weights.pairs[k]), vget_low_s16(inputs));
            of_output[2 * k + 1] = vmlal_high_s16(of_output[2 * k + 1], weights.pairs[k], inputs);
        }
    }
    Integers total() const {
        return {vpaddq_s32(vpaddq_s32(of_output[0], of_output[1]), vpaddq_s32(of_output[2], of_output[3])),
                vpaddq_s32(vpaddq_s32(of_output[4], of_output[5]), vpaddq_s32(of_output[6], of_output[7]))};
    }
};

// What a panel's bias is where its inputs are codes of 8 bits less 128: 128 times the sum of each output's weights more.
inline Integers bias_of_signed_inputs(const std::int32_t* bias, const std::int8_t* weights, int quads) {
    Integers sums = {vdupq_n_s32(0), vdupq_n_s32(0)};
    for (int quad = 0; quad < quads; ++quad, weights += 32) {
        sums.low = vpadalq_s16(sums.low, vpaddlq_s8(vld1q_s8(weights)));
        sums.high = vpadalq_s16(sums.high, vpaddlq_s8(vld1q_s8(weights + 16)));
    }
    return add(load_integers(bias), {vshlq_n_s32(sums.low, 7), vshlq_n_s32(sums.high, 7)});
}

}  // namespace
}  // namespace fovea::ops
