// SPDX-License-Identifier: Apache-2.0
#pragma once

// Pools of whole maps of codes for the registers of Lanes (codes/code_maps_lanes.h). Sums of codes are taken in 32 bits for so many
// pixels as must fit, then added in 64. Four registers of 8 channels at a time, then one.
#include "ops/pool/global_pool_codes.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

template <class Lanes, CodeForm kForm, int kVectors, PoolKind kKind>
inline void pool_channels(const GlobalPoolCodesArgs& args, int channel, int count) {
    using Codes = typename Lanes::template Codes<kForm>;
    constexpr std::size_t kPixelsOf32Bits = 32768;
    std::int64_t totals[8 * kVectors] = {};
    alignas(32) std::int32_t lanes[8 * kVectors];
    typename Lanes::Integers results[kVectors];
    for (std::size_t begin = 0; begin < args.pixels; begin += kPixelsOf32Bits) {
        const std::size_t end = args.pixels - begin < kPixelsOf32Bits ? args.pixels : begin + kPixelsOf32Bits;
        for (int v = 0; v < kVectors; ++v) {
            if (kKind == PoolKind::kAverage || begin == 0) results[v] = Lanes::all(kKind == PoolKind::kAverage ? 0 : -32768);
        }
        for (std::size_t p = begin; p < end; ++p) {
            const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(p) * args.input.stride + channel;
#pragma GCC unroll 4
            for (int v = 0; v < kVectors; ++v) {
                const auto codes = Codes::load(args.input, at + 8 * v, count);
                results[v] = kKind == PoolKind::kAverage ? Lanes::add(results[v], codes) : Lanes::maximum(results[v], codes);
            }
        }
        for (int v = 0; v < kVectors; ++v) Lanes::store(lanes + 8 * v, results[v]);
        if (kKind == PoolKind::kMax) continue;
        for (int lane = 0; lane < 8 * kVectors; ++lane) totals[lane] += lanes[lane];
    }
    for (int lane = 0; lane < (kVectors > 1 ? 8 * kVectors : count); ++lane) {
        const int c = channel + lane;
        if constexpr (kKind == PoolKind::kAverage) {
            const std::int64_t sum = totals[lane] - static_cast<std::int64_t>(args.pixels) * args.zero[c];
            args.output[c] = static_cast<float>(sum) / static_cast<float>(args.pixels) * args.scale[c];
        } else {
            args.output[c] = static_cast<float>(lanes[lane] - args.zero[c]) * args.scale[c];
        }
    }
}

template <class Lanes, PoolKind kKind>
inline void global_pool_codes_of(const GlobalPoolCodesArgs& args) {
    int channel = args.channel_begin;
    const bool bytes = args.input.type == CodeType::kU8;
    for (; channel + 32 <= args.channel_end; channel += 32) {
        bytes ? pool_channels<Lanes, CodeForm::kBytes, 4, kKind>(args, channel, 8)
              : pool_channels<Lanes, CodeForm::kWords, 4, kKind>(args, channel, 8);
    }
    for (; channel + 8 <= args.channel_end; channel += 8) {
        bytes ? pool_channels<Lanes, CodeForm::kBytes, 1, kKind>(args, channel, 8)
              : pool_channels<Lanes, CodeForm::kWords, 1, kKind>(args, channel, 8);
    }
    if (channel < args.channel_end) pool_channels<Lanes, CodeForm::kAny, 1, kKind>(args, channel, args.channel_end - channel);
}

template <class Lanes>
inline void global_pool_codes(const GlobalPoolCodesArgs& args) {
    args.kind == PoolKind::kAverage ? global_pool_codes_of<Lanes, PoolKind::kAverage>(args)
                                    : global_pool_codes_of<Lanes, PoolKind::kMax>(args);
}

}  // namespace
}  // namespace fovea::ops
