// SPDX-License-Identifier: Apache-2.0
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_DOTPROD)
#error "compile this file with -march=armv8.2-a+dotprod"
#endif

// The codes of four rows of a column, less 128, lie beside each other for each channel, as do their weights. A fifth row is taken as 16
// bits.
#include "ops/depthwise_conv/depthwise_conv_codes_neon.h"

namespace fovea::ops {
namespace {

// [8 channels][4 rows].
struct Quads {
    int8x16_t low, high;
};
inline uint8x16_t widened_by_zeros(uint8x8_t bytes) {
    return vcombine_u8(bytes, vdup_n_u8(0));
}
inline Quads interleaved(uint8x8_t a, uint8x8_t b, uint8x8_t c, uint8x8_t d) {
    const uint16x8_t first = vreinterpretq_u16_u8(vzip1q_u8(widened_by_zeros(a), widened_by_zeros(b)));
    const uint16x8_t second = vreinterpretq_u16_u8(vzip1q_u8(widened_by_zeros(c), widened_by_zeros(d)));
    return {vreinterpretq_s8_u16(vzip1q_u16(first, second)), vreinterpretq_s8_u16(vzip2q_u16(first, second))};
}
inline Quads less_128(const Quads& codes) {
    const int8x16_t signs = vdupq_n_s8(-128);
    return {veorq_s8(codes.low, signs), veorq_s8(codes.high, signs)};
}
inline void put(const Quads& quads, std::int8_t* to) {
    vst1q_s8(to, quads.low);
    vst1q_s8(to + 16, quads.high);
}

struct QuadRows {
    static constexpr std::ptrdiff_t kColumnBytes = 32;

    const std::uint8_t* row_of[kMostRows];  // of a row that is padding, or past the window, another, whose weights are 0 here
    bool has_fifth;
    uint8x8_t is_row[4];  // all ones, or zeros
    int weight_row[4];
    alignas(16) std::int8_t weights[kMostWidth * (32 + 16)];
    alignas(16) std::int8_t quads[kMostColumns * 32];
    alignas(16) std::int16_t words[kMostColumns * 8];

    explicit QuadRows(const DepthwiseConvU8S8Args& args) {
        const auto is_there = [&](int a) { return a < args.kernel_height && args.rows[a] != nullptr; };
        const std::uint8_t* some_row = nullptr;
        for (int a = 0; a < args.kernel_height; ++a) some_row = is_there(a) ? args.rows[a] : some_row;
        for (int a = 0; a < kMostRows; ++a) row_of[a] = is_there(a) ? args.rows[a] : some_row;
        for (int a = 0; a < 4; ++a) is_row[a] = vdup_n_u8(is_there(a) ? 0xFF : 0);
        has_fifth = is_there(4);
        for (int a = 0; a < 4; ++a) weight_row[a] = a < args.kernel_height ? a : 0;
    }
    void begin(Block<std::uint8_t>& block) {
        const std::ptrdiff_t step = block.padded_channels;
        const int width = block.args.kernel_width;
        block.add_pads();
        // 128 times the weights, as their product with -128 is taken off.
        int32x4_t low = vdupq_n_s32(0), high = low;
        const auto row_at = [&](int a) { return reinterpret_cast<const std::uint8_t*>(block.weights_at(weight_row[a])); };
        const std::uint8_t *const first = row_at(0), *const second = row_at(1), *const third = row_at(2), *const fourth = row_at(3);
        const uint8x8_t masks[4] = {is_row[0], is_row[1], is_row[2], is_row[3]};
        std::int8_t* to = weights;
        for (std::ptrdiff_t at = 0; at < width * step; at += step, to += 32) {
            const Quads of_tap = interleaved(vand_u8(vld1_u8(first + at), masks[0]), vand_u8(vld1_u8(second + at), masks[1]),
                                             vand_u8(vld1_u8(third + at), masks[2]), vand_u8(vld1_u8(fourth + at), masks[3]));
            low = vdotq_s32(low, of_tap.low, vdupq_n_s8(-128));
            high = vdotq_s32(high, of_tap.high, vdupq_n_s8(-128));
            put(of_tap, to);
        }
        int32x4_t(&bias)[2] = block.epilogue.constants.bias;
        bias[0] = vsubq_s32(bias[0], low);
        bias[1] = vsubq_s32(bias[1], high);
        if (!has_fifth) return;
        const std::int8_t* of_fifth = block.weights_at(4);
        for (int b = 0; b < width; ++b, of_fifth += step) {
            vst1q_s8(weights + width * 32 + 16 * b, vreinterpretq_s8_s16(vmovl_s8(vld1_s8(of_fifth))));
        }
    }
    void take(const Block<std::uint8_t>& block, std::ptrdiff_t first, int columns) {
        const uint8x8_t pads = vqmovun_s16(block.pads);
        const Quads outside = less_128(interleaved(pads, pads, pads, pads));
        const auto split = block.columns_of(first, columns);
        for (int j = 0; j < split.before; ++j) put(outside, quads + 32 * j);
        const std::ptrdiff_t step = block.args.input_stride;
        depthwise_take_quads_neon(row_of, (first + split.before) * step + block.channel, step, split.inside, quads + 32 * split.before);
        for (int j = split.before + split.inside; j < columns; ++j) put(outside, quads + 32 * j);
        if (has_fifth) block.take_words(row_of[4], first, columns, words);
    }
    void fill(CodeTiles& tiles) const {
        tiles.inputs = quads;
        tiles.weights = weights;
        tiles.blocks = has_fifth;
        tiles.left = reinterpret_cast<const std::int8_t*>(words) - quads;
    }
};

}  // namespace

void depthwise_conv_u8s8_neon_dotprod(const DepthwiseConvU8S8Args& args) {
    constexpr TileFunctions kFunctions = {
        {{depthwise_quads_3_s1_8_neon_dotprod, depthwise_quads_3_s1_7_neon_dotprod},
         {depthwise_quads_3_s2_8_neon_dotprod, depthwise_quads_3_s2_7_neon_dotprod}},
        {{depthwise_quads_5_s1_8_neon_dotprod, depthwise_quads_5_s1_7_neon_dotprod},
         {depthwise_quads_5_s2_8_neon_dotprod, depthwise_quads_5_s2_7_neon_dotprod}}};
    compute<QuadRows>(args, kFunctions);
}

}  // namespace fovea::ops
