// SPDX-License-Identifier: Apache-2.0
#pragma once

// Pools of whole maps of codes for the registers of Lanes (codes/code_maps_lanes.h): four registers of 8 channels at a time, then one.
// Sums less their zeros fit 32 bits for so many pixels; those of more are added in 64. Lanes may have a sum_bytes of their own.
#include "ops/pool/global_pool_codes.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

constexpr std::size_t kPixelsOf32Bits = 16384;

// The sums or maxima of the codes of some pixels.
template <class Lanes, CodeForm kForm, int kVectors, PoolKind kKind>
inline void reduce(const CodeMap& input, std::ptrdiff_t at, std::size_t pixels, int count, typename Lanes::Integers (&results)[kVectors]) {
    if constexpr (kForm == CodeForm::kBytes && kKind == PoolKind::kAverage && requires { Lanes::sum_bytes(input, at, pixels, results); }) {
        return Lanes::sum_bytes(input, at, pixels, results);
    }
    using Codes = typename Lanes::template Codes<kForm>;
    for (int v = 0; v < kVectors; ++v) results[v] = Lanes::all(kKind == PoolKind::kAverage ? 0 : -32768);
    for (std::size_t p = 0; p < pixels; ++p, at += input.stride) {
#pragma GCC unroll 4
        for (int v = 0; v < kVectors; ++v) {
            const auto codes = Codes::load(input, at + 8 * v, count);
            results[v] = kKind == PoolKind::kAverage ? Lanes::add(results[v], codes) : Lanes::maximum(results[v], codes);
        }
    }
}

template <class Lanes, CodeForm kForm, int kVectors, PoolKind kKind>
inline void pool_channels(const GlobalPoolCodesArgs& args, int channel) {
    const CodeMap input = args.input;
    typename Lanes::Integers results[kVectors];
    reduce<Lanes, kForm, kVectors, kKind>(input, channel, args.pixels, 8, results);
    const auto pixels = Lanes::all(static_cast<std::int32_t>(args.pixels));
    for (int v = 0; v < kVectors; ++v) {
        const int c = channel + 8 * v;
        const auto zero = Lanes::load_integers(args.zero + c);
        auto value = Lanes::floats_of(Lanes::subtract(results[v], kKind == PoolKind::kAverage ? Lanes::multiply(zero, pixels) : zero));
        if (kKind == PoolKind::kAverage) value = Lanes::divide(value, Lanes::floats_of(pixels));
        Lanes::store(args.output + c, Lanes::multiply(value, Lanes::load_floats(args.scale + c)));
    }
}

// Any number of pixels, and up to 8 channels.
template <class Lanes, PoolKind kKind>
inline void pool_many(const GlobalPoolCodesArgs& args, int channel, int count) {
    std::int64_t totals[8] = {};
    std::int32_t most[8] = {-32768, -32768, -32768, -32768, -32768, -32768, -32768, -32768};
    for (std::size_t begin = 0; begin < args.pixels; begin += kPixelsOf32Bits) {
        const std::size_t pixels = args.pixels - begin < kPixelsOf32Bits ? args.pixels - begin : kPixelsOf32Bits;
        typename Lanes::Integers results[1];
        reduce<Lanes, CodeForm::kAny, 1, kKind>(args.input, static_cast<std::ptrdiff_t>(begin) * args.input.stride + channel, pixels, count,
                                                results);
        std::int32_t lanes[8];
        Lanes::store(lanes, results[0]);
        for (int lane = 0; lane < 8; ++lane) {
            totals[lane] += lanes[lane];
            most[lane] = lanes[lane] > most[lane] ? lanes[lane] : most[lane];
        }
    }
    for (int lane = 0; lane < count; ++lane) {
        const int c = channel + lane;
        const std::int64_t sum = totals[lane] - static_cast<std::int64_t>(args.pixels) * args.zero[c];
        args.output[c] = kKind == PoolKind::kAverage ? static_cast<float>(sum) / static_cast<float>(args.pixels) * args.scale[c]
                                                     : static_cast<float>(most[lane] - args.zero[c]) * args.scale[c];
    }
}

template <class Lanes, PoolKind kKind>
inline void global_pool_codes_of(const GlobalPoolCodesArgs& args) {
    int channel = args.channel_begin;
    if (args.pixels <= kPixelsOf32Bits) {
        const bool bytes = args.input.type == CodeType::kU8;
        for (; channel + 32 <= args.channel_end; channel += 32) {
            bytes ? pool_channels<Lanes, CodeForm::kBytes, 4, kKind>(args, channel)
                  : pool_channels<Lanes, CodeForm::kWords, 4, kKind>(args, channel);
        }
        for (; channel + 8 <= args.channel_end; channel += 8) {
            bytes ? pool_channels<Lanes, CodeForm::kBytes, 1, kKind>(args, channel)
                  : pool_channels<Lanes, CodeForm::kWords, 1, kKind>(args, channel);
        }
    }
    for (; channel < args.channel_end; channel += 8) {
        pool_many<Lanes, kKind>(args, channel, args.channel_end - channel < 8 ? args.channel_end - channel : 8);
    }
}

template <class Lanes>
inline void global_pool_codes(const GlobalPoolCodesArgs& args) {
    args.kind == PoolKind::kAverage ? global_pool_codes_of<Lanes, PoolKind::kAverage>(args)
                                    : global_pool_codes_of<Lanes, PoolKind::kMax>(args);
}

}  // namespace
}  // namespace fovea::ops
