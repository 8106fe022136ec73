// SPDX-License-Identifier: Apache-2.0
#pragma once

// Windowed pooling, 4 channels a register, NEON.
//
//   v  4  results of 16 channels of one output (1 for the channels left over)
// Four are enough to hide the latency of a sum; windows are small and memory sets the pace. FMAX
// keeps a NaN of either side.
#include "ops/lanes_neon.h"
#include "ops/pool/pool.h"

namespace fovea::ops {
// For the instruction-set files of this operation. Nameless, so that each has its own copy and none
// is shared with code compiled for another instruction set.
namespace {

constexpr int kLanes = 4;

template <PoolKind kKind, int kVectors, bool kPartial, typename Element>
inline void pool_channels(const PoolArgs<Element>& args, int x, int channel, int lanes) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left;
    float32x4_t results[kVectors];
    for (float32x4_t& result : results) {
        result = vdupq_n_f32(kKind == PoolKind::kMax ? -__builtin_inff() : 0.0f);
    }
    int count = 0;
    for (int a = 0; a < args.window_height; ++a) {
        if (args.rows[a] == nullptr) continue;
        for (int b = 0; b < args.window_width; ++b) {
            const std::ptrdiff_t column = first + b;
            if (column < 0 || column >= args.input_width) continue;
            const Element* input = args.rows[a] + column * args.input_stride + channel;
            float32x4_t values[kVectors];
            if constexpr (kPartial) {
                values[0] = load_some_lanes(input, lanes);
            } else {
                load_lanes(input, values);
            }
            for (int v = 0; v < kVectors; ++v) {
                results[v] = kKind == PoolKind::kMax ? vmaxq_f32(results[v], values[v])
                                                     : vaddq_f32(results[v], values[v]);
            }
            ++count;
        }
    }
    if (kKind == PoolKind::kAverage && count > 0) {
        if (args.count_padding) count = args.window_height * args.window_width;
        const float32x4_t divisor = vdupq_n_f32(static_cast<float>(count));
        for (float32x4_t& result : results) result = vdivq_f32(result, divisor);
    }
    Element* output = args.output + x * args.output_stride + channel;
    for (int v = 0; v < kVectors; ++v) store_lanes(output + v * kLanes, results[v], lanes);
}

template <PoolKind kKind, typename Element>
void pool_row(const PoolArgs<Element>& args) {
    for (int x = 0; x < args.output_width; ++x) {
        int c = 0;
        for (; c + 4 * kLanes <= args.channels; c += 4 * kLanes) {
            pool_channels<kKind, 4, false>(args, x, c, kLanes);
        }
        for (; c + kLanes <= args.channels; c += kLanes) {
            pool_channels<kKind, 1, false>(args, x, c, kLanes);
        }
        if (c < args.channels) pool_channels<kKind, 1, true>(args, x, c, args.channels - c);
    }
}

template <typename Element>
void pool_neon(const PoolArgs<Element>& args) {
    if (args.kind == PoolKind::kMax) {
        pool_row<PoolKind::kMax>(args);
    } else {
        pool_row<PoolKind::kAverage>(args);
    }
}

}  // namespace
}  // namespace fovea::ops
