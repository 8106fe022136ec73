// SPDX-License-Identifier: Apache-2.0
#pragma once

// 8 channels at a time. What the output columns of a chunk need of the rows, padding and all, is put beside each other first, in the
// form in which it is multiplied; then tiles of 8 output columns, or of 7 where that divides the row, make codes of it.
#include "ops/codes_tile_neon.h"
#include "ops/depthwise_conv/depthwise_conv_codes.h"

namespace fovea::ops {
namespace {

constexpr int kMostRows = 5, kMostWidth = 5, kMostStride = 2;
constexpr int kChunk = 56;  // output columns
constexpr int kMostColumns = (kChunk - 1) * kMostStride + kMostWidth;

extern "C" {
// Of words: inputs [row][column][8], rows CodeTiles::left bytes apart, as many as there are blocks; weights [row][tap][8].
void depthwise_words_3_s1_8_neon(const CodeTiles*);
void depthwise_words_3_s1_7_neon(const CodeTiles*);
void depthwise_words_3_s2_8_neon(const CodeTiles*);
void depthwise_words_3_s2_7_neon(const CodeTiles*);
void depthwise_words_5_s1_8_neon(const CodeTiles*);
void depthwise_words_5_s1_7_neon(const CodeTiles*);
void depthwise_words_5_s2_8_neon(const CodeTiles*);
void depthwise_words_5_s2_7_neon(const CodeTiles*);
// Of bytes with a sign: inputs [column][8][4 rows], weights [tap][8][4 rows]. Where there is a block, it is a fifth row as words: its
// inputs CodeTiles::left bytes behind the others, its weights next to the others.
void depthwise_quads_3_s1_8_neon_dotprod(const CodeTiles*);
void depthwise_quads_3_s1_7_neon_dotprod(const CodeTiles*);
void depthwise_quads_3_s2_8_neon_dotprod(const CodeTiles*);
void depthwise_quads_3_s2_7_neon_dotprod(const CodeTiles*);
void depthwise_quads_5_s1_8_neon_dotprod(const CodeTiles*);
void depthwise_quads_5_s1_7_neon_dotprod(const CodeTiles*);
void depthwise_quads_5_s2_8_neon_dotprod(const CodeTiles*);
void depthwise_quads_5_s2_7_neon_dotprod(const CodeTiles*);
}

extern "C" {
// Some columns of a row, step bytes apart, as words, [column][8]; of four rows, each from byte `at` on, as quads less 128, [column][8][4].
void depthwise_take_bytes_neon(const std::uint8_t* row, std::ptrdiff_t step, std::ptrdiff_t columns, std::int16_t* to);
void depthwise_take_words_neon(const std::int16_t* row, std::ptrdiff_t step, std::ptrdiff_t columns, std::int16_t* to);
void depthwise_take_quads_neon(const std::uint8_t* const* rows, std::ptrdiff_t at, std::ptrdiff_t step, std::ptrdiff_t columns,
                               std::int8_t* to);
}

inline void add_products(int32x4_t (&sums)[2], int16x8_t codes, int16x8_t weights) {
    sums[0] = vmlal_s16(sums[0], vget_low_s16(codes), vget_low_s16(weights));
    sums[1] = vmlal_high_s16(sums[1], codes, weights);
}

// A block of channels of a row of the picture.
template <typename Input>
struct Block {
    const DepthwiseConvCodesArgs<Input>& args;
    std::ptrdiff_t padded_channels;
    int channel;
    int16x8_t pads;  // what lies outside the picture
    Epilogue epilogue;

    Block(const DepthwiseConvCodesArgs<Input>& of, int first)
        : args(of), padded_channels((static_cast<std::ptrdiff_t>(of.channels) + 7) / 8 * 8), channel(first),
          pads(saturated(vld1q_s32(of.input_zero + first), vld1q_s32(of.input_zero + first + 4))),
          epilogue(of.bias + first, first, of.channels, of.requantisation, of.output.type,
                   128.0f * (sizeof(Input) == 1 ? 255.0f : 32768.0f) * static_cast<float>(of.kernel_height * of.kernel_width)) {}
    const std::int8_t* weights_at(int a) const {
        return args.weights + static_cast<std::ptrdiff_t>(a) * args.kernel_width * padded_channels + channel;
    }
    // What rows that are padding add to all sums.
    void add_pads() {
        for (int a = 0; a < args.kernel_height; ++a) {
            if (args.rows[a] != nullptr) continue;
            const std::int8_t* from = weights_at(a);
            for (int b = 0; b < args.kernel_width; ++b, from += padded_channels) {
                add_products(epilogue.constants.bias, pads, vmovl_s8(vld1_s8(from)));
            }
        }
    }
    // Of `columns` columns from `first` on: how many lie before the picture, and how many in it.
    struct Columns {
        int before, inside;
    };
    Columns columns_of(std::ptrdiff_t first, int columns) const {
        const std::ptrdiff_t before = first < 0 ? -first : 0, end = args.input_width - first;
        const int outside = before < columns ? static_cast<int>(before) : columns;
        const std::ptrdiff_t last = end < columns ? end : columns;
        return {outside, last > outside ? static_cast<int>(last) - outside : 0};
    }
    void take_words(const Input* row, std::ptrdiff_t first, int columns, std::int16_t* to) const {
        const Columns split = columns_of(first, columns);
        for (int j = 0; j < split.before; ++j) vst1q_s16(to + 8 * j, pads);
        const Input* const from = row + (first + split.before) * args.input_stride + channel;
        const std::ptrdiff_t step = args.input_stride * static_cast<std::ptrdiff_t>(sizeof(Input));
        if constexpr (sizeof(Input) == 1) {
            depthwise_take_bytes_neon(from, step, split.inside, to + 8 * split.before);
        } else {
            depthwise_take_words_neon(from, step, split.inside, to + 8 * split.before);
        }
        for (int j = split.before + split.inside; j < columns; ++j) vst1q_s16(to + 8 * j, pads);
    }
};

// Any window, and fewer channels than 8.
template <typename Input>
inline void compute_any(const Block<Input>& block) {
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    for (int x = 0; x < args.output_width; ++x) {
        int32x4_t sums[2] = {block.epilogue.constants.bias[0], block.epilogue.constants.bias[1]};
        for (int a = 0; a < args.kernel_height; ++a) {
            const std::int8_t* weights = block.weights_at(a);
            for (int b = 0; b < args.kernel_width; ++b, weights += block.padded_channels) {
                const std::ptrdiff_t column =
                    static_cast<std::ptrdiff_t>(x) * args.stride_x + static_cast<std::ptrdiff_t>(b) * args.dilation_x - args.pad_left;
                const bool is_inside = args.rows[a] != nullptr && column >= 0 && column < args.input_width;
                const int16x8_t codes =
                    is_inside ? load_words(args.rows[a] + column * args.input_stride + block.channel, block.epilogue.count) : block.pads;
                add_products(sums, codes, vmovl_s8(vld1_s8(weights)));
            }
        }
        std::int32_t lanes[8];
        vst1q_s32(lanes, sums[0]);
        vst1q_s32(lanes + 4, sums[1]);
        block.epilogue.store_sums(args.output, x * args.output.stride + block.channel, lanes, 1);
    }
}

// The functions for windows 3 and 5 wide, strides 1 and 2, and tiles of 8 and 7 columns.
using TileFunctions = const TileFunction[2][2][2];

// Rows know which rows are padding. begin(block) takes the weights of a block's window, and into its bias what comes of padding;
// take(block, first, columns) gets what a chunk needs of the rows, and fill() says in tiles where that is.
template <class Rows, typename Input>
inline void compute(const DepthwiseConvCodesArgs<Input>& args, TileFunctions& functions) {
    bool has_rows = false;
    for (int a = 0; a < args.kernel_height; ++a) has_rows = has_rows || args.rows[a] != nullptr;
    const bool is_usual = has_rows && args.dilation_x == 1 && (args.stride_x == 1 || args.stride_x == 2) &&
                          (args.kernel_width == 3 || args.kernel_width == 5) && args.kernel_height <= kMostRows;
    if (!is_usual) {
        for (int channel = 0; channel < args.channels; channel += 8) compute_any(Block<Input>(args, channel));
        return;
    }
    const bool sevens = args.output_width % 7 == 0;
    const int tile_columns = sevens ? 7 : 8;
    const auto function = functions[args.kernel_width == 5][args.stride_x - 1][sevens];
    const std::ptrdiff_t tile_bytes = std::ptrdiff_t{tile_columns} * args.stride_x * Rows::kColumnBytes;
    Rows rows(args);
    CodeTiles run;
    rows.fill(run);
    run.all_inputs = run.inputs;
    run.sums_so_far = nullptr;
    for (int channel = 0; channel < args.channels; channel += 8) {
        Block<Input> block(args, channel);
        if (block.epilogue.count < 8) {
            compute_any(block);
            continue;
        }
        rows.begin(block);
        for (int x = 0; x < args.output_width; x += kChunk) {
            const int count = args.output_width - x < kChunk ? args.output_width - x : kChunk;
            const int tiles = (count + tile_columns - 1) / tile_columns;
            // The first tile begins so far before the first column that the last ends with the last one.
            const int before = tiles * tile_columns - count;
            rows.take(block, static_cast<std::ptrdiff_t>(x - before) * args.stride_x - args.pad_left,
                      (tiles * tile_columns - 1) * args.stride_x + args.kernel_width);
            const void* const inputs = run.inputs;
            const std::ptrdiff_t at = x * args.output.stride + channel;
            run.skipped = 8 - tile_columns + before;
            run.tiles = before > 0 ? 1 : tiles;
            block.epilogue.run(function, run, tile_bytes, args.output, at);
            if (before > 0 && tiles > 1) {
                run.inputs = static_cast<const std::uint8_t*>(inputs) + tile_bytes;
                run.skipped = 8 - tile_columns;
                run.tiles = tiles - 1;
                block.epilogue.run(function, run, tile_bytes, args.output, at + (tile_columns - before) * args.output.stride);
                run.inputs = inputs;
            }
        }
    }
}

// Codes and weights as 16 bits.
template <typename Input>
struct WordRows {
    static constexpr std::ptrdiff_t kColumnBytes = 16;

    int rows = 0;  // that are no padding
    int row_of[kMostRows];
    alignas(16) std::int16_t weights[kMostRows * kMostWidth * 8];
    alignas(16) std::int16_t words[kMostRows][kMostColumns * 8];

    explicit WordRows(const DepthwiseConvCodesArgs<Input>& args) {
        for (int a = 0; a < args.kernel_height; ++a) {
            if (args.rows[a] != nullptr) row_of[rows++] = a;
        }
    }
    void begin(Block<Input>& block) {
        const int width = block.args.kernel_width;
        block.add_pads();
        std::int16_t* to = weights;
        for (int r = 0; r < rows; ++r) {
            const std::int8_t* from = block.weights_at(row_of[r]);
            for (int b = 0; b < width; ++b, from += block.padded_channels, to += 8) vst1q_s16(to, vmovl_s8(vld1_s8(from)));
        }
    }
    void take(const Block<Input>& block, std::ptrdiff_t first, int columns) {
        for (int r = 0; r < rows; ++r) block.take_words(block.args.rows[row_of[r]], first, columns, words[r]);
    }
    void fill(CodeTiles& tiles) const {
        tiles.inputs = words;
        tiles.weights = weights;
        tiles.blocks = rows;
        tiles.left = sizeof(words[0]);
    }
};

template <typename Input>
inline void compute_words(const DepthwiseConvCodesArgs<Input>& args) {
    constexpr TileFunctions kFunctions = {
        {{depthwise_words_3_s1_8_neon, depthwise_words_3_s1_7_neon}, {depthwise_words_3_s2_8_neon, depthwise_words_3_s2_7_neon}},
        {{depthwise_words_5_s1_8_neon, depthwise_words_5_s1_7_neon}, {depthwise_words_5_s2_8_neon, depthwise_words_5_s2_7_neon}}};
    compute<WordRows<Input>>(args, kFunctions);
}

}  // namespace
}  // namespace fovea::ops
