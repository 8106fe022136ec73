// SPDX-License-Identifier: Apache-2.0
// The specification of what all kernels of codes do beside their sums; see codes.h.
#pragma once

#include <cmath>

#include "ops/codes.h"

// Only scalar kernel files include this: nameless, so that each has its own copy.
namespace fovea::ops {
namespace {

inline std::int32_t lowest_code(CodeType type) {
    return type == CodeType::kU8 ? 0 : -32768;
}
inline std::int32_t highest_code(CodeType type) {
    return type == CodeType::kU8 ? 255 : 32767;
}

inline std::int32_t code_at(const CodeMap& map, std::size_t pixel, int channel) {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(pixel) * map.stride + channel;
    return map.type == CodeType::kU8 ? static_cast<const std::uint8_t*>(map.data)[at]
                                     : static_cast<const std::int16_t*>(map.data)[at];
}

// value is in units of the scale; the code is not below `least`.
inline void store_code(const CodeOutput& output, std::size_t pixel, int channel, float value, std::int32_t zero,
                       std::int32_t least) {
    const auto low = static_cast<float>(least - zero);
    const auto high = static_cast<float>(highest_code(output.type) - zero);
    const float above = value > low ? value : low;
    const float clamped = above < high ? above : high;
    const auto code = static_cast<std::int32_t>(std::lrint(clamped)) + zero;
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(pixel) * output.stride + channel;
    if (output.type == CodeType::kU8) {
        static_cast<std::uint8_t*>(output.data)[at] = static_cast<std::uint8_t>(code);
    } else {
        static_cast<std::int16_t*>(output.data)[at] = static_cast<std::int16_t>(code);
    }
}
inline void store_code(const CodeOutput& output, std::size_t pixel, int channel, float value, std::int32_t zero) {
    store_code(output, pixel, channel, value, zero, lowest_code(output.type));
}

inline void requantise(const CodeOutput& output, std::size_t pixel, int channel, std::int32_t sum,
                       const Requantisation& with) {
    float value = static_cast<float>(sum) * with.multiplier[channel];
    if (with.activation == Activation::kHardSwish) {
        const float shifted = value + 3.0f;
        const float positive = shifted > 0.0f ? shifted : 0.0f;
        const float t = positive < 6.0f ? positive : 6.0f;
        value = (value * t) * with.swish_multiplier[channel];
    }
    const std::int32_t zero = with.zero[channel];
    store_code(output, pixel, channel, value, zero,
               with.activation == Activation::kRelu ? zero : lowest_code(output.type));
}

}  // namespace
}  // namespace fovea::ops
