// SPDX-License-Identifier: Apache-2.0
// Pixels of 1, 2, 3, 4, 6 or 12 channels: 48 bytes at a time, whose scales and offsets are three
// registers each, over and over. A table look-up puts four bytes where the integers of a register
// want them. Any other number of channels: affine_xsimd.h, with 16 bytes widened to four registers
// of 4 floats.
//
//   v  3  bytes                     v  4  indices of the look-ups
//   v  3  scales, 3 offsets         v  4  values on their way
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/affine/affine_xsimd.h"

namespace fovea::ops {
namespace {

using Arch = xsimd::neon64;

struct Loader {
    static constexpr int kVectors = 4;
    static void load(const std::uint8_t* source, xsimd::batch<float, Arch> (&values)[4]) {
        const uint8x16_t bytes = vld1q_u8(source);
        const uint16x8_t low = vmovl_u8(vget_low_u8(bytes));
        const uint16x8_t high = vmovl_high_u8(bytes);
        values[0] = vcvtq_f32_u32(vmovl_u16(vget_low_u16(low)));
        values[1] = vcvtq_f32_u32(vmovl_high_u16(low));
        values[2] = vcvtq_f32_u32(vmovl_u16(vget_low_u16(high)));
        values[3] = vcvtq_f32_u32(vmovl_high_u16(high));
    }
};

constexpr std::size_t kPeriod = 12;  // elements after which every such pixel starts again
constexpr std::size_t kStep = 48;

// Steps of 48 elements, the first of which has scale[0] and offset[0] of 12 of each.
void map_steps(const std::uint8_t* input, const float* scale, const float* offset, float* output,
               std::size_t steps) {
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
            vst1q_f32_x4(output + 16 * r, values);
        }
    }
}

void map_pixels(const AffineU8Args& args) {
    const std::size_t channels = static_cast<std::size_t>(args.channels);
    // Twice the period: the last step begins anywhere in it.
    float scale[2 * kPeriod];
    float offset[2 * kPeriod];
    for (std::size_t c = 0; c < channels; ++c) {
        scale[c] = args.scale[c];
        offset[c] = args.offset[c];
    }
    for (std::size_t k = channels; k < 2 * kPeriod; ++k) {
        scale[k] = scale[k - channels];
        offset[k] = offset[k - channels];
    }
    const std::size_t count = args.pixels * channels;
    map_steps(args.input, scale, offset, args.output, count / kStep);
    if (count < kStep) {
        for (std::size_t k = 0; k < count; ++k) {
            args.output[k] =
                static_cast<float>(args.input[k]) * scale[k % channels] + offset[k % channels];
        }
    } else if (count % kStep != 0) {  // the last 48 elements, some of them once more
        const std::size_t first = count - kStep;
        const std::size_t phase = first % kPeriod;
        map_steps(args.input + first, scale + phase, offset + phase, args.output + first, 1);
    }
}

}  // namespace

void affine_u8_neon(const AffineU8Args& args) {
    if (kPeriod % static_cast<std::size_t>(args.channels) == 0) {
        map_pixels(args);
    } else {
        AffineKernel<Arch, AffineU8Args, Loader>::run(args);
    }
}

}  // namespace fovea::ops
