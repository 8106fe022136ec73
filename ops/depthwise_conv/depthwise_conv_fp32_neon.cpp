// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution, 4 channels a register, NEON.
//
// 3x3 and 5x5, stride 1 and 2: register tiles, all channels of some columns before the next
// columns. Tiles of 4 output columns x 16 channels, which depthwise_wide_*_neon.S draw; for the
// last 8 channels, and where few columns of 5x5 windows are in the row, tiles of 8 columns x 8
// channels (depthwise_tile_neon.S). The channels past the last whole 8, and every other kernel size
// or dilation, take their taps one by one from memory:
//   v  2  sums of 8 channels (1 for the last 4 to 7, and for the last 1 to 3, lane by lane)
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/depthwise_conv/depthwise_tile_neon.h"
#include "ops/fused_activation_lanes.h"
#include "ops/lanes_neon.h"

namespace fovea::ops {
namespace {

template <bool kPartial>
inline float32x4_t load(const float* source, int lanes) {
    if constexpr (kPartial) {
        return load_partial_neon(source, lanes);
    } else {
        return vld1q_f32(source);
    }
}

template <bool kPartial>
inline void store(float* target, float32x4_t value, int lanes) {
    if constexpr (kPartial) {
        store_partial_neon(target, value, lanes);
    } else {
        vst1q_f32(target, value);
    }
}

// One output column from the taps whose columns lie in the row, for any kernel: 4 kVectors channels,
// or, where kPartial, `lanes` of them (1 to 3).
template <int kVectors, bool kPartial>
inline void compute_column(const DepthwiseConvFp32Args& args, int x, int channel, int lanes) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left;
    const std::ptrdiff_t weight_step = padded_channels(args);
    float32x4_t sums[kVectors];
    for (int v = 0; v < kVectors; ++v) sums[v] = vld1q_f32(args.bias + channel + 4 * v);
    for (int a = 0; a < args.kernel_height; ++a) {
        if (args.rows[a] == nullptr) continue;
        const float* weights =
            args.weights + static_cast<std::ptrdiff_t>(a) * args.kernel_width * weight_step + channel;
        for (int b = 0; b < args.kernel_width; ++b) {
            const std::ptrdiff_t column = first + static_cast<std::ptrdiff_t>(b) * args.dilation_x;
            if (column < 0 || column >= args.input_width) continue;
            const float* input = args.rows[a] + column * args.input_stride + channel;
            for (int v = 0; v < kVectors; ++v) {
                sums[v] = vfmaq_f32(sums[v], load<kPartial>(input + 4 * v, lanes),
                                    vld1q_f32(weights + b * weight_step + 4 * v));
            }
        }
    }
    apply_fused_activation<LanesNeon>(args.activation, sums);
    float* output = args.output + x * args.output_stride + channel;
    for (int v = 0; v < kVectors; ++v) store<kPartial>(output + 4 * v, sums[v], lanes);
}

// The channels from `channel` on, column by column.
void compute_rest(const DepthwiseConvFp32Args& args, int channel) {
    for (int x = 0; x < args.output_width; ++x) {
        int c = channel;
        for (; c + 8 <= args.channels; c += 8) compute_column<2, false>(args, x, c, 0);
        for (; c + 4 <= args.channels; c += 4) compute_column<1, false>(args, x, c, 0);
        if (c < args.channels) compute_column<1, true>(args, x, c, args.channels - c);
    }
}

}  // namespace

void depthwise_conv_fp32_neon(const DepthwiseConvFp32Args& args) {
    int channel = 0;
    for (const auto& tile : kDepthwiseTiles<float>) {
        const int blocks = (args.channels - channel) / tile.channels;
        if (blocks == 0 || !suits(tile, args)) continue;
        DepthwiseStrip<float>{args, tile, channel, blocks}.compute();
        channel += blocks * tile.channels;
    }
    if (channel < args.channels) compute_rest(args, channel);
}

}  // namespace fovea::ops
