// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution, 8 channels a register, halves.
//
// 3x3 and 5x5, stride 1 and 2, of at least 16 channels: tiles of 8 output columns x 16 channels,
// which depthwise_tile_neon.S draws; all channels of 8 columns before the next 8. Where 16 do not
// divide the channels, the last tile reaches back over the one before it and makes some results
// again. Everything else takes its taps one by one from memory:
//   v  1  sums of 8 channels, or of what is left of them
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#error "compile this file with -march=armv8.2-a+fp16"
#endif

#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/depthwise_conv/depthwise_tile_neon.h"
#include "ops/half_neon.h"

namespace fovea::ops {
namespace {

constexpr int kTileChannels = 16;

// One output column from the taps whose columns lie in the row: `lanes` channels, at most 8.
void compute_column(const DepthwiseConvFp16Args& args, int x, int channel, int lanes) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left;
    const std::ptrdiff_t weight_step = padded_channels(args);
    float16x8_t sum = load_halves(args.bias + channel);
    for (int a = 0; a < args.kernel_height; ++a) {
        if (args.rows[a] == nullptr) continue;
        const Half* weights = args.weights +
                              static_cast<std::ptrdiff_t>(a) * args.kernel_width * weight_step +
                              channel;
        for (int b = 0; b < args.kernel_width; ++b) {
            const std::ptrdiff_t column = first + static_cast<std::ptrdiff_t>(b) * args.dilation_x;
            if (column < 0 || column >= args.input_width) continue;
            const Half* input = args.rows[a] + column * args.input_stride + channel;
            sum =
                vfmaq_f16(sum, lanes == 8 ? load_halves(input) : load_partial_halves(input, lanes),
                          load_halves(weights + b * weight_step));
        }
    }
    sum = apply_fused_activation(args.activation, sum);
    Half* output = args.output + x * args.output_stride + channel;
    if (lanes == 8) {
        store_halves(output, sum);
    } else {
        store_partial_halves(output, sum, lanes);
    }
}

}  // namespace

void depthwise_conv_fp16_neon_fp16(const DepthwiseConvFp16Args& args) {
    const auto* tile = find_tile(args);
    if (tile == nullptr || args.channels < kTileChannels) {
        for (int x = 0; x < args.output_width; ++x) {
            for (int c = 0; c < args.channels; c += 8) {
                compute_column(args, x, c, args.channels - c < 8 ? args.channels - c : 8);
            }
        }
        return;
    }
    for (int x = 0; x < args.output_width; x += kTileOutputs) {
        const int left = args.output_width - x;
        const int outputs = left < kTileOutputs ? left : kTileOutputs;
        compute_tiles(args, *tile, x, outputs, 0, args.channels / kTileChannels);
        if (args.channels % kTileChannels != 0) {
            compute_tiles(args, *tile, x, outputs, args.channels - kTileChannels, 1);
        }
    }
}

}  // namespace fovea::ops
