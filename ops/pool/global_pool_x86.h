// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__x86_64__)
#error "for x86-64"
#endif

#include "ops/pool/pool.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

// Global pooling for the registers of Lanes: Vector (of kCount floats, with the operators that gcc
// and clang give it), Mask (of a last, partial vector), all(value), load<kPartial>, store<kPartial>
// and a maximum that keeps a NaN of either side. The order of summation is that of
// global_pool_scalar.h, so the bits are the same.
//
//   4 registers  sums of the current block of pixels, or maxima, for 4 * kCount channels
//   4            totals of the blocks before it
//   4            nodes of the tree over 8 pixels
// These channels are whole cache lines of each pixel. The tree leaves one dependent addition for 8
// pixels, so memory, not latency, sets the pace.
template <class Lanes>
struct GlobalPool {
    using Vector = typename Lanes::Vector;
    using Mask = typename Lanes::Mask;
    static constexpr int kCount = Lanes::kCount;
    static constexpr int kMostVectors = 4;
    static constexpr std::size_t kTree = 8;
    static constexpr std::size_t kBlock = 64 * kTree;

    template <bool kPartial>
    static Vector tree(const float* input, std::ptrdiff_t stride, Mask mask) {
        const auto pair = [&](int p) {
            return Lanes::template load<kPartial>(input + p * stride, mask) +
                   Lanes::template load<kPartial>(input + (p + 1) * stride, mask);
        };
        const Vector first = pair(0) + pair(2);
        const Vector second = pair(4) + pair(6);
        return first + second;
    }

    template <int kVectors, bool kPartial>
    static void mean(const GlobalPoolFp32Args& args, const float* input, Mask mask,
                     Vector (&results)[kVectors]) {
        for (Vector& result : results) result = Lanes::all(0.0f);
        for (std::size_t begin = 0; begin < args.pixels; begin += kBlock) {
            const std::size_t end = args.pixels - begin < kBlock ? args.pixels : begin + kBlock;
            Vector sums[kVectors];
            for (Vector& sum : sums) sum = Lanes::all(0.0f);
            std::size_t p = begin;
            for (; p + kTree <= end; p += kTree, input += kTree * args.input_stride) {
                for (int v = 0; v < kVectors; ++v) {
                    sums[v] = sums[v] + tree<kPartial>(input + v * kCount, args.input_stride, mask);
                }
            }
            for (; p < end; ++p, input += args.input_stride) {
                for (int v = 0; v < kVectors; ++v) {
                    sums[v] = sums[v] + Lanes::template load<kPartial>(input + v * kCount, mask);
                }
            }
            for (int v = 0; v < kVectors; ++v) results[v] = results[v] + sums[v];
        }
        const Vector divisor = Lanes::all(static_cast<float>(args.pixels));
        for (Vector& result : results) result = result / divisor;
    }

    template <int kVectors, bool kPartial>
    static void pool_channels(const GlobalPoolFp32Args& args, int channel, Mask mask) {
        const float* input = args.input + channel;
        Vector results[kVectors];
        if (args.kind == PoolKind::kAverage) {
            mean<kVectors, kPartial>(args, input, mask, results);
        } else {
            for (Vector& result : results) result = Lanes::all(-__builtin_inff());
            for (std::size_t p = 0; p < args.pixels; ++p, input += args.input_stride) {
                for (int v = 0; v < kVectors; ++v) {
                    results[v] = Lanes::maximum(
                        results[v], Lanes::template load<kPartial>(input + v * kCount, mask));
                }
            }
        }
        float* output = args.output + channel;
        for (int v = 0; v < kVectors; ++v) {
            Lanes::template store<kPartial>(output + v * kCount, mask, results[v]);
        }
    }

    static void run(const GlobalPoolFp32Args& args) {
        const Mask no_mask = Lanes::mask(kCount);
        int c = args.channel_begin;
        for (; c + kMostVectors * kCount <= args.channel_end; c += kMostVectors * kCount) {
            pool_channels<kMostVectors, false>(args, c, no_mask);
        }
        for (; c + kCount <= args.channel_end; c += kCount) {
            pool_channels<1, false>(args, c, no_mask);
        }
        if (c < args.channel_end) {
            pool_channels<1, true>(args, c, Lanes::mask(args.channel_end - c));
        }
    }
};

}  // namespace
}  // namespace fovea::ops
