// SPDX-License-Identifier: Apache-2.0
// Codes: whole numbers that stand for the reals of a map, 8 bits without or 16 bits with a sign, by channel:
//
//   real = (code - zero[c]) * scale[c]
//
// Every kernel of codes is exact where it adds whole numbers, and does the rest in single float32 operations, each rounded,
// none fused, so that all CPUs give the same bits. Rounding is to the nearest, ties to even.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/activation.h"

namespace fovea::ops {

enum class CodeType : std::uint8_t { kU8, kS16 };

// What vector kernels of maps tell apart: 8 codes together, all maps of one type; or else, fewer codes, or types that differ.
enum class CodeForm : std::uint8_t { kBytes, kWords, kAny };

// The pixels of a map of codes: channel c of pixel p lies at element p * stride + c.
struct CodeMap {
    const void* data;
    CodeType type;
    std::ptrdiff_t stride;
};
struct CodeOutput {
    void* data;
    CodeType type;
    std::ptrdiff_t stride;
};

// From a sum of whole numbers to a code of channel c:
//
//   none, relu   value = float(sum) * multiplier[c]
//   hard_swish   x = float(sum) * multiplier[c], t = min(max(x + 3, 0), 6), value = (x * t) * swish_multiplier[c]
//   code         round(clamped value) + zero[c], clamped so that the code is one of its type, and not below zero[c] for relu
//
// A value that is no number gives the lowest code. The vectors are padded with zeros to a multiple of 8 and aligned to 32 bytes.
struct Requantisation {
    const float* multiplier;
    const float* swish_multiplier;  // null for the other activations
    const std::int32_t* zero;
    Activation activation;
};
inline constexpr bool has_requantisation(Activation a) {
    return a == Activation::kNone || a == Activation::kRelu || a == Activation::kHardSwish;
}

}  // namespace fovea::ops
