// SPDX-License-Identifier: Apache-2.0
// Sums of products of 16-bit codes with panels of 8-bit weights, which are widened and put in the order of the inputs beforehand: an
// input, a lane of its register, times a register of 8 outputs' weights takes an smlal and an smlal2.
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/codes_neon.h"

namespace fovea::ops {
namespace {

// The weights of `inputs` inputs (1 to 4) of a panel, 32 bytes, as 16 bits: [inputs][8 outputs].
inline void widen_weights(const std::int8_t* weights, int inputs, std::int16_t* words) {
    const int8x8x4_t of_input = vld4_s8(weights);
    for (int i = 0; i < inputs; ++i) vst1q_s16(words + 8 * i, vmovl_s8(of_input.val[i]));
}

// sums[n][p] of panel n and pixel p.
template <int kLane, int kPixels, int kPanels>
[[gnu::always_inline]] inline void add_lane(Integers (&sums)[kPanels][kPixels], const int16x8_t (&inputs)[kPixels],
                                            const std::int16_t* words, std::ptrdiff_t panel_words) {
#pragma GCC unroll 2
    for (int n = 0; n < kPanels; ++n) {
        const int16x8_t weights = vld1q_s16(words + n * panel_words + 8 * kLane);
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p) {
            sums[n][p].low = vmlal_laneq_s16(sums[n][p].low, vget_low_s16(weights), inputs[p], kLane);
            sums[n][p].high = vmlal_high_laneq_s16(sums[n][p].high, weights, inputs[p], kLane);
        }
    }
}

// `count` inputs of kPixels pixels, which lie pixel_stride apart, times kPanels panels, panel_words apart.
template <int kPixels, int kPanels>
[[gnu::always_inline]] inline void add_lane_products(Integers (&sums)[kPanels][kPixels], const std::int16_t* input,
                                                     std::ptrdiff_t pixel_stride, const std::int16_t* words, std::ptrdiff_t panel_words,
                                                     int count) {
    int16x8_t inputs[kPixels];
    for (; count >= 8; count -= 8, input += 8, words += 64) {
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p) inputs[p] = vld1q_s16(input + p * pixel_stride);
        add_lane<0>(sums, inputs, words, panel_words);
        add_lane<1>(sums, inputs, words, panel_words);
        add_lane<2>(sums, inputs, words, panel_words);
        add_lane<3>(sums, inputs, words, panel_words);
        add_lane<4>(sums, inputs, words, panel_words);
        add_lane<5>(sums, inputs, words, panel_words);
        add_lane<6>(sums, inputs, words, panel_words);
        add_lane<7>(sums, inputs, words, panel_words);
    }
    if (count >= 4) {
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p) inputs[p] = vcombine_s16(vld1_s16(input + p * pixel_stride), vdup_n_s16(0));
        add_lane<0>(sums, inputs, words, panel_words);
        add_lane<1>(sums, inputs, words, panel_words);
        add_lane<2>(sums, inputs, words, panel_words);
        add_lane<3>(sums, inputs, words, panel_words);
        count -= 4;
        input += 4;
        words += 32;
    }
    for (; count > 0; --count, ++input, words += 8) {
#pragma GCC unroll 4
        for (int p = 0; p < kPixels; ++p) inputs[p] = vld1q_dup_s16(input + p * pixel_stride);
        add_lane<0>(sums, inputs, words, panel_words);
    }
}

}  // namespace
}  // namespace fovea::ops
