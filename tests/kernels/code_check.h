// SPDX-License-Identifier: Apache-2.0
// What the tests of kernels of codes share: maps and outputs of codes, and the rounding to a code, written down here a second time. Every
// variant gives the bits of the formulas: sums in 64 bits, the rest as single float operations.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "kernel_check.h"
#include "ops/activation.h"
#include "ops/codes.h"

namespace fovea::test {

using ops::Activation;
using ops::CodeMap;
using ops::CodeOutput;
using ops::CodeType;

// Codes anywhere, or those that make the largest sums.
enum class Codes { kAny, kExtreme };

inline int lowest(CodeType type) {
    return type == CodeType::kU8 ? 0 : -32768;
}
inline int highest(CodeType type) {
    return type == CodeType::kU8 ? 255 : 32767;
}
inline std::size_t bytes_of(CodeType type) {
    return type == CodeType::kU8 ? 1 : 2;
}

inline int random_code(Random& random, CodeType type, Codes kind) {
    if (kind == Codes::kExtreme) return random.between(0, 3) == 0 ? lowest(type) : highest(type);
    return random.between(lowest(type), highest(type));
}

// A map of codes of either type that ends at a guard page.
struct Map {
    Map(std::size_t pixels, std::size_t channels, std::size_t stride, CodeType type)
        : type_(type), stride_(stride), memory_(((pixels - 1) * stride + channels) * bytes_of(type)) {}
    void fill(Random& random, Codes kind) {
        for (std::size_t i = 0; i < memory_.size() / bytes_of(type_); ++i) set(i, random_code(random, type_, kind));
        memory_.make_read_only();
    }
    void set(std::size_t element, int code) {
        if (type_ == CodeType::kU8) {
            memory_[element] = static_cast<std::uint8_t>(code);
        } else {
            const auto word = static_cast<std::int16_t>(code);
            std::memcpy(&memory_[element * 2], &word, 2);
        }
    }
    int at(std::size_t pixel, std::size_t channel) const {
        const std::size_t element = pixel * stride_ + channel;
        if (type_ == CodeType::kU8) return memory_[element];
        std::int16_t word;
        std::memcpy(&word, &memory_[element * 2], 2);
        return word;
    }
    CodeMap view() const { return {memory_.data(), type_, static_cast<std::ptrdiff_t>(stride_)}; }
    template <typename Code>
    const Code* codes() const {
        return reinterpret_cast<const Code*>(memory_.data());
    }

    CodeType type_;
    std::size_t stride_;
    GuardedArray<std::uint8_t> memory_;
};

// An output: what lies before it, between its rows and up to the guard page must stay.
struct Output {
    static constexpr std::size_t kMargin = 64;

    Output(std::size_t pixels, std::size_t channels, std::size_t stride, CodeType type)
        : pixels_(pixels), channels_(channels), map_(pixels, channels, stride, type),
          memory_(kMargin + map_.memory_.size()) {
        std::memset(memory_.data(), 0xA5, memory_.size());
    }
    CodeOutput view() { return {memory_.data() + kMargin, map_.type_, static_cast<std::ptrdiff_t>(map_.stride_)}; }
    // wanted: [pixels][channels]
    void compare(Checker& checker, const std::vector<int>& wanted) {
        std::vector<std::uint8_t> expected(memory_.size(), 0xA5);
        for (std::size_t p = 0; p < pixels_; ++p) {
            for (std::size_t c = 0; c < channels_; ++c) {
                const auto word = static_cast<std::uint16_t>(wanted[p * channels_ + c]);
                std::memcpy(&expected[kMargin + (p * map_.stride_ + c) * bytes_of(map_.type_)], &word, bytes_of(map_.type_));
            }
        }
        for (std::size_t i = 0; i < expected.size(); ++i) checker.compare_value(i, memory_[i], expected[i]);
    }

    std::size_t pixels_, channels_;
    Map map_;
    GuardedArray<std::uint8_t> memory_;
};

inline std::size_t round_up(std::size_t n, std::size_t to) {
    return (n + to - 1) / to * to;
}

// Constants by channel, padded with zeros as the file has them.
template <typename T>
struct Vector : GuardedArray<T> {
    explicit Vector(std::size_t channels) : GuardedArray<T>(round_up(channels, 8)) {
        std::fill_n(this->data(), this->size(), T(0));
    }
};

inline int code_of(float value, int zero, CodeType type, bool relu) {
    if (std::isnan(value)) return relu ? zero : lowest(type);
    const double rounded = std::nearbyint(static_cast<double>(value)) + zero;
    return static_cast<int>(std::clamp(rounded, static_cast<double>(relu ? zero : lowest(type)), static_cast<double>(highest(type))));
}

inline constexpr Activation kActivations[] = {Activation::kNone, Activation::kRelu, Activation::kHardSwish};
inline constexpr CodeType kTypes[] = {CodeType::kU8, CodeType::kS16};
inline constexpr Codes kKinds[] = {Codes::kAny, Codes::kExtreme};

template <typename Input>
constexpr CodeType kInputType = sizeof(Input) == 1 ? CodeType::kU8 : CodeType::kS16;

// Constants of elementwise kernels, by channel.
struct Constants {
    Constants(Random& random, int channels, float scale, CodeType type)
        : first_(static_cast<std::size_t>(channels)), second_(static_cast<std::size_t>(channels)),
          offset_(static_cast<std::size_t>(channels)), zero_(static_cast<std::size_t>(channels)) {
        for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
            first_[c] = scale * (1 + random.uniform() / 2);
            second_[c] = scale * random.uniform();
            offset_[c] = static_cast<float>(highest(type)) * random.uniform();
            zero_[c] = random_code(random, type, Codes::kAny);
        }
    }
    Vector<float> first_, second_, offset_;
    Vector<std::int32_t> zero_;
};

inline constexpr int kChannelCounts[] = {1, 2, 3, 4, 8, 13, 16, 40, 64, 121};

}  // namespace fovea::test
