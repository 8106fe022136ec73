// SPDX-License-Identifier: Apache-2.0
// The specification of the widening: sign, exponent and fraction taken apart and put together anew.
#include <bit>

#include "ops/widen/widen.h"

namespace fovea::ops {
namespace {

constexpr std::uint32_t kHalfFraction = 0x3FFu;
constexpr std::uint32_t kHalfTopExponent = 31;  // infinities and NaNs
constexpr std::uint32_t kExponentShift = 127 - 15;
constexpr std::uint32_t kFloatInfinity = 0x7F800000u;
constexpr float kHalfSubnormal = 0x1p-24f;  // the value of a subnormal's lowest bit

float widen(std::uint16_t half) {
    const std::uint32_t sign = (half & 0x8000u) << 16;
    const std::uint32_t exponent = (half >> 10) & kHalfTopExponent;
    const std::uint32_t fraction = half & kHalfFraction;
    std::uint32_t bits = ((exponent + kExponentShift) << 23) | (fraction << 13);
    if (exponent == 0) {
        bits = std::bit_cast<std::uint32_t>(static_cast<float>(fraction) * kHalfSubnormal);
    } else if (exponent == kHalfTopExponent) {
        bits = kFloatInfinity | (fraction << 13);
    }
    return std::bit_cast<float>(sign | bits);
}

}  // namespace

void widen_fp16_scalar(const WidenFp16Args& args) {
    for (std::size_t i = 0; i < args.count; ++i) args.output[i] = widen(args.input[i]);
}

}  // namespace fovea::ops
