// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_DOTPROD)
#error "compile this file with -march=armv8.2-a+dotprod"
#endif

// Inputs are taken less 128, as numbers with a sign, and 128 times the weights' sum into the bias, so that sdot multiplies them.
// A tile is 8 pixels x 8 outputs: 16 registers of sums, 8 of 16 inputs of each pixel, 2 of weights of 4 inputs: 16 sdot for two loads.
#include "ops/codes_neon.h"
#include "ops/pointwise_conv/pointwise_conv_codes.h"

namespace fovea::ops {
namespace {

// 16 inputs less 128, those from `count` on 0 before.
inline int8x16_t signed_inputs(const std::uint8_t* inputs, int count) {
    const uint8x16_t flip = vdupq_n_u8(0x80);
    if (count >= 16) return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(inputs), flip));
    std::uint8_t lanes[16] = {};
    for (int lane = 0; lane < count; ++lane) lanes[lane] = inputs[lane];
    return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(lanes), flip));
}

template <int kPixels>
struct Tile {
    Integers sums[kPixels];
    int8x16_t inputs[kPixels];

    template <int kLane>
    void add_quad(const std::int8_t* weights) {
        const int8x16_t low = vld1q_s8(weights), high = vld1q_s8(weights + 16);
#pragma GCC unroll 8
        for (int p = 0; p < kPixels; ++p) {
            sums[p].low = vdotq_laneq_s32(sums[p].low, low, inputs[p], kLane);
            sums[p].high = vdotq_laneq_s32(sums[p].high, high, inputs[p], kLane);
        }
    }
};

template <int kPixels>
inline void compute_tile(const PointwiseConvU8S8Args& args, std::size_t first_pixel, int panel, const Integers& bias) {
    const int quads = (args.in_channels + 3) / 4;
    const std::int8_t* weights = args.weights + static_cast<std::ptrdiff_t>(panel) * quads * 32;
    const std::uint8_t* const input = args.input + static_cast<std::ptrdiff_t>(first_pixel) * args.input_stride;
    Tile<kPixels> tile;
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p) tile.sums[p] = bias;
    for (int quad = 0; quad < quads; quad += 4, weights += 128) {
#pragma GCC unroll 8
        for (int p = 0; p < kPixels; ++p) {
            tile.inputs[p] = signed_inputs(input + p * args.input_stride + quad * 4, args.in_channels - quad * 4);
        }
        tile.template add_quad<0>(weights);
        if (quad + 1 < quads) tile.template add_quad<1>(weights + 32);
        if (quad + 2 < quads) tile.template add_quad<2>(weights + 64);
        if (quad + 3 < quads) tile.template add_quad<3>(weights + 96);
    }
    const int channel = panel * 8;
    const int left = args.out_channels - channel;
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p) {
        store_codes(args.output, (static_cast<std::ptrdiff_t>(first_pixel) + p) * args.output.stride + channel,
                    requantised(tile.sums[p], channel, args.requantisation, args.output.type), left < 8 ? left : 8);
    }
}

}  // namespace

void pointwise_conv_u8s8_neon_dotprod(const PointwiseConvU8S8Args& args) {
    const int quads = (args.in_channels + 3) / 4;
    for (int panel = 0; panel * 8 < args.out_channels; ++panel) {
        const Integers bias =
            bias_of_signed_inputs(args.bias + panel * 8, args.weights + static_cast<std::ptrdiff_t>(panel) * quads * 32, quads);
        std::size_t p = 0;
        for (; p + 8 <= args.pixels; p += 8) compute_tile<8>(args, p, panel, bias);
        for (; p + 4 <= args.pixels; p += 4) compute_tile<4>(args, p, panel, bias);
        for (; p < args.pixels; ++p) compute_tile<1>(args, p, panel, bias);
    }
}

}  // namespace fovea::ops
