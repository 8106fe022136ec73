// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/codes_neon.h"

namespace fovea::ops {

// How sums become codes. Conversion and narrowing saturate, so that values need no limits where none can be no number; others, relu whose
// zeros are not the lowest code, and channels that fill no register are left as sums, [row][8]. Bytes of words are those whose values
// surely fit 16 bits before their zero is added: most.
enum class Finish : std::int64_t {
    kBytes,
    kSwishedBytes,
    kBytesOfWords,
    kSwishedBytesOfWords,
    kReluBytes,  // of words, too
    kWords,
    kSwishedWords,
    kReluWords,
    kSums
};

// What makes codes of the sums of 8 channels.
struct CodeConstants {
    int32x4_t bias[2];
    float32x4_t multiplier[2], swish_multiplier[2];
    int32x4_t zero[2];
    int16x8_t zero_words;
    int32x4_t none[2];  // zeros, to begin sums with
};

// For the functions of the assembly files: `tiles` tiles of 8 or 4 rows of a panel of 8 channels, one after another.
struct CodeTiles {
    const void* inputs;  // of the first tile, in the order in which they are multiplied
    const void* weights;
    const CodeConstants* constants;
    void* output;
    std::ptrdiff_t output_step;        // in bytes, from row to row
    std::ptrdiff_t blocks;             // of inputs
    std::ptrdiff_t left;               // and groups of 4 inputs behind them
    const std::int32_t* sums_so_far;   // of one tile, or null
    std::ptrdiff_t tiles;              // at least 1
    Finish finish;
    std::ptrdiff_t skipped;            // so many of 8 rows, the first, are not stored: at least 4 of tiles of 4
    const void* all_inputs;            // of which `inputs` are some, for tiles that have them in two places
};
static_assert(offsetof(CodeTiles, constants) == 16 && offsetof(CodeTiles, output_step) == 32 && offsetof(CodeTiles, left) == 48 &&
              offsetof(CodeTiles, tiles) == 64 && offsetof(CodeTiles, finish) == 72 &&
              offsetof(CodeTiles, skipped) == 80 && offsetof(CodeTiles, all_inputs) == 88);
static_assert(offsetof(CodeConstants, multiplier) == 32 && offsetof(CodeConstants, swish_multiplier) == 64 &&
              offsetof(CodeConstants, zero) == 96 && offsetof(CodeConstants, zero_words) == 128 && offsetof(CodeConstants, none) == 144);

using TileFunction = void (*)(const CodeTiles*);

// Nameless, so that each instruction-set file has its own copy and none is shared with other code.
namespace {

// What makes sums of 8 channels codes, made once for many pixels. The sums begin with the bias.
struct Epilogue {
    CodeConstants constants;
    const Requantisation& with;
    int channel, count;  // the first, and how many there are
    Finish finish;

    // `largest` is what a sum has at the most besides its bias.
    Epilogue(const std::int32_t* bias, int first, int channels, const Requantisation& requantisation, CodeType type, float largest)
        : with(requantisation), channel(first), count(channels - first < 8 ? channels - first : 8) {
        const bool swishes = with.activation == Activation::kHardSwish, is_relu = with.activation == Activation::kRelu;
        const float32x4_t low = vld1q_f32(with.multiplier + first), high = vld1q_f32(with.multiplier + first + 4);
        const float* const second = swishes ? with.swish_multiplier : with.multiplier;
        const float32x4_t low_swish = vld1q_f32(second + first), high_swish = vld1q_f32(second + first + 4);
        const int32x4_t low_zero = vld1q_s32(with.zero + first), high_zero = vld1q_s32(with.zero + first + 4);
        const int32x4_t low_bias = vld1q_s32(bias), high_bias = vld1q_s32(bias + 4), none = vdupq_n_s32(0);
        constants = {{low_bias, high_bias}, {low, high}, {low_swish, high_swish}, {low_zero, high_zero}, saturated(low_zero, high_zero),
                     {none, none}};
        // 2^31 times this, times 6, is finite, and finite numbers make no NaN.
        const float32x4_t greatest = vmaxq_f32(vabsq_f32(low), vabsq_f32(high));
        const float32x4_t greatest_swish = vmaxq_f32(vabsq_f32(low_swish), vabsq_f32(high_swish));
        uint32x4_t usual = vandq_u32(vcltq_f32(greatest, vdupq_n_f32(1e28f)), vcltq_f32(greatest_swish, vdupq_n_f32(3e38f)));
        if (is_relu) {
            const int32x4_t lowest = vdupq_n_s32(type == CodeType::kU8 ? 0 : -32768);
            usual = vandq_u32(usual, vandq_u32(vceqq_s32(low_zero, lowest), vceqq_s32(high_zero, lowest)));
        }
        if (count < 8 || vminvq_u32(usual) == 0) {
            finish = Finish::kSums;
        } else if (type == CodeType::kU8) {
            const float32x4_t greatest_bias = vcvtq_f32_s32(vmaxq_s32(vqabsq_s32(low_bias), vqabsq_s32(high_bias)));
            float32x4_t value = vmulq_f32(vaddq_f32(greatest_bias, vdupq_n_f32(largest)), greatest);
            if (swishes) value = vmulq_f32(vmulq_n_f32(value, 6.0f), greatest_swish);
            if (vminvq_u32(vcltq_f32(value, vdupq_n_f32(32000.0f))) == 0) {
                finish = swishes ? Finish::kSwishedBytes : Finish::kBytes;
            } else {
                finish = swishes ? Finish::kSwishedBytesOfWords : is_relu ? Finish::kReluBytes : Finish::kBytesOfWords;
            }
        } else {
            finish = swishes ? Finish::kSwishedWords : is_relu ? Finish::kReluWords : Finish::kWords;
        }
    }

    // The codes of some rows of sums, [rows][8], whatever the constants are; `at` is the element of the first.
    [[gnu::noinline]] void store_sums(const CodeOutput& output, std::ptrdiff_t at, const std::int32_t* sums, int rows) const {
        const bool swishes = with.activation == Activation::kHardSwish;
        for (int row = 0; row < rows; ++row, at += output.stride) {
            int32x4_t codes[2];
            for (int half = 0; half < 2; ++half) {
                const int32x4_t zero = constants.zero[half];
                const int32x4_t of_type = vdupq_n_s32(output.type == CodeType::kU8 ? 0 : -32768);
                const int32x4_t lowest = with.activation == Activation::kRelu ? zero : of_type;
                float32x4_t value = vmulq_f32(vcvtq_f32_s32(vld1q_s32(sums + 8 * row + 4 * half)), constants.multiplier[half]);
                if (swishes) value = vmulq_f32(vmulq_f32(value, swish_factor(value)), constants.swish_multiplier[half]);
                codes[half] = codes_of(value, vcvtq_f32_s32(vsubq_s32(lowest, zero)), zero);
            }
            store_codes(output, at, {codes[0], codes[1]}, count);
        }
    }
    // Runs tiles, tile_bytes of inputs each, of which the first stored row goes to element `at`. Changes tiles.
    [[gnu::always_inline]] void run(TileFunction function, CodeTiles& tiles, std::ptrdiff_t tile_bytes, const CodeOutput& output,
                                    std::ptrdiff_t at) const {
        tiles.constants = &constants;
        tiles.finish = finish;
        if (finish == Finish::kSums) return run_sums(function, tiles, tile_bytes, output, at);
        const int shift = output.type == CodeType::kU8 ? 0 : 1;
        tiles.output = static_cast<std::uint8_t*>(output.data) + (at << shift);
        tiles.output_step = output.stride << shift;
        function(&tiles);
    }
    [[gnu::noinline]] void run_sums(TileFunction function, CodeTiles tiles, std::ptrdiff_t tile_bytes, const CodeOutput& output,
                                    std::ptrdiff_t at) const {
        std::int32_t sums[8 * 8];
        const int rows = 8 - static_cast<int>(tiles.skipped);
        const std::ptrdiff_t count = tiles.tiles;
        tiles.output = sums;
        tiles.output_step = 32;
        tiles.tiles = 1;
        for (std::ptrdiff_t tile = 0; tile < count; ++tile, at += rows * output.stride) {
            function(&tiles);
            store_sums(output, at, sums, rows);
            tiles.inputs = static_cast<const std::uint8_t*>(tiles.inputs) + tile_bytes;
        }
    }
};

}  // namespace
}  // namespace fovea::ops
