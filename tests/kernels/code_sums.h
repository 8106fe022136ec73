// SPDX-License-Identifier: Apache-2.0
// What the tests of convolutions of codes share: weights, constants, windows, and how a sum becomes a code.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "code_check.h"

namespace fovea::test {

using ops::Requantisation;

// How sums become codes, so that most of the range is used and both ends saturate.
struct Epilogue {
    Epilogue(Random& random, int channels, CodeType type, Activation activation, double largest_sum)
        : activation_(activation), type_(type), multiplier_(static_cast<std::size_t>(channels)),
          swish_(static_cast<std::size_t>(channels)), zero_(static_cast<std::size_t>(channels)) {
        const bool lowest_zeros = random.between(0, 1) == 0;  // as relu's are in what fovea-quantize makes
        const double excess = random.between(0, 3) == 0 ? 1000 : 1;  // values that fit no 16 bits until they are clamped, too
        for (int c = 0; c < channels; ++c) {
            const auto at = static_cast<std::size_t>(c);
            const double range = excess * (activation == Activation::kHardSwish ? 12 : highest(type) - lowest(type));
            multiplier_[at] = static_cast<float>(range * 1.5 / largest_sum * (1 + 0.5 * random.uniform()));
            swish_[at] = static_cast<float>((highest(type) - lowest(type)) / 40.0 * (1 + 0.5 * random.uniform()));
            zero_[at] = !lowest_zeros && random.between(0, 4) == 0 ? random.between(lowest(type), highest(type)) : lowest(type);
        }
    }
    Requantisation args() const {
        return {multiplier_.data(), activation_ == Activation::kHardSwish ? swish_.data() : nullptr, zero_.data(), activation_};
    }
    int code(std::int64_t sum, std::size_t channel) const {
        REQUIRE(sum >= std::numeric_limits<std::int32_t>::min());
        REQUIRE(sum <= std::numeric_limits<std::int32_t>::max());
        float value = static_cast<float>(sum) * multiplier_[channel];
        if (activation_ == Activation::kHardSwish) {
            const float t = std::min(std::max(value + 3.0f, 0.0f), 6.0f);
            const float product = value * t;
            value = product * swish_[channel];
        }
        return code_of(value, zero_[channel], type_, activation_ == Activation::kRelu);
    }

    Activation activation_;
    CodeType type_;
    Vector<float> multiplier_, swish_;
    Vector<std::int32_t> zero_;
};

// Weights [taps][in][out] in panels of 8 x 4. Pairs of inputs that 8-bit codes are multiplied with add up to 128 at the most;
// extreme ones reach it.
struct Panels {
    Panels(Random& random, int taps, int inputs, int outputs, Codes kind, bool pair_rule)
        : taps_(taps), inputs_(inputs),
          bytes_(round_up(static_cast<std::size_t>(outputs), 8) * static_cast<std::size_t>(taps) *
                 round_up(static_cast<std::size_t>(inputs), 4)) {
        std::fill_n(bytes_.data(), bytes_.size(), std::int8_t{0});
        for (int o = 0; o < outputs; ++o) {
            for (int tap = 0; tap < taps; ++tap) {
                for (int i = 0; i < inputs; ++i) {
                    const int most = pair_rule ? 64 : 127;
                    int weight = random.between(-127, 127);
                    if (kind == Codes::kExtreme) weight = o % 2 == 0 ? most : -most;
                    // The second of a pair takes what the first leaves.
                    if (pair_rule && kind == Codes::kAny && i % 2 == 1) {
                        const int first = at(tap, i - 1, o);
                        weight = std::clamp(weight, -128 - std::min(first, 0), 128 - std::max(first, 0));
                    }
                    bytes_[place(tap, i, o)] = static_cast<std::int8_t>(weight);
                }
            }
        }
        bytes_.make_read_only();
    }
    std::size_t place(int tap, int i, int o) const {
        const int quads = (inputs_ + 3) / 4;
        return static_cast<std::size_t>((((o / 8 * taps_ + tap) * quads + i / 4) * 8 + o % 8) * 4 + i % 4);
    }
    int at(int tap, int i, int o) const { return bytes_[place(tap, i, o)]; }

    int taps_, inputs_;
    GuardedArray<std::int8_t> bytes_;
};

inline std::unique_ptr<Vector<std::int32_t>> random_bias(Random& random, int channels) {
    auto bias = std::make_unique<Vector<std::int32_t>>(static_cast<std::size_t>(channels));
    for (int c = 0; c < channels; ++c) (*bias)[static_cast<std::size_t>(c)] = random.between(-300000, 300000);
    return bias;
}

inline double largest_sum(CodeType type, int terms, Codes kind) {
    return 300000.0 + highest(type) * (kind == Codes::kExtreme ? 64.0 * terms : 40.0 * std::sqrt(terms));
}

// A window over a picture of codes, one output row.
struct WindowShape {
    int width, kernel_height, kernel_width, stride, dilation, pad_left;
    int output_width() const { return (width + 2 * pad_left - (kernel_width - 1) * dilation - 1) / stride + 1; }
};
inline constexpr WindowShape kWindows[] = {
    {5, 3, 3, 1, 1, 1}, {9, 3, 3, 2, 1, 1}, {13, 5, 5, 1, 1, 2}, {12, 5, 5, 2, 1, 1}, {1, 3, 3, 1, 1, 1},
    {7, 1, 4, 1, 2, 0}, {16, 2, 2, 3, 1, 0}, {6, 7, 7, 1, 1, 3}, {33, 3, 3, 2, 1, 0}, {31, 3, 3, 1, 1, 1},
    {7, 3, 3, 1, 1, 1}, {14, 5, 5, 1, 1, 2},
    {28, 3, 3, 2, 1, 0}, {29, 4, 3, 1, 1, 1}, {11, 1, 5, 1, 1, 2}, {129, 3, 3, 1, 1, 1}, {131, 5, 5, 2, 1, 2}, {3, 2, 3, 1, 1, 1},
};

// Rows of which one is padding, or none, with columns that lie apart or beside each other.
template <typename Input>
struct Rows {
    Rows(Random& random, const WindowShape& shape, int channels, Codes kind)
        : stride_(channels + (random.between(0, 1) == 0 ? 0 : 2)), zero_(static_cast<std::size_t>(channels)), width_(shape.width) {
        const auto count = static_cast<std::size_t>(channels);
        const int missing = random.between(0, 1) == 0 ? -1 : random.between(0, shape.kernel_height - 1);
        for (int a = 0; a < shape.kernel_height; ++a) {
            maps_.push_back(
                std::make_unique<Map>(static_cast<std::size_t>(shape.width), count, static_cast<std::size_t>(stride_), kInputType<Input>));
            maps_.back()->fill(random, kind);
            pointers_.push_back(a == missing ? nullptr : maps_.back()->template codes<Input>());
        }
        for (std::size_t c = 0; c < count; ++c) zero_[c] = random_code(random, kInputType<Input>, Codes::kAny);
    }
    int at(int a, int column, int channel) const {
        const auto index = static_cast<std::size_t>(a);
        const bool inside = pointers_[index] != nullptr && column >= 0 && column < width_;
        return inside ? maps_[index]->at(static_cast<std::size_t>(column), static_cast<std::size_t>(channel))
                      : zero_[static_cast<std::size_t>(channel)];
    }

    int stride_;
    std::vector<std::unique_ptr<Map>> maps_;
    std::vector<const Input*> pointers_;
    Vector<std::int32_t> zero_;
    int width_;
};

}  // namespace fovea::test
