// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/codes_neon.h"
#include "ops/codes/code_maps_lanes.h"

namespace fovea::ops {
namespace {

// 16 channels of codes of 8 bits from `channel` on; false, and nothing done, where a gate may make what is no number.
bool gate_bytes(const GateCodesArgs& args, int channel) {
    float32x4_t factor[4];
    uint32x4_t usual = vdupq_n_u32(0xFFFFFFFFu);
    int16x8_t zero[2];
    uint8x16_t input_zero = vdupq_n_u8(0);
#pragma GCC unroll 4
    for (int v = 0; v < 4; ++v) {
        const int at = channel + 4 * v;
        factor[v] = vmulq_f32(vld1q_f32(args.gate + at), vld1q_f32(args.multiplier + at));
        usual = vandq_u32(usual, vcaltq_f32(factor[v], vdupq_n_f32(1e30f)));
    }
    if (vminvq_u32(usual) == 0) return false;
#pragma GCC unroll 2
    for (int half = 0; half < 2; ++half) {
        const int at = channel + 8 * half;
        zero[half] = saturated(vld1q_s32(args.zero + at), vld1q_s32(args.zero + at + 4));
        const uint8x8_t bytes = vqmovun_s16(saturated(vld1q_s32(args.input_zero + at), vld1q_s32(args.input_zero + at + 4)));
        input_zero = half == 0 ? vcombine_u8(bytes, bytes) : vcombine_u8(vget_low_u8(input_zero), bytes);
    }
    const std::ptrdiff_t step = args.input.stride, output_step = args.output.stride;
    const std::size_t pixels = args.pixels;
    const auto* from = static_cast<const std::uint8_t*>(args.input.data) + channel;
    auto* to = static_cast<std::uint8_t*>(args.output.data) + channel;
    for (std::size_t p = 0; p < pixels; ++p, from += step, to += output_step) {
        const uint8x16_t codes = vld1q_u8(from);
        const int16x8_t words[2] = {vreinterpretq_s16_u16(vsubl_u8(vget_low_u8(codes), vget_low_u8(input_zero))),
                                    vreinterpretq_s16_u16(vsubl_high_u8(codes, input_zero))};
        int16x8_t gated[2];
#pragma GCC unroll 2
        for (int half = 0; half < 2; ++half) {
            const float32x4_t low = vmulq_f32(vcvtq_f32_s32(vmovl_s16(vget_low_s16(words[half]))), factor[2 * half]);
            const float32x4_t high = vmulq_f32(vcvtq_f32_s32(vmovl_high_s16(words[half])), factor[2 * half + 1]);
            gated[half] = vqaddq_s16(saturated(vcvtnq_s32_f32(low), vcvtnq_s32_f32(high)), zero[half]);
        }
        vst1q_u8(to, vqmovun_high_s16(vqmovun_s16(gated[0]), gated[1]));
    }
    return true;
}

}  // namespace

void gate_codes_neon(const GateCodesArgs& args) {
    const bool bytes = args.input.type == CodeType::kU8 && args.output.type == CodeType::kU8;
    for (int channel = 0; channel < args.channels; channel += 16) {
        const int count = args.channels - channel < 16 ? args.channels - channel : 16;
        if (bytes && count == 16 && gate_bytes(args, channel)) continue;
        gate_codes<CodeLanesNeon>(args, channel, channel + count);
    }
}

}  // namespace fovea::ops
