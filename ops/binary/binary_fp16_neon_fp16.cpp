// SPDX-License-Identifier: Apache-2.0
// The broadcast addition or product, 8 halves a register. Memory sets the pace: two loads and a
// store for one operation, so there is nothing to block. One vector for all pixels stays in a
// register, 8 channels at a time, while the pixels pass.
//
//   v  left, result; right
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#error "compile this file with -march=armv8.2-a+fp16"
#endif

#include "ops/binary/binary.h"
#include "ops/half_neon.h"

namespace fovea::ops {
namespace {

constexpr std::ptrdiff_t kLanes = 8;

template <BinaryKind kKind>
inline float16x8_t combine(float16x8_t left, float16x8_t right) {
    return kKind == BinaryKind::kAdd ? vaddq_f16(left, right) : vmulq_f16(left, right);
}

// output[c] = left[c] (+ or *) right(c, lanes), where right gives the operand's lanes from c on.
template <BinaryKind kKind, typename Right>
inline void by_element(const Half* left, Half* output, std::ptrdiff_t count, const Right& right) {
    std::ptrdiff_t c = 0;
    for (; c + kLanes <= count; c += kLanes) {
        store_halves(output + c, combine<kKind>(load_halves(left + c), right(c, 8)));
    }
    if (c < count) {
        const int rest = static_cast<int>(count - c);
        store_partial_halves(
            output + c, combine<kKind>(load_partial_halves(left + c, rest), right(c, rest)), rest);
    }
}

// The right operand's channels from c on, the same for all pixels.
inline float16x8_t vector_lanes(const BinaryFp16Args& args, std::ptrdiff_t c, int lanes) {
    Half halves[kLanes] = {};
    for (int lane = 0; lane < lanes; ++lane) {
        const std::ptrdiff_t channel = (c + lane) * args.right_channel_stride;
        if (args.right == nullptr) {
            const float16x4_t half = vcvt_f16_f32(vdupq_n_f32(args.right_vector[channel]));
            halves[lane] = vget_lane_u16(vreinterpret_u16_f16(half), 0);
        } else {
            halves[lane] = args.right[channel];
        }
    }
    return load_halves(halves);
}

// One vector for all pixels.
template <BinaryKind kKind>
void by_channel(const BinaryFp16Args& args) {
    for (std::ptrdiff_t c = 0; c < args.channels; c += kLanes) {
        const std::ptrdiff_t left_over = args.channels - c;
        const int lanes = static_cast<int>(left_over < kLanes ? left_over : kLanes);
        const float16x8_t right = vector_lanes(args, c, lanes);
        const Half* left = args.left + c;
        Half* output = args.output + c;
        for (std::size_t p = 0; p < args.pixels; ++p) {
            by_element<kKind>(left, output, lanes, [&](std::ptrdiff_t, int) { return right; });
            left += args.left_stride;
            output += args.output_stride;
        }
    }
}

template <BinaryKind kKind>
void run(const BinaryFp16Args& args) {
    if (args.right_pixel_stride == 0) {
        by_channel<kKind>(args);
        return;
    }
    const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
    for (std::ptrdiff_t p = 0; p < pixels; ++p) {
        const Half* right = args.right + p * args.right_pixel_stride;
        const Half* left = args.left + p * args.left_stride;
        Half* output = args.output + p * args.output_stride;
        if (args.right_channel_stride == 1) {
            by_element<kKind>(left, output, args.channels, [&](std::ptrdiff_t c, int lanes) {
                return lanes == kLanes ? load_halves(right + c)
                                       : load_partial_halves(right + c, lanes);
            });
        } else {
            const float16x8_t value = vreinterpretq_f16_u16(vdupq_n_u16(*right));
            by_element<kKind>(left, output, args.channels,
                              [&](std::ptrdiff_t, int) { return value; });
        }
    }
}

}  // namespace

void binary_fp16_neon_fp16(const BinaryFp16Args& args) {
    if (args.kind == BinaryKind::kAdd) {
        run<BinaryKind::kAdd>(args);
    } else {
        run<BinaryKind::kMultiply>(args);
    }
}

}  // namespace fovea::ops
