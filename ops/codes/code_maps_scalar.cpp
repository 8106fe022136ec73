// SPDX-License-Identifier: Apache-2.0
// The specifications of what is done to maps of codes element by element; the formulas are in code_maps.h.
#include "ops/codes/code_maps.h"

#include "ops/codes_scalar.h"

namespace fovea::ops {
namespace {

template <typename Input>
void quantise(const QuantiseArgs<Input>& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const Input* const input = args.input + p * static_cast<std::size_t>(args.channels);
        for (int c = 0; c < args.channels; ++c) {
            const float value = static_cast<float>(input[c]) * args.multiplier[c] + args.offset[c];
            store_code(args.output, p, c, value, args.zero[c]);
        }
    }
}

}  // namespace

void add_codes_scalar(const AddCodesArgs& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        for (int c = 0; c < args.channels; ++c) {
            const float left = static_cast<float>(code_at(args.left, p, c)) * args.left_multiplier[c];
            const float right = static_cast<float>(code_at(args.right, p, c)) * args.right_multiplier[c];
            store_code(args.output, p, c, (left + right) + args.offset[c], args.zero[c]);
        }
    }
}

void gate_codes_scalar(const GateCodesArgs& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        for (int c = 0; c < args.channels; ++c) {
            const float factor = args.gate[c] * args.multiplier[c];
            const auto code = static_cast<float>(code_at(args.input, p, c) - args.input_zero[c]);
            store_code(args.output, p, c, code * factor, args.zero[c]);
        }
    }
}

void quantise_fp32_scalar(const QuantiseFp32Args& args) {
    quantise(args);
}

void quantise_pixels_scalar(const QuantisePixelsArgs& args) {
    quantise(args);
}

void dequantise_scalar(const DequantiseArgs& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        float* const output = args.output + static_cast<std::ptrdiff_t>(p) * args.output_stride;
        for (int c = 0; c < args.channels; ++c) {
            output[c] = static_cast<float>(code_at(args.input, p, c) - args.zero[c]) * args.scale[c];
        }
    }
}

}  // namespace fovea::ops
