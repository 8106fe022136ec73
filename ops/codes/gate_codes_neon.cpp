// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// 8 channels in two registers; the constants of a block of channels are loaded once for all pixels.
#include "ops/codes/code_maps.h"
#include "ops/codes_neon.h"

namespace fovea::ops {

void gate_codes_neon(const GateCodesArgs& args) {
    for (int channel = 0; channel < args.channels; channel += 8) {
        const int count = args.channels - channel < 8 ? args.channels - channel : 8;
        float gates[8] = {};
        for (int lane = 0; lane < count; ++lane) gates[lane] = args.gate[channel + lane];
        const float32x4_t low = vmulq_f32(vld1q_f32(gates), vld1q_f32(args.multiplier + channel));
        const float32x4_t high = vmulq_f32(vld1q_f32(gates + 4), vld1q_f32(args.multiplier + channel + 4));
        const Integers input_zero = load_integers(args.input_zero + channel);
        const Integers zero = load_integers(args.zero + channel);
        for (std::size_t p = 0; p < args.pixels; ++p) {
            const auto pixel = static_cast<std::ptrdiff_t>(p);
            const Integers input = load_codes(args.input, pixel * args.input.stride + channel, count);
            const float32x4_t low_value = vmulq_f32(vcvtq_f32_s32(vsubq_s32(input.low, input_zero.low)), low);
            const float32x4_t high_value = vmulq_f32(vcvtq_f32_s32(vsubq_s32(input.high, input_zero.high)), high);
            store_codes(args.output, pixel * args.output.stride + channel,
                        {codes_of(low_value, zero.low, args.output.type), codes_of(high_value, zero.high, args.output.type)}, count);
        }
    }
}

}  // namespace fovea::ops
