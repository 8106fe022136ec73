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

inline int8x16_t less_128(uint8x16_t inputs) {
    return vreinterpretq_s8_u8(veorq_u8(inputs, vdupq_n_u8(0x80)));
}
// Of 4 inputs, those from `count` on 0 before.
inline int8x16_t last_inputs(const std::uint8_t* inputs, int count) {
    std::uint32_t word = 0;
    if (count >= 4) {
        __builtin_memcpy(&word, inputs, 4);
    } else {
        std::uint8_t lanes[4] = {};
        for (int lane = 0; lane < count; ++lane) lanes[lane] = inputs[lane];
        __builtin_memcpy(&word, lanes, 4);
    }
    return less_128(vreinterpretq_u8_u32(vdupq_n_u32(word)));
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
inline void compute_tile(const PointwiseConvU8S8Args& args, std::size_t first_pixel, int panel, const Epilogue& epilogue) {
    const int quads = (args.in_channels + 3) / 4;
    const std::int8_t* weights = args.weights + static_cast<std::ptrdiff_t>(panel) * quads * 32;
    const std::uint8_t* input = args.input + static_cast<std::ptrdiff_t>(first_pixel) * args.input_stride;
    Tile<kPixels> tile;
#pragma GCC unroll 8
    for (int p = 0; p < kPixels; ++p) tile.sums[p] = epilogue.bias;
    int left = args.in_channels;
    for (; left >= 16; left -= 16, weights += 128, input += 16) {
#pragma GCC unroll 8
        for (int p = 0; p < kPixels; ++p) tile.inputs[p] = less_128(vld1q_u8(input + p * args.input_stride));
        tile.template add_quad<0>(weights);
        tile.template add_quad<1>(weights + 32);
        tile.template add_quad<2>(weights + 64);
        tile.template add_quad<3>(weights + 96);
    }
    if (left >= 8) {
#pragma GCC unroll 8
        for (int p = 0; p < kPixels; ++p) {
            tile.inputs[p] = less_128(vcombine_u8(vld1_u8(input + p * args.input_stride), vdup_n_u8(0)));
        }
        tile.template add_quad<0>(weights);
        tile.template add_quad<1>(weights + 32);
        left -= 8;
        weights += 64;
        input += 8;
    }
    for (; left > 0; left -= 4, weights += 32, input += 4) {
#pragma GCC unroll 8
        for (int p = 0; p < kPixels; ++p) tile.inputs[p] = last_inputs(input + p * args.input_stride, left);
        tile.template add_quad<0>(weights);
    }
    epilogue.store<kPixels>(args.output, static_cast<std::ptrdiff_t>(first_pixel) * args.output.stride + panel * 8, tile.sums);
}

}  // namespace

void pointwise_conv_u8s8_neon_dotprod(const PointwiseConvU8S8Args& args) {
    const int quads = (args.in_channels + 3) / 4;
    for (int panel = 0; panel * 8 < args.out_channels; ++panel) {
        const std::int8_t* const weights = args.weights + static_cast<std::ptrdiff_t>(panel) * quads * 32;
        const Epilogue epilogue(bias_of_signed_inputs(args.bias + panel * 8, weights, quads), panel * 8, args.out_channels,
                                args.requantisation, args.output.type);
        std::size_t p = 0;
        for (; p + 8 <= args.pixels; p += 8) compute_tile<8>(args, p, panel, epilogue);
        for (; p + 4 <= args.pixels; p += 4) compute_tile<4>(args, p, panel, epilogue);
        for (; p < args.pixels; ++p) compute_tile<1>(args, p, panel, epilogue);
    }
}

}  // namespace fovea::ops
