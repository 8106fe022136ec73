// SPDX-License-Identifier: Apache-2.0
#pragma once

// What is done to maps of codes element by element, for the registers of Lanes: Integers and Floats of 8 channels; load_integers,
// load_floats, floats_of, subtract, multiply and add; Codes<kForm> to load and store 8 codes or the `count` that are left; Limits, which
// make a value in units of its scale a code. The constants of a block of channels are loaded once for all pixels.
#include "ops/codes/code_maps.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

inline CodeForm form_of(CodeType type, int count) {
    return count < 8 ? CodeForm::kAny : type == CodeType::kU8 ? CodeForm::kBytes : CodeForm::kWords;
}
inline CodeForm common_form(CodeForm a, CodeForm b) {
    return a == b ? a : CodeForm::kAny;
}
// body.run<kForm>() for a form that is known only now.
template <typename Body>
inline void with_form(CodeForm form, const Body& body) {
    switch (form) {
        case CodeForm::kBytes: return body.template operator()<CodeForm::kBytes>();
        case CodeForm::kWords: return body.template operator()<CodeForm::kWords>();
        case CodeForm::kAny: return body.template operator()<CodeForm::kAny>();
    }
}
inline int block_count(int channels, int channel) {
    return channels - channel < 8 ? channels - channel : 8;
}

template <class Lanes>
inline void add_codes(const AddCodesArgs& args) {
    const CodeMap lefts = args.left, rights = args.right;
    const CodeOutput output = args.output;
    const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
    for (int channel = 0; channel < args.channels; channel += 8) {
        const int count = block_count(args.channels, channel);
        const auto left_multiplier = Lanes::load_floats(args.left_multiplier + channel);
        const auto right_multiplier = Lanes::load_floats(args.right_multiplier + channel);
        const auto offset = Lanes::load_floats(args.offset + channel);
        const typename Lanes::Limits limits(args.zero + channel, args.output.type);
        const auto add_pixels = [&]<CodeForm kLeft, CodeForm kRight>() {
            with_form(form_of(args.output.type, count), [&]<CodeForm kForm>() {
                // Too few channels for one map are too few for all.
                if constexpr ((kLeft == CodeForm::kAny) != (kForm == CodeForm::kAny)) return;
                for (std::ptrdiff_t pixel = 0; pixel < pixels; ++pixel) {
                    const auto left = Lanes::floats_of(Lanes::template Codes<kLeft>::load(lefts, pixel * lefts.stride + channel, count));
                    const std::ptrdiff_t of_right = pixel * rights.stride + channel;
                    const auto right = Lanes::floats_of(Lanes::template Codes<kRight>::load(rights, of_right, count));
                    const auto sum = Lanes::add(Lanes::multiply(left, left_multiplier), Lanes::multiply(right, right_multiplier));
                    Lanes::template Codes<kForm>::store(output, pixel * output.stride + channel, limits.codes(Lanes::add(sum, offset)),
                                                        count);
                }
            });
        };
        with_form(form_of(args.left.type, count), [&]<CodeForm kLeft>() {
            with_form(form_of(args.right.type, count), [&]<CodeForm kRight>() {
                if constexpr ((kLeft == CodeForm::kAny) == (kRight == CodeForm::kAny)) add_pixels.template operator()<kLeft, kRight>();
            });
        });
    }
}

// The channels begin .. end - 1.
template <class Lanes>
inline void gate_codes(const GateCodesArgs& args, int begin, int end) {
    const CodeMap inputs = args.input;
    const CodeOutput output = args.output;
    const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
    for (int channel = begin; channel < end; channel += 8) {
        const int count = block_count(end, channel);
        alignas(32) float gates[8] = {};
        for (int lane = 0; lane < count; ++lane) gates[lane] = args.gate[channel + lane];
        const auto factor = Lanes::multiply(Lanes::load_floats(gates), Lanes::load_floats(args.multiplier + channel));
        const auto input_zero = Lanes::load_integers(args.input_zero + channel);
        const typename Lanes::Limits limits(args.zero + channel, args.output.type);
        with_form(common_form(form_of(args.input.type, count), form_of(args.output.type, count)), [&]<CodeForm kForm>() {
            using Codes = typename Lanes::template Codes<kForm>;
            for (std::ptrdiff_t pixel = 0; pixel < pixels; ++pixel) {
                const auto input = Codes::load(inputs, pixel * inputs.stride + channel, count);
                const auto value = Lanes::multiply(Lanes::floats_of(Lanes::subtract(input, input_zero)), factor);
                Codes::store(output, pixel * output.stride + channel, limits.codes(value), count);
            }
        });
    }
}

template <class Lanes>
inline void dequantise(const DequantiseArgs& args) {
    const CodeMap input = args.input;
    const auto pixels = static_cast<std::ptrdiff_t>(args.pixels);
    for (int channel = 0; channel < args.channels; channel += 8) {
        const int count = block_count(args.channels, channel);
        const auto scale = Lanes::load_floats(args.scale + channel);
        const auto zero = Lanes::load_integers(args.zero + channel);
        with_form(form_of(input.type, count), [&]<CodeForm kForm>() {
            float* output = args.output + channel;
            for (std::ptrdiff_t pixel = 0; pixel < pixels; ++pixel, output += args.output_stride) {
                const auto codes = Lanes::template Codes<kForm>::load(input, pixel * input.stride + channel, count);
                const auto value = Lanes::multiply(Lanes::floats_of(Lanes::subtract(codes, zero)), scale);
                if constexpr (kForm != CodeForm::kAny) {
                    Lanes::store(output, value);
                } else {
                    float lanes[8];
                    Lanes::store(lanes, value);
                    for (int lane = 0; lane < count; ++lane) output[lane] = lanes[lane];
                }
            }
        });
    }
}

// As if the pixels were of 24 channels, which 1, 2, 3, 4, 6 and 8 divide; others, and rows with gaps, 8 channels at a time.
template <class Lanes>
inline void quantise_pixels(const QuantisePixelsArgs& args) {
    constexpr int kPeriod = 24;
    const CodeMap inputs = {args.input, CodeType::kU8, 0};
    const CodeOutput output = args.output;
    const bool periodic = kPeriod % args.channels == 0 && args.output.stride == args.channels;
    const int channels = periodic ? kPeriod : args.channels;
    const auto stride = static_cast<std::size_t>(periodic ? kPeriod : args.output.stride);
    const std::size_t elements = args.pixels * static_cast<std::size_t>(args.channels);
    for (int channel = 0; channel < channels; channel += 8) {
        alignas(32) float multipliers[8] = {}, offsets[8] = {};
        alignas(32) std::int32_t zeros[8] = {};
        const int count = block_count(channels, channel);
        for (int lane = 0; lane < count; ++lane) {
            const int c = (channel + lane) % args.channels;
            multipliers[lane] = args.multiplier[c];
            offsets[lane] = args.offset[c];
            zeros[lane] = args.zero[c];
        }
        const auto multiplier = Lanes::load_floats(multipliers), offset = Lanes::load_floats(offsets);
        const typename Lanes::Limits limits(zeros, args.output.type);
        std::size_t from = static_cast<std::size_t>(channel), to = from;
        const auto quantise_while_left = [&]<CodeForm kIn, CodeForm kOut>(int at_least) {
            for (; from < elements && elements - from >= static_cast<std::size_t>(at_least);
                 from += static_cast<std::size_t>(channels), to += stride) {
                const int left = elements - from < static_cast<std::size_t>(count) ? static_cast<int>(elements - from) : count;
                const auto pixels = Lanes::template Codes<kIn>::load(inputs, static_cast<std::ptrdiff_t>(from), left);
                const auto value = Lanes::add(Lanes::multiply(Lanes::floats_of(pixels), multiplier), offset);
                Lanes::template Codes<kOut>::store(output, static_cast<std::ptrdiff_t>(to), limits.codes(value), left);
            }
        };
        with_form(form_of(args.output.type, count), [&]<CodeForm kForm>() {
            if constexpr (kForm != CodeForm::kAny) quantise_while_left.template operator()<CodeForm::kBytes, kForm>(8);
        });
        quantise_while_left.template operator()<CodeForm::kAny, CodeForm::kAny>(1);
    }
}

}  // namespace
}  // namespace fovea::ops
