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
inline int32x4_t codes_of(float32x4_t value, int32x4_t zero, int32x4_t lowest, int32x4_t highest) {
    const float32x4_t least = vcvtq_f32_s32(vsubq_s32(lowest, zero));
    const float32x4_t greatest = vcvtq_f32_s32(vsubq_s32(highest, zero));
    return vaddq_s32(vcvtnq_s32_f32(vminnmq_f32(vmaxnmq_f32(value, least), greatest)), zero);
}
inline int32x4_t codes_of(float32x4_t value, int32x4_t zero, CodeType type) {
    return codes_of(value, zero, vdupq_n_s32(type == CodeType::kU8 ? 0 : -32768), vdupq_n_s32(type == CodeType::kU8 ? 255 : 32767));
}

inline int32x4_t requantised(int32x4_t sums, int channel, const Requantisation& with, CodeType type) {
    float32x4_t value = vmulq_f32(vcvtq_f32_s32(sums), vld1q_f32(with.multiplier + channel));
    if (with.activation == Activation::kHardSwish) {
        const float32x4_t shifted = vaddq_f32(value, vdupq_n_f32(3.0f));
        const float32x4_t t = vminnmq_f32(vmaxnmq_f32(shifted, vdupq_n_f32(0.0f)), vdupq_n_f32(6.0f));
        value = vmulq_f32(vmulq_f32(value, t), vld1q_f32(with.swish_multiplier + channel));
    }
    const int32x4_t zero = vld1q_s32(with.zero + channel);
    const int32x4_t lowest = with.activation == Activation::kRelu ? zero : vdupq_n_s32(type == CodeType::kU8 ? 0 : -32768);
    return codes_of(value, zero, lowest, vdupq_n_s32(type == CodeType::kU8 ? 255 : 32767));
}
inline Integers requantised(const Integers& sums, int channel, const Requantisation& with, CodeType type) {
    return {requantised(sums.low, channel, with, type), requantised(sums.high, channel + 4, with, type)};
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
