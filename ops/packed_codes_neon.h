// SPDX-License-Identifier: Apache-2.0
#pragma once

// Products of rows of codes (the inputs of a pixel, or of a window) with panels of weights. The inputs of some rows are put in the order
// in which tiles take them, for all panels of outputs.
#include "ops/codes_tile_neon.h"

namespace fovea::ops {
namespace {

// output[r][o] = the code of bias[o] + sum_i input[r][i] * weight[i][o]. A source has count() inputs of each row; inputs(row, first,
// count) points at some of them; if it is kPadded, there is memory to be read up to a multiple of 16. pack_row() does all of it if it
// can.
struct CodeProduct {
    const std::int8_t* weights;  // [panel][quads][8][4], from the first panel on
    std::ptrdiff_t panel_bytes;
    const std::int32_t* bias;
    int quads;                   // of inputs, the last filled up with weights of 0
    std::size_t rows;
    int first_panel, panels;     // of 8 outputs, those that are made
    int out_channels;
    CodeOutput output;
    const Requantisation& requantisation;
};

inline uint8x16_t load_words_of(const std::int16_t* from) {
    return vreinterpretq_u8_s16(vld1q_s16(from));
}

// How tiles take the inputs: kRows rows in blocks of kBlock inputs, 16 bytes of each row. put_whole() makes those of a row, put_some() if
// only `left` of them are there; if they are padded, there is memory behind them. Where inputs are bytes with a sign, less 128, the bias
// has 128 times the weights instead.
template <int kRowCount>
struct ByteTiles {
    using Input = std::uint8_t;
    static constexpr int kRows = kRowCount, kBlock = 16, kRowBytes = 16, kBlockBytes = kRows * 16;
    static constexpr bool kSigned = true;
    static void put_whole(const Input* from, std::uint8_t* to) { vst1q_u8(to, less_128(vld1q_u8(from))); }
    static void put_some(const Input* from, int left, std::uint8_t* to, bool is_padded) {
        vst1q_u8(to, less_128(is_padded ? vld1q_u8(from) : load_bytes(from, left)));
    }
};
// The same, every 4 inputs four times, as products of pairs take them.
struct PairTiles {
    using Input = std::uint8_t;
    static constexpr int kRows = 4, kBlock = 16, kRowBytes = 32, kBlockBytes = 256;
    static constexpr bool kSigned = true;
    static void put(uint8x16_t inputs, std::uint8_t* to) {
        const uint32x4_t quads = vreinterpretq_u32_u8(less_128(inputs));
        vst1q_u8(to, vreinterpretq_u8_u32(vdupq_laneq_u32(quads, 0)));
        vst1q_u8(to + 16, vreinterpretq_u8_u32(vdupq_laneq_u32(quads, 1)));
        vst1q_u8(to + 128, vreinterpretq_u8_u32(vdupq_laneq_u32(quads, 2)));
        vst1q_u8(to + 144, vreinterpretq_u8_u32(vdupq_laneq_u32(quads, 3)));
    }
    static void put_whole(const Input* from, std::uint8_t* to) { put(vld1q_u8(from), to); }
    static void put_some(const Input* from, int left, std::uint8_t* to, bool is_padded) {
        put(is_padded ? vld1q_u8(from) : load_bytes(from, left), to);
    }
};
// Codes of 16 bits, as such.
struct WordTiles {
    using Input = std::int16_t;
    static constexpr int kRows = 8, kBlock = 8, kRowBytes = 16, kBlockBytes = 128;
    static constexpr bool kSigned = false;
    static void put_whole(const Input* from, std::uint8_t* to) { vst1q_u8(to, load_words_of(from)); }
    static void put_some(const Input* from, int left, std::uint8_t* to, bool is_padded) {
        vst1q_u8(to, is_padded ? load_words_of(from) : load_bytes(from, 2 * left));
    }
    // 16 inputs.
    static void put_vectors(uint8x16_t first, uint8x16_t second, std::uint8_t* to) {
        vst1q_u8(to, first);
        vst1q_u8(to + kBlockBytes, second);
    }
};
// Codes of 16 bits, their upper bytes apart from the lower ones, which are less 128.
struct PlaneTiles {
    using Input = std::int16_t;
    static constexpr int kRows = 4, kBlock = 16, kRowBytes = 16, kBlockBytes = 128;
    static constexpr bool kSigned = true;
    static void put_whole(const Input* from, std::uint8_t* to) { put_vectors(load_words_of(from), load_words_of(from + 8), to); }
    static void put_some(const Input* from, int left, std::uint8_t* to, bool is_padded) {
        if (is_padded) return put_whole(from, to);
        const uint8x16_t first = load_bytes(from, 2 * left);
        put_vectors(first, left > 8 ? load_bytes(from + 8, 2 * left - 16) : first, to);
    }
    static void put_vectors(uint8x16_t first, uint8x16_t second, std::uint8_t* to) {
        vst1q_u8(to, vuzp2q_u8(first, second));
        vst1q_u8(to + 64, less_128(vuzp1q_u8(first, second)));
    }
};

// The rows of some tiles, of which the first in memory are full.
template <class Tiles>
struct PackedRows {
    static constexpr int kMostBlocks = 16384 / Tiles::kBlockBytes;  // of all tiles
    static constexpr int kMostInputs = kMostBlocks * Tiles::kBlock > 1024 ? 1024 : kMostBlocks * Tiles::kBlock;

    alignas(16) std::uint8_t bytes[kMostBlocks * Tiles::kBlockBytes];

    // `inputs` inputs from `first` on of `count` rows, which are a tile's last; the others are the first of them again.
    template <class Source>
    static void pack(Source& source, std::size_t row, int count, int first, int inputs, std::uint8_t* to) {
        for (int r = 0; r < Tiles::kRows; ++r, to += Tiles::kRowBytes) {
            const int skipped = Tiles::kRows - count;
            const std::size_t of_row = row + static_cast<std::size_t>(r > skipped ? r - skipped : 0);
            if (source.template pack_row<Tiles>(of_row, to)) continue;
            const typename Tiles::Input* from = source.inputs(of_row, first, inputs);
            std::uint8_t* block = to;
            int left = inputs;
            for (; left >= Tiles::kBlock; left -= Tiles::kBlock, from += Tiles::kBlock, block += Tiles::kBlockBytes) {
                Tiles::put_whole(from, block);
            }
            if (left > 0) Tiles::put_some(from, left, block, Source::kPadded);
        }
    }
};

// What a tile of Tiles multiplies the inputs by: the panel itself, or its weights as 16 bits, [input][8].
template <class Tiles>
struct TileWeights {
    const void* of_panel(const std::int8_t* weights, int) { return weights; }
};
template <>
struct TileWeights<WordTiles> {
    alignas(16) std::int16_t words[PackedRows<WordTiles>::kMostInputs * 8];

    const void* of_panel(const std::int8_t* weights, int quads) {
        for (int quad = 0; quad < quads; ++quad, weights += 32) {
            const int8x8x4_t of_input = vld4_s8(weights);
#pragma GCC unroll 4
            for (int i = 0; i < 4; ++i) vst1q_s16(words + (quad * 4 + i) * 8, vmovl_s8(of_input.val[i]));
        }
        return words;
    }
};

// What a tile makes of the inputs of some rows, panel by panel.
template <class Tiles>
inline CodeTiles tiles_of(const std::uint8_t* inputs, const void* weights, int quads) {
    constexpr int kQuadsOfBlock = Tiles::kBlock / 4;
    CodeTiles tiles;
    tiles.inputs = inputs;
    tiles.weights = weights;
    tiles.blocks = quads / kQuadsOfBlock;
    tiles.left = quads % kQuadsOfBlock;
    tiles.sums_so_far = nullptr;
    tiles.tiles = 1;
    tiles.all_inputs = inputs;
    return tiles;
}

// Rows of so many inputs that they are taken in slices: a tile and a panel at a time.
template <class Tiles, class Source>
[[gnu::noinline]] void multiply_slices(const CodeProduct& product, Source& source, TileFunction function, const std::int32_t* bias,
                                       int first_panel, int panels) {
    using Packed = PackedRows<Tiles>;
    Packed packed;
    TileWeights<Tiles> weights;
    std::int32_t sums[Tiles::kRows * 8];
    for (std::size_t row = 0; row < product.rows; row += Tiles::kRows) {
        const std::size_t left = product.rows - row;
        const int count = left < Tiles::kRows ? static_cast<int>(left) : Tiles::kRows;
        for (int panel = 0; panel < panels; ++panel) {
            const int channel = (first_panel + panel) * 8;
            const Epilogue epilogue(bias + panel * 8, channel, product.out_channels, product.requantisation, product.output.type);
            const std::int8_t* of_panel = product.weights + (first_panel + panel - product.first_panel) * product.panel_bytes;
            int quads = product.quads, first = 0;
            for (; quads > Packed::kMostInputs / 4; quads -= Packed::kMostInputs / 4, first += Packed::kMostInputs) {
                Packed::pack(source, row, count, first, Packed::kMostInputs, packed.bytes);
                CodeTiles run = tiles_of<Tiles>(packed.bytes, weights.of_panel(of_panel, Packed::kMostInputs / 4), Packed::kMostInputs / 4);
                run.constants = &epilogue.constants;
                run.output = sums;
                run.output_step = 32;
                run.sums_so_far = first > 0 ? sums : nullptr;
                run.finish = Finish::kSums;
                run.skipped = 8 - Tiles::kRows;
                function(&run);
                of_panel += Packed::kMostInputs * 8;
            }
            Packed::pack(source, row, count, first, source.count() - first, packed.bytes);
            CodeTiles run = tiles_of<Tiles>(packed.bytes, weights.of_panel(of_panel, quads), quads);
            run.sums_so_far = sums;
            run.skipped = 8 - count;
            epilogue.run(function, run, 0, product.output, static_cast<std::ptrdiff_t>(row) * product.output.stride + channel);
        }
    }
}

// Others: for all panels as many tiles as there is room for. The last rows, which fill no tile, go by another kind if there are few
// enough.
template <class Tiles, class LastTiles, class Source>
[[gnu::noinline]] void multiply_rows(const CodeProduct& product, Source& source, TileFunction function, TileFunction last_function,
                                     const std::int32_t* bias, int first_panel, int panels) {
    using Packed = PackedRows<Tiles>;
    static_assert(Tiles::kBlock == LastTiles::kBlock && Tiles::kBlockBytes >= LastTiles::kBlockBytes);
    const CodeOutput output = product.output;
    const int blocks = (product.quads * 4 + Tiles::kBlock - 1) / Tiles::kBlock;
    const std::ptrdiff_t tile_bytes = std::ptrdiff_t{blocks} * Tiles::kBlockBytes;
    const std::size_t most_tiles = static_cast<std::size_t>(Packed::kMostBlocks / blocks);
    Packed packed;
    TileWeights<Tiles> weights;
    for (std::size_t row = 0; row < product.rows;) {
        const std::size_t left = product.rows - row, full = left / Tiles::kRows;
        const std::size_t tiles = full < most_tiles ? full : most_tiles;
        const int rest = full < most_tiles ? static_cast<int>(left % Tiles::kRows) : 0;
        const bool is_small = rest <= LastTiles::kRows;
        std::uint8_t* to = packed.bytes;
        for (std::size_t tile = 0; tile < tiles; ++tile, to += tile_bytes) {
            Packed::pack(source, row + tile * Tiles::kRows, Tiles::kRows, 0, source.count(), to);
        }
        const std::size_t rest_row = row + tiles * Tiles::kRows;
        if (rest > 0 && is_small) PackedRows<LastTiles>::pack(source, rest_row, rest, 0, source.count(), to);
        if (rest > 0 && !is_small) Packed::pack(source, rest_row, rest, 0, source.count(), to);
        for (int panel = 0; panel < panels; ++panel) {
            const int channel = (first_panel + panel) * 8;
            const Epilogue epilogue(bias + panel * 8, channel, product.out_channels, product.requantisation, output.type);
            const std::int8_t* const of_panel = product.weights + (first_panel + panel - product.first_panel) * product.panel_bytes;
            CodeTiles run = tiles_of<Tiles>(packed.bytes, weights.of_panel(of_panel, product.quads), product.quads);
            if (tiles > 0) {
                run.tiles = static_cast<std::ptrdiff_t>(tiles);
                run.skipped = 8 - Tiles::kRows;
                epilogue.run(function, run, tile_bytes, output, static_cast<std::ptrdiff_t>(row) * output.stride + channel);
            }
            if (rest > 0) {
                run.inputs = to;
                run.tiles = 1;
                run.skipped = 8 - rest;
                epilogue.run(is_small ? last_function : function, run, 0, output,
                             static_cast<std::ptrdiff_t>(rest_row) * output.stride + channel);
            }
        }
        row = rest_row + static_cast<std::size_t>(rest);
    }
}

template <class Tiles, class LastTiles, class Source>
[[gnu::noinline]] void multiply(const CodeProduct& product, Source& source, TileFunction function, TileFunction last_function) {
    constexpr int kPanelsAtOnce = 128;
    const int end = product.first_panel + product.panels;
    alignas(16) std::int32_t bias[kPanelsAtOnce * 8];
    for (int begin = product.first_panel; begin < end; begin += kPanelsAtOnce) {
        const int count = end - begin < kPanelsAtOnce ? end - begin : kPanelsAtOnce;
        for (int panel = begin; Tiles::kSigned && panel < begin + count; ++panel) {
            store_bias_of_signed_inputs(product.bias + panel * 8, product.weights + (panel - product.first_panel) * product.panel_bytes,
                                        product.quads, bias + (panel - begin) * 8);
        }
        const std::int32_t* const biases = Tiles::kSigned ? bias : product.bias + begin * 8;
        if (product.quads * 4 > PackedRows<Tiles>::kMostInputs) {
            multiply_slices<Tiles>(product, source, function, biases, begin, count);
        } else {
            multiply_rows<Tiles, LastTiles>(product, source, function, last_function, biases, begin, count);
        }
    }
}

}  // namespace
}  // namespace fovea::ops
