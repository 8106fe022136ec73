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

inline int16x8_t saturated(int32x4_t low, int32x4_t high) {
    return vqmovn_high_s32(vqmovn_s32(low), high);
}
// `least` is that of the lowest code; codes above the highest are left to the narrowing that saturates. vmaxnm gives the other operand
// where one is no number, as the scalar comparison does.
inline int32x4_t codes_of(float32x4_t value, float32x4_t least, int32x4_t zero) {
    return vqaddq_s32(vcvtnq_s32_f32(vmaxnmq_f32(value, least)), zero);
}

// What hard-swish multiplies its input by.
inline float32x4_t swish_factor(float32x4_t value) {
    const float32x4_t shifted = vaddq_f32(value, vdupq_n_f32(3.0f));
    return vminnmq_f32(vmaxnmq_f32(shifted, vdupq_n_f32(0.0f)), vdupq_n_f32(6.0f));
}

// The first `count` (1 to 8) of 8 codes, at element `at` of the output.
inline void store_codes(const CodeOutput& output, std::ptrdiff_t at, const Integers& codes, int count) {
    const int16x8_t words = saturated(codes.low, codes.high);
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

    // The sums of the bytes of some pixels, 8 kVectors channels; those of as many as 16 bits hold are added in 16 bits.
    template <int kVectors>
    static void sum_bytes(const CodeMap& map, std::ptrdiff_t at, std::size_t pixels, Integers (&sums)[kVectors]) {
        constexpr std::size_t kPixelsOf16Bits = 257;
        for (int v = 0; v < kVectors; ++v) sums[v] = all(0);
        const auto* from = static_cast<const std::uint8_t*>(map.data) + at;
        while (pixels > 0) {
            const std::size_t count = pixels < kPixelsOf16Bits ? pixels : kPixelsOf16Bits;
            pixels -= count;
            uint16x8_t words[kVectors];
#pragma GCC unroll 4
            for (int v = 0; v < kVectors; ++v) words[v] = vdupq_n_u16(0);
            for (std::size_t p = 0; p < count; ++p, from += map.stride) {
#pragma GCC unroll 4
                for (int v = 0; v < kVectors; ++v) words[v] = vaddw_u8(words[v], vld1_u8(from + 8 * v));
            }
#pragma GCC unroll 4
            for (int v = 0; v < kVectors; ++v) {
                sums[v].low = vreinterpretq_s32_u32(vaddw_u16(vreinterpretq_u32_s32(sums[v].low), vget_low_u16(words[v])));
                sums[v].high = vreinterpretq_s32_u32(vaddw_high_u16(vreinterpretq_u32_s32(sums[v].high), words[v]));
            }
        }
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
        Floats least;

        Limits(const std::int32_t* zeros, CodeType type)
            : zero(load_integers(zeros)), least(floats_of(subtract(all(type == CodeType::kU8 ? 0 : -32768), zero))) {}
        Integers codes(const Floats& value) const {
            return {codes_of(value.low, least.low, zero.low), codes_of(value.high, least.high, zero.high)};
        }
    };
};
template <>
struct CodeLanesNeon::Codes<CodeForm::kBytes> {
    static Integers load(const CodeMap& map, std::ptrdiff_t at, int) {
        return widened(load_words(static_cast<const std::uint8_t*>(map.data) + at, 8));
    }
    static void store(const CodeOutput& output, std::ptrdiff_t at, const Integers& codes, int) {
        vst1_u8(static_cast<std::uint8_t*>(output.data) + at, vqmovun_s16(saturated(codes.low, codes.high)));
    }
};
template <>
struct CodeLanesNeon::Codes<CodeForm::kWords> {
    static Integers load(const CodeMap& map, std::ptrdiff_t at, int) {
        return widened(load_words(static_cast<const std::int16_t*>(map.data) + at, 8));
    }
    static void store(const CodeOutput& output, std::ptrdiff_t at, const Integers& codes, int) {
        vst1q_s16(static_cast<std::int16_t*>(output.data) + at, saturated(codes.low, codes.high));
    }
};

}  // namespace
}  // namespace fovea::ops
