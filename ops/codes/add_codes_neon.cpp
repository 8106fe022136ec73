// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

// 8 channels in two registers; the constants of a block of channels are loaded once for all pixels.
#include "ops/codes/code_maps.h"
#include "ops/codes_neon.h"

namespace fovea::ops {

void add_codes_neon(const AddCodesArgs& args) {
    for (int channel = 0; channel < args.channels; channel += 8) {
        const int count = args.channels - channel < 8 ? args.channels - channel : 8;
        const float32x4x2_t left_multiplier = vld1q_f32_x2(args.left_multiplier + channel);
        const float32x4x2_t right_multiplier = vld1q_f32_x2(args.right_multiplier + channel);
        const float32x4x2_t offset = vld1q_f32_x2(args.offset + channel);
        const Integers zero = load_integers(args.zero + channel);
        const auto sum = [&](int32x4_t left, int32x4_t right, int half) {
            const float32x4_t both = vaddq_f32(vmulq_f32(vcvtq_f32_s32(left), left_multiplier.val[half]),
                                               vmulq_f32(vcvtq_f32_s32(right), right_multiplier.val[half]));
            return vaddq_f32(both, offset.val[half]);
        };
        for (std::size_t p = 0; p < args.pixels; ++p) {
            const auto pixel = static_cast<std::ptrdiff_t>(p);
            const Integers left = load_codes(args.left, pixel * args.left.stride + channel, count);
            const Integers right = load_codes(args.right, pixel * args.right.stride + channel, count);
            store_codes(args.output, pixel * args.output.stride + channel,
                        {codes_of(sum(left.low, right.low, 0), zero.low, args.output.type),
                         codes_of(sum(left.high, right.high, 1), zero.high, args.output.type)},
                        count);
        }
    }
}

}  // namespace fovea::ops
