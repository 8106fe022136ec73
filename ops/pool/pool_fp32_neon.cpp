// SPDX-License-Identifier: Apache-2.0
// Windowed pooling, 4 channels a register, NEON.
//
//   v  4  results of 16 channels of one output (1 for the channels left over)
// Four are enough to hide the latency of a sum; windows are small and memory sets the pace. FMAX
// keeps a NaN of either side.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/activation_neon.h"
#include "ops/pool/pool.h"

namespace fovea::ops {
namespace {

constexpr int kLanes = 4;

template <PoolKind kKind, int kVectors, bool kPartial>
inline void pool_channels(const PoolFp32Args& args, int x, int channel, int lanes) {
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
            const float* input = args.rows[a] + column * args.input_stride + channel;
            for (int v = 0; v < kVectors; ++v) {
                const float32x4_t value = kPartial ? load_partial_neon(input + v * kLanes, lanes)
                                                   : vld1q_f32(input + v * kLanes);
                results[v] = kKind == PoolKind::kMax ? vmaxq_f32(results[v], value)
                                                     : vaddq_f32(results[v], value);
            }
            ++count;
        }
    }
    if (kKind == PoolKind::kAverage && count > 0) {
        if (args.count_padding) count = args.window_height * args.window_width;
        const float32x4_t divisor = vdupq_n_f32(static_cast<float>(count));
        for (float32x4_t& result : results) result = vdivq_f32(result, divisor);
    }
    float* output = args.output + x * args.output_stride + channel;
    for (int v = 0; v < kVectors; ++v) {
        if (kPartial) {
            store_partial_neon(output + v * kLanes, results[v], lanes);
        } else {
            vst1q_f32(output + v * kLanes, results[v]);
        }
    }
}

template <PoolKind kKind>
void pool_row(const PoolFp32Args& args) {
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

}  // namespace

void pool_fp32_neon(const PoolFp32Args& args) {
    if (args.kind == PoolKind::kMax) {
        pool_row<PoolKind::kMax>(args);
    } else {
        pool_row<PoolKind::kAverage>(args);
    }
}

}  // namespace fovea::ops
