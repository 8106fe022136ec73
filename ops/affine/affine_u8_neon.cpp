// SPDX-License-Identifier: Apache-2.0
// Affine map of bytes, NEON: 16 bytes a load, widened to four registers of floats.
//
//   v  1  bytes, v  2  halves, v  4  floats, v  8  scales and offsets
//
// Scales and offsets are repeated to 16 x channels, after which the pattern starts again at channel 0, so
// that the tensor is one run of elements; a pixel of more than 8 channels is a run of its own. The last
// elements are done one by one: a product and a sum, both rounded, give the same bits.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/affine/affine.h"

namespace fovea::ops {
namespace {

constexpr std::size_t kStep = 16;
constexpr std::size_t kPatternChannels = 8;

inline float32x4_t apply(uint16x4_t values, const float* scale, const float* offset) {
    const float32x4_t product = vmulq_f32(vcvtq_f32_u32(vmovl_u16(values)), vld1q_f32(scale));
    return vaddq_f32(product, vld1q_f32(offset));
}

inline void map_step(const std::uint8_t* input, const float* scale, const float* offset,
                     float* output) {
    const uint8x16_t bytes = vld1q_u8(input);
    const uint16x8_t low = vmovl_u8(vget_low_u8(bytes));
    const uint16x8_t high = vmovl_high_u8(bytes);
    const float32x4_t first = apply(vget_low_u16(low), scale, offset);
    const float32x4_t second = apply(vget_high_u16(low), scale + 4, offset + 4);
    const float32x4_t third = apply(vget_low_u16(high), scale + 8, offset + 8);
    const float32x4_t fourth = apply(vget_high_u16(high), scale + 12, offset + 12);
    vst1q_f32(output, first);
    vst1q_f32(output + 4, second);
    vst1q_f32(output + 8, third);
    vst1q_f32(output + 12, fourth);
}

void map(const std::uint8_t* input, const float* scale, const float* offset, float* output,
         std::size_t count) {
    std::size_t c = 0;
    for (; c + kStep <= count; c += kStep) map_step(input + c, scale + c, offset + c, output + c);
    for (; c < count; ++c) output[c] = static_cast<float>(input[c]) * scale[c] + offset[c];
}

}  // namespace

void affine_u8_neon(const AffineU8Args& args) {
    const auto channels = static_cast<std::size_t>(args.channels);
    if (channels > kPatternChannels) {
        for (std::size_t p = 0; p < args.pixels; ++p) {
            map(args.input + p * channels, args.scale, args.offset, args.output + p * channels,
                channels);
        }
        return;
    }
    float scale[kPatternChannels * kStep];
    float offset[kPatternChannels * kStep];
    const std::size_t pattern = channels * kStep;
    __builtin_memcpy(scale, args.scale, channels * sizeof(float));
    __builtin_memcpy(offset, args.offset, channels * sizeof(float));
    for (std::size_t done = channels; done < pattern; done *= 2) {  // 16 is a power of two
        __builtin_memcpy(scale + done, scale, done * sizeof(float));
        __builtin_memcpy(offset + done, offset, done * sizeof(float));
    }
    const std::size_t count = args.pixels * channels;
    std::size_t k = 0;
    for (; k + pattern <= count; k += pattern) {
        for (std::size_t c = 0; c < pattern; c += kStep) {
            map_step(args.input + k + c, scale + c, offset + c, args.output + k + c);
        }
    }
    map(args.input + k, scale, offset, args.output + k, count - k);
}

}  // namespace fovea::ops
