// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/codes_neon.h"
#include "ops/codes/code_maps_lanes.h"

namespace fovea::ops {
namespace {

constexpr int kPeriod = 24;

// Constants that are small whole numbers, or offsets that nearly are, as of (2p - 255) / 255: every value is so near to a whole number
// that it is rounded to that one.
struct WholeCodes {
    alignas(16) std::uint8_t multiplier[kPeriod];
    alignas(16) std::int16_t offset[kPeriod];

    // Whether the codes of all pixels are such, and fit.
    bool hold(const QuantisePixelsArgs& args) {
        if (args.output.type != CodeType::kS16 || kPeriod % args.channels != 0 || args.output.stride != args.channels) return false;
        for (int c = 0; c < args.channels; ++c) {
            const float by = args.multiplier[c], plus = args.offset[c];
            if (!(by >= 0.0f && by <= 255.0f && plus >= -65536.0f && plus <= 65536.0f)) return false;
            const auto whole_by = static_cast<std::int32_t>(by);
            const auto whole_plus = static_cast<std::int32_t>(plus + (plus < 0.0f ? -0.5f : 0.5f));
            const float off = plus - static_cast<float>(whole_plus);
            const std::int32_t lowest = whole_plus + args.zero[c], highest = lowest + 255 * whole_by;
            if (static_cast<float>(whole_by) != by || !(off > -0.25f && off < 0.25f) || lowest < -32768 || highest > 32767) return false;
            for (int i = c; i < kPeriod; i += args.channels) {
                multiplier[i] = static_cast<std::uint8_t>(whole_by);
                offset[i] = static_cast<std::int16_t>(lowest);
            }
        }
        return true;
    }
};

}  // namespace

void quantise_pixels_neon(const QuantisePixelsArgs& args) {
    WholeCodes whole;
    if (!whole.hold(args)) return quantise_pixels<CodeLanesNeon>(args);
    const uint8x8x3_t multiplier = vld1_u8_x3(whole.multiplier);
    const int16x8x3_t offset = vld1q_s16_x3(whole.offset);
    const std::uint8_t* from = args.input;
    auto* to = static_cast<std::int16_t*>(args.output.data);
    std::size_t left = args.pixels * static_cast<std::size_t>(args.channels);
    for (; left >= kPeriod; left -= kPeriod, from += kPeriod, to += kPeriod) {
#pragma GCC unroll 3
        for (int v = 0; v < 3; ++v) {
            const uint16x8_t plus = vreinterpretq_u16_s16(offset.val[v]);
            vst1q_u16(reinterpret_cast<std::uint16_t*>(to) + 8 * v, vmlal_u8(plus, vld1_u8(from + 8 * v), multiplier.val[v]));
        }
    }
    for (std::size_t i = 0; i < left; ++i) to[i] = static_cast<std::int16_t>(from[i] * whole.multiplier[i] + whole.offset[i]);
}

}  // namespace fovea::ops
