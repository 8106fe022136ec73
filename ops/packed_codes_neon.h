// SPDX-License-Identifier: Apache-2.0
#pragma once

// Products of rows of codes (the inputs of a pixel, or of a window) with panels of weights. The inputs of some rows are put in the order in
// which tiles take them, for all panels of outputs.
#include "ops/codes_tile_neon.h"

namespace fovea::ops {
namespace {

// output[r][o] = the code of bias[o] + sum_i input[r][i] * weight[i][o]. A source has count() inputs of each row; inputs(row, first, count)
// points at some of them; if it is kPadded, there is memory to be read up to a multiple of 16. pack_row() does all of it if it can.
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

// How tiles take the inputs: kRows rows in blocks of kBlock inputs, 16 bytes of each row. put() makes those of a row, `left` of which are
// there. Where inputs are bytes with a sign, less 128, the bias has 128 times the weights instead.
template <int kRowCount>
struct ByteTiles {
    using Input = std::uint8_t;
    static constexpr int kRows = kRowCount, kBlock = 16, kBlockBytes = kRows * 16;
    static constexpr bool kSigned = true;
    template <bool kPadded>
    static void put(const Input* from, int left, std::uint8_t* to) {
        vst1q_u8(to, less_128(kPadded || left >= kBlock ? vld1q_u8(from) : load_bytes(from, left)));
    }
};
// Codes of 16 bits, as such.
struct WordTiles {
    using Input = std::int16_t;
    static constexpr int kRows = 8, kBlock = 8, kBlockBytes = 128;
    static constexpr bool kSigned = false;
    template <bool kPadded>
    static void put(const Input* from, int left, std::uint8_t* to) {
        const uint8x16_t words = kPadded || left >= kBlock ? vreinterpretq_u8_s16(vld1q_s16(from)) : load_bytes(from, 2 * left);
        vst1q_u8(to, words);
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
    static constexpr int kRows = 4, kBlock = 16, kBlockBytes = 128;
    static constexpr bool kSigned = true;
    template <bool kPadded>
    static void put(const Input* from, int left, std::uint8_t* to) {
        uint8x16_t first, second;
        if (kPadded || left >= 8) {
            first = second = vreinterpretq_u8_s16(vld1q_s16(from));
            if (kPadded || left >= kBlock) {
                second = vreinterpretq_u8_s16(vld1q_s16(from + 8));
            } else if (left > 8) {
                second = load_bytes(from + 8, 2 * left - 16);
            }
        } else {
            first = second = load_bytes(from, 2 * left);
        }
        put_vectors(first, second, to);
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

    static constexpr int kMostBlocksOfSlice = kMostInputs / Tiles::kBlock;

    alignas(16) std::uint8_t bytes[kMostBlocks * Tiles::kBlockBytes];

    // `inputs` inputs from `first` on of `count` rows, which are a tile's last; the others are the first of them again.
    template <class Source>
    static void pack(Source& source, std::size_t row, int count, int first, int inputs, std::uint8_t* to) {
        for (int r = 0; r < Tiles::kRows; ++r, to += 16) {
            const int skipped = Tiles::kRows - count;
            const std::size_t of_row = row + static_cast<std::size_t>(r > skipped ? r - skipped : 0);
            if (source.template pack_row<Tiles>(of_row, to)) continue;
            const typename Tiles::Input* from = source.inputs(of_row, first, inputs);
            std::uint8_t* block = to;
            for (int left = inputs; left > 0; left -= Tiles::kBlock, from += Tiles::kBlock, block += Tiles::kBlockBytes) {
                Tiles::template put<Source::kPadded>(from, left, block);
            }
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

// All rows by tiles of one kind, the last of which may have fewer.
template <class Tiles, class Source>
inline void multiply_rows(const CodeProduct& product, Source& source, std::size_t row, std::size_t rows, TileFunction function,
                          const std::int32_t* bias, int first_panel, int panels) {
    using Packed = PackedRows<Tiles>;
    constexpr int kQuadsOfBlock = Tiles::kBlock / 4;
    const int inputs = product.quads * 4;
    const CodeOutput output = product.output;
    const int slices = (inputs + Packed::kMostInputs - 1) / Packed::kMostInputs;
    const int blocks = (inputs + Tiles::kBlock - 1) / Tiles::kBlock;
    const std::size_t most_tiles = slices > 1 ? 1 : static_cast<std::size_t>(Packed::kMostBlocks / blocks);
    Packed packed;
    TileWeights<Tiles> weights;
    for (const std::size_t end = row + rows; row < end;) {
        const std::size_t left = end - row, full = left / Tiles::kRows;
        // As many full tiles as there is room for, or the rest of the rows.
        const std::size_t tiles = full == 0 ? 1 : full < most_tiles ? full : most_tiles;
        const int of_tile = full == 0 ? static_cast<int>(left) : Tiles::kRows;
        const std::ptrdiff_t tile_bytes = std::ptrdiff_t{blocks} * Tiles::kBlockBytes;
        for (std::size_t tile = 0; slices == 1 && tile < tiles; ++tile) {
            std::uint8_t* const to = packed.bytes + static_cast<std::ptrdiff_t>(tile) * tile_bytes;
            Packed::pack(source, row + tile * Tiles::kRows, of_tile, 0, source.count(), to);
        }
        CodeTiles run;
        run.inputs = packed.bytes;
        run.sums_so_far = nullptr;
        run.all_inputs = nullptr;
        for (int panel = first_panel; panel < first_panel + panels; ++panel) {
            const Epilogue epilogue(bias + (panel - first_panel) * 8, panel * 8, product.out_channels, product.requantisation, output.type);
            const std::int8_t* of_panel = product.weights + (panel - product.first_panel) * product.panel_bytes;
            const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(row) * output.stride + panel * 8;
            std::int32_t sums[Tiles::kRows * 8];
            int quads = product.quads;
            for (int slice = 0; slice + 1 < slices; ++slice, of_panel += Packed::kMostInputs * 8, quads -= Packed::kMostInputs / 4) {
                Packed::pack(source, row, of_tile, slice * Packed::kMostInputs, Packed::kMostInputs, packed.bytes);
                run.weights = weights.of_panel(of_panel, Packed::kMostInputs / 4);
                run.constants = &epilogue.constants;
                run.output = sums;
                run.output_step = 32;
                run.blocks = Packed::kMostBlocksOfSlice;
                run.left = 0;
                run.sums_so_far = slice > 0 ? sums : nullptr;
                run.tiles = 1;
                run.finish = Finish::kSums;
                run.skipped = 8 - Tiles::kRows;
                function(&run);
            }
            if (slices > 1) {
                const int first = (slices - 1) * Packed::kMostInputs;
                Packed::pack(source, row, of_tile, first, source.count() - first, packed.bytes);
                run.sums_so_far = sums;
            }
            run.weights = weights.of_panel(of_panel, quads);
            run.blocks = quads / kQuadsOfBlock;
            run.left = quads % kQuadsOfBlock;
            run.tiles = static_cast<std::ptrdiff_t>(tiles);
            run.skipped = 8 - of_tile;
            epilogue.template run<Tiles::kRows>(function, run, tile_bytes, output, at);
        }
        row += static_cast<std::size_t>(of_tile) * tiles;
    }
}

// Products by tiles, the last rows by another kind if there are few enough of them for it.
template <class Tiles, class LastTiles, class Source>
inline void multiply(const CodeProduct& product, Source& source, TileFunction function, TileFunction last_function) {
    constexpr int kPanelsAtOnce = 128;
    const std::size_t rest = product.rows % Tiles::kRows, last = rest <= LastTiles::kRows ? rest : 0;
    const int end = product.first_panel + product.panels;
    alignas(16) std::int32_t bias[kPanelsAtOnce * 8];
    for (int begin = product.first_panel; begin < end; begin += kPanelsAtOnce) {
        const int count = end - begin < kPanelsAtOnce ? end - begin : kPanelsAtOnce;
        for (int panel = begin; Tiles::kSigned && panel < begin + count; ++panel) {
            store_bias_of_signed_inputs(product.bias + panel * 8, product.weights + (panel - product.first_panel) * product.panel_bytes,
                                        product.quads, bias + (panel - begin) * 8);
        }
        const std::int32_t* const biases = Tiles::kSigned ? bias : product.bias + begin * 8;
        if (product.rows > last) multiply_rows<Tiles>(product, source, 0, product.rows - last, function, biases, begin, count);
        if (last > 0) multiply_rows<LastTiles>(product, source, product.rows - last, last, last_function, biases, begin, count);
    }
}

}  // namespace
}  // namespace fovea::ops
