// SPDX-License-Identifier: Apache-2.0
#pragma once

// affine_pixels_pattern.h's steps: 48 bytes at a time, whose scales and offsets are three registers
// each, over and over. A table look-up puts four bytes where the integers of a register want them.
//
//   v  3  bytes                     v  4  indices of the look-ups
//   v  3  scales, 3 offsets         v  4  values on their way
#include <arm_neon.h>

#include "ops/affine/affine_pixels_pattern.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

inline void store_sixteen(float* target, const float32x4x4_t& values) {
    vst1q_f32_x4(target, values);
}
inline void store_sixteen(Half* target, const float32x4x4_t& values) {
    uint16x8x2_t halves;
    for (int v = 0; v < 2; ++v) {
        halves.val[v] = vreinterpretq_u16_f16(
            vcvt_high_f16_f32(vcvt_f16_f32(values.val[2 * v]), values.val[2 * v + 1]));
    }
    vst1q_u16_x2(target, halves);
}

constexpr std::size_t kPeriod = 12;  // elements after which every such pixel starts again
constexpr std::size_t kStep = 48;

// Steps of 48 elements, the first of which has scale[0] and offset[0] of 12 of each.
template <typename Element>
inline void map_steps(const std::uint8_t* input, const float* scale, const float* offset,
                      Element* output, std::size_t steps) {
    // Byte 4 b + i of a register to the lowest byte of integer i; what lies past the table gives 0.
    constexpr std::uint32_t kNothing = 0xffffff00;
    const uint32x4_t lanes = {kNothing, kNothing | 1, kNothing | 2, kNothing | 3};
    uint8x16_t indices[4];
    for (unsigned b = 0; b < 4; ++b) {
        indices[b] = vreinterpretq_u8_u32(vaddq_u32(lanes, vdupq_n_u32(4 * b)));
    }
    const float32x4x3_t scales = vld1q_f32_x3(scale);
    const float32x4x3_t offsets = vld1q_f32_x3(offset);
    for (; steps > 0; --steps, input += kStep, output += kStep) {
        const uint8x16x3_t bytes = vld1q_u8_x3(input);
#pragma GCC unroll 3
        for (int r = 0; r < 3; ++r) {
            float32x4x4_t values;
#pragma GCC unroll 4
            for (int b = 0; b < 4; ++b) {
                const uint8x16_t integers = vqtbl1q_u8(bytes.val[r], indices[b]);
                const int place = (4 * r + b) % 3;
                values.val[b] = vcvtq_f32_u32(vreinterpretq_u32_u8(integers));
                values.val[b] =
                    vaddq_f32(vmulq_f32(values.val[b], scales.val[place]), offsets.val[place]);
            }
            store_sixteen(output + 16 * r, values);
        }
    }
}

}  // namespace
}  // namespace fovea::ops
