// SPDX-License-Identifier: Apache-2.0
#pragma once

// input  [pixels][channels]
// output [pixels][channels]
// scale, offset [channels]
//
//   output[p][c] = input[p][c] * scale[c] + offset[c]
//
// rounded after the product and the sum, and to the output's type.
#include "ops/affine/affine.h"
#include "ops/half_scalar.h"

// Only this operation's scalar files include this: nameless, so that each has its own copy.
namespace fovea::ops {
namespace {

inline float load_element(const std::uint8_t& element) {
    return static_cast<float>(element);
}

template <typename Input, typename Output>
void affine_scalar(const AffineArgs<Input, Output>& args) {
    const std::size_t channels = static_cast<std::size_t>(args.channels);
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const Input* input = args.input + p * channels;
        Output* output = args.output + p * channels;
        for (std::size_t c = 0; c < channels; ++c) {
            store_element(output[c], load_element(input[c]) * args.scale[c] + args.offset[c]);
        }
    }
}

}  // namespace
}  // namespace fovea::ops
