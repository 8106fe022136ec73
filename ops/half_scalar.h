// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstdint>

#include "ops/half.h"

// Only scalar kernel files include this: static, so that nothing compiled for one instruction set
// can be linked in place of another's.
namespace fovea::ops {
namespace {

// A half's value: sign, exponent and fraction taken apart and put together anew.
inline float load_element(const Half& half) {
    constexpr std::uint32_t kHalfFraction = 0x3FFu;
    constexpr std::uint32_t kHalfTopExponent = 31;  // infinities and NaNs
    constexpr std::uint32_t kExponentShift = 127 - 15;
    constexpr std::uint32_t kFloatInfinity = 0x7F800000u;
    constexpr float kHalfSubnormal = 0x1p-24f;  // the value of a subnormal's lowest bit
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

// The nearest half, ties to even; a NaN stays one. A subnormal is rounded by adding a power of two
// whose lowest bit is worth as much as the subnormal's.
inline void store_element(Half& half, float value) {
    constexpr std::uint32_t kFloatInfinity = 0x7F800000u;
    constexpr std::uint32_t kHalfInfinity = 0x7C00u;
    constexpr std::uint32_t kFirstTooLarge = 0x477FF000u;   // 65520: from here on, infinity
    constexpr std::uint32_t kSmallestNormal = 0x38800000u;  // 2^-14
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = bits >> 16 & 0x8000u;
    const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
    std::uint32_t rounded = 0;
    if (magnitude > kFloatInfinity) {
        rounded = kHalfInfinity | 0x200u;
    } else if (magnitude >= kFirstTooLarge) {
        rounded = kHalfInfinity;
    } else if (magnitude < kSmallestNormal) {
        const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
        rounded = std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5f);
    } else {
        constexpr std::uint32_t kExponentShift = (127 - 15) << 23;
        rounded = (magnitude - kExponentShift + 0xFFFu + (magnitude >> 13 & 1u)) >> 13;
    }
    half = static_cast<Half>(sign | rounded);
}

// The same for floats, so that one scalar kernel serves both.
inline float load_element(const float& element) {
    return element;
}
inline void store_element(float& element, float value) {
    element = value;
}

// The value as an element holds it.
template <typename Element>
inline float rounded_to(float value) {
    Element element;
    store_element(element, value);
    return load_element(element);
}

}  // namespace
}  // namespace fovea::ops
