// SPDX-License-Identifier: Apache-2.0
#pragma once

// Global pooling, 4 channels a register, NEON. The order of summation is that of
// global_pool_scalar.h, so the bits are the same.
//
//   v  4  sums of the current block of pixels, or maxima, for 16 channels
//   v  4  totals of the blocks before it
//   v  4  nodes of the tree over 8 pixels
// 16 channels are a whole cache line of each pixel. The tree leaves one dependent addition for
// 8 pixels, so memory, not latency, sets the pace. FMAX keeps a NaN of either side.
#include "ops/lanes_neon.h"
#include "ops/pool/pool.h"

namespace fovea::ops {
// For the instruction-set files of this operation. Nameless, so that each has its own copy and none
// is shared with code compiled for another instruction set.
namespace {

constexpr int kLanes = 4;
constexpr std::size_t kTree = 8;
constexpr std::size_t kBlock = 64 * kTree;

template <int kVectors>
struct Vectors {
    float32x4_t values[kVectors];

    Vectors operator+(const Vectors& other) const {
        Vectors sum;
        for (int v = 0; v < kVectors; ++v) sum.values[v] = vaddq_f32(values[v], other.values[v]);
        return sum;
    }
};

template <int kVectors, bool kPartial, typename Element>
inline Vectors<kVectors> load(const Element* source, int lanes) {
    Vectors<kVectors> loaded;
    if constexpr (kPartial) {
        loaded.values[0] = load_some_lanes(source, lanes);
    } else {
        load_lanes(source, loaded.values);
    }
    return loaded;
}

template <int kVectors, bool kPartial, typename Element>
inline Vectors<kVectors> tree(const Element* input, std::ptrdiff_t stride, int lanes) {
    const auto pair = [&](int p) {
        return load<kVectors, kPartial>(input + p * stride, lanes) +
               load<kVectors, kPartial>(input + (p + 1) * stride, lanes);
    };
    return (pair(0) + pair(2)) + (pair(4) + pair(6));
}

template <int kVectors, bool kPartial, typename Element>
inline void mean(const GlobalPoolArgs<Element>& args, const Element* input, int lanes,
                 float32x4_t (&results)[kVectors]) {
    for (float32x4_t& result : results) result = vdupq_n_f32(0.0f);
    for (std::size_t begin = 0; begin < args.pixels; begin += kBlock) {
        const std::size_t end = args.pixels - begin < kBlock ? args.pixels : begin + kBlock;
        Vectors<kVectors> sums;
        for (float32x4_t& sum : sums.values) sum = vdupq_n_f32(0.0f);
        std::size_t p = begin;
        for (; p + kTree <= end; p += kTree, input += kTree * args.input_stride) {
            sums = sums + tree<kVectors, kPartial>(input, args.input_stride, lanes);
        }
        for (; p < end; ++p, input += args.input_stride) {
            sums = sums + load<kVectors, kPartial>(input, lanes);
        }
        for (int v = 0; v < kVectors; ++v) results[v] = vaddq_f32(results[v], sums.values[v]);
    }
    const float32x4_t divisor = vdupq_n_f32(static_cast<float>(args.pixels));
    for (float32x4_t& result : results) result = vdivq_f32(result, divisor);
}

template <int kVectors, bool kPartial, typename Element>
inline void pool_channels(const GlobalPoolArgs<Element>& args, int channel, int lanes) {
    const Element* input = args.input + channel;
    float32x4_t results[kVectors];
    if (args.kind == PoolKind::kAverage) {
        mean<kVectors, kPartial>(args, input, lanes, results);
    } else {
        for (float32x4_t& result : results) result = vdupq_n_f32(-__builtin_inff());
        for (std::size_t p = 0; p < args.pixels; ++p, input += args.input_stride) {
            const Vectors<kVectors> loaded = load<kVectors, kPartial>(input, lanes);
            for (int v = 0; v < kVectors; ++v) results[v] = vmaxq_f32(results[v], loaded.values[v]);
        }
    }
    float* output = args.output + channel;
    for (int v = 0; v < kVectors; ++v) store_lanes(output + v * kLanes, results[v], lanes);
}

template <typename Element>
void global_pool_neon(const GlobalPoolArgs<Element>& args) {
    int c = args.channel_begin;
    for (; c + 4 * kLanes <= args.channel_end; c += 4 * kLanes) {
        pool_channels<4, false>(args, c, kLanes);
    }
    for (; c + kLanes <= args.channel_end; c += kLanes) {
        pool_channels<1, false>(args, c, kLanes);
    }
    if (c < args.channel_end) pool_channels<1, true>(args, c, args.channel_end - c);
}

}  // namespace
}  // namespace fovea::ops
