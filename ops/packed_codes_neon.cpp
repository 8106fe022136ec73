// SPDX-License-Identifier: Apache-2.0
#include "ops/packed_codes_neon.h"

namespace fovea::ops {

// Tiles, in the assembly files.
extern "C" {
// Inputs [tile][block][half][4 rows][quad][4 times 4], weights [quad][8][4]; a block is 16 inputs, and 4 quads.
void codes_pair_tiles_neon(const CodeTiles*);
// Inputs [tile][block][8 rows][8], weights [input][8], both of 16 bits; a block is 8 inputs.
void codes_word_tiles_neon(const CodeTiles*);
// Inputs [tile][block][8 rows][16], weights [quad][8][4]; a block is 16 inputs. Of 4 rows: [tile][block][4][16]. Of two planes, the upper
// and the lower bytes of 4 rows: [tile][block][plane][4][16].
void codes_dot_tiles_8_neon_dotprod(const CodeTiles*);
void codes_dot_tiles_4_neon_dotprod(const CodeTiles*);
void codes_dot_tiles_planes_neon_dotprod(const CodeTiles*);
// Inputs [tile][block][8 rows][8], weights [block][8][8]; a block is 8 inputs. Of 4 rows: [tile][block][4][8]. Of two planes, the upper
// and the lower bytes of 4 rows: [tile][block][plane][4][8].
void codes_matrix_tiles_8_neon_i8mm(const CodeTiles*);
void codes_matrix_tiles_4_neon_i8mm(const CodeTiles*);
void codes_matrix_tiles_planes_neon_i8mm(const CodeTiles*);
}

namespace {

inline uint8x16_t less_128(uint8x16_t codes) {
    return veorq_u8(codes, vdupq_n_u8(0x80));
}

inline uint8x16_t load_words_of(const std::int16_t* from) {
    return vreinterpretq_u8_s16(vld1q_s16(from));
}

// The first `count` bytes, at most 16, and zeros.
[[gnu::noinline]] uint8x16_t load_bytes(const void* from, int count) {
    const auto* bytes = static_cast<const std::uint8_t*>(from);
    if (count >= 16) return vld1q_u8(bytes);
    std::uint64_t halves[2] = {};
    for (std::uint64_t& half : halves) {
        if (count >= 8) {
            __builtin_memcpy(&half, bytes, 8);
        } else {
            int done = 0;
            if (count >= 4) {
                std::uint32_t four;
                __builtin_memcpy(&four, bytes, 4);
                half = four;
                done = 4;
            }
            for (; done < count; ++done) half |= std::uint64_t{bytes[done]} << (8 * done);
        }
        bytes += 8;
        count -= 8;
        if (count <= 0) break;
    }
    return vcombine_u8(vcreate_u8(halves[0]), vcreate_u8(halves[1]));
}

// Ways to put the inputs of the rows of a tile, of which there are kRows. put_whole() puts kStep of them, kStepBytes from step to step;
// put_some() what is left, if only that is there.
template <int kRowCount>
struct BytePacking {
    using Input = std::uint8_t;
    static constexpr int kRows = kRowCount, kStep = 16, kRowBytes = 16, kStepBytes = kRows * 16;
    static void put_whole(const Input* from, std::uint8_t* to) { vst1q_u8(to, less_128(vld1q_u8(from))); }
    static void put_some(const Input* from, int left, std::uint8_t* to) { vst1q_u8(to, less_128(load_bytes(from, left))); }
};
// Every 4 inputs four times, as products of pairs take them.
struct PairPacking {
    using Input = std::uint8_t;
    static constexpr int kRows = 4, kStep = 16, kRowBytes = 32, kStepBytes = 256;
    static void put(uint8x16_t inputs, std::uint8_t* to) {
        const uint32x4_t quads = vreinterpretq_u32_u8(less_128(inputs));
        vst1q_u8(to, vreinterpretq_u8_u32(vdupq_laneq_u32(quads, 0)));
        vst1q_u8(to + 16, vreinterpretq_u8_u32(vdupq_laneq_u32(quads, 1)));
        vst1q_u8(to + 128, vreinterpretq_u8_u32(vdupq_laneq_u32(quads, 2)));
        vst1q_u8(to + 144, vreinterpretq_u8_u32(vdupq_laneq_u32(quads, 3)));
    }
    static void put_whole(const Input* from, std::uint8_t* to) { put(vld1q_u8(from), to); }
    static void put_some(const Input* from, int left, std::uint8_t* to) { put(load_bytes(from, left), to); }
};
// Codes of 16 bits, as such.
struct WordPacking {
    using Input = std::int16_t;
    static constexpr int kRows = 8, kStep = 8, kRowBytes = 16, kStepBytes = 128;
    static void put_whole(const Input* from, std::uint8_t* to) { vst1q_u8(to, load_words_of(from)); }
    static void put_some(const Input* from, int left, std::uint8_t* to) { vst1q_u8(to, load_bytes(from, 2 * left)); }
};
// Codes of 16 bits, their upper bytes apart from the lower ones, which are less 128.
struct PlanePacking {
    using Input = std::int16_t;
    static constexpr int kRows = 4, kStep = 16, kRowBytes = 16, kStepBytes = 128;
    static void put(uint8x16_t first, uint8x16_t second, std::uint8_t* to) {
        vst1q_u8(to, vuzp2q_u8(first, second));
        vst1q_u8(to + 64, less_128(vuzp1q_u8(first, second)));
    }
    static void put_whole(const Input* from, std::uint8_t* to) { put(load_words_of(from), load_words_of(from + 8), to); }
    static void put_some(const Input* from, int left, std::uint8_t* to) {
        const uint8x16_t first = load_bytes(from, 2 * left);
        put(first, left > 8 ? load_bytes(from + 8, 2 * left - 16) : first, to);
    }
};
// Matrices of two rows of 8 bytes, and of the upper bytes and the lower ones of codes of 16 bits.
template <int kRowCount>
struct MatrixPacking {
    using Input = std::uint8_t;
    static constexpr int kRows = kRowCount, kStep = 8, kRowBytes = 8, kStepBytes = kRows * 8;
    static void put_whole(const Input* from, std::uint8_t* to) { vst1_u8(to, vld1_u8(from)); }
    static void put_some(const Input* from, int left, std::uint8_t* to) { vst1_u8(to, vget_low_u8(load_bytes(from, left))); }
};
struct PlaneMatrixPacking {
    using Input = std::int16_t;
    static constexpr int kRows = 4, kStep = 8, kRowBytes = 8, kStepBytes = 64;
    static void put(int16x8_t inputs, std::uint8_t* to) {
        vst1_s8(reinterpret_cast<std::int8_t*>(to), vshrn_n_s16(inputs, 8));
        vst1_s8(reinterpret_cast<std::int8_t*>(to) + 32, vmovn_s16(inputs));
    }
    static void put_whole(const Input* from, std::uint8_t* to) { put(vld1q_s16(from), to); }
    static void put_some(const Input* from, int left, std::uint8_t* to) { put(vreinterpretq_s16_u8(load_bytes(from, 2 * left)), to); }
};

// Step by step, each of all rows.
template <class Packing>
void pack_rows(const void* from, std::ptrdiff_t row_step, int rows, int inputs, bool is_padded, std::uint8_t* to) {
    using Input = typename Packing::Input;
    int left = is_padded ? (inputs + Packing::kStep - 1) & -Packing::kStep : inputs;
    const auto* step = static_cast<const std::uint8_t*>(from);
    for (; left >= Packing::kStep; left -= Packing::kStep, to += Packing::kStepBytes) {
        const std::uint8_t* row = step;
        if (rows == Packing::kRows) {
#pragma GCC unroll 8
            for (int r = 0; r < Packing::kRows; ++r, row += row_step) {
                Packing::put_whole(reinterpret_cast<const Input*>(row), to + r * Packing::kRowBytes);
            }
        } else {
            std::uint8_t* row_to = to;
#pragma GCC unroll 1
            for (int r = 0; r < rows; ++r, row += row_step, row_to += Packing::kRowBytes) {
                Packing::put_whole(reinterpret_cast<const Input*>(row), row_to);
            }
        }
        step += Packing::kStep * sizeof(Input);
    }
    for (int r = 0; r < rows && left > 0; ++r, step += row_step, to += Packing::kRowBytes) {
        Packing::put_some(reinterpret_cast<const Input*>(step), left, to);
    }
}

// Weights as 16 bits, [input][8].
void take_word_weights(const std::int8_t* panel, int quads, void* to) {
    auto* words = static_cast<std::int16_t*>(to);
    for (int quad = 0; quad < quads; ++quad, panel += 32, words += 32) {
        const int8x8x4_t of_input = vld4_s8(panel);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) vst1q_s16(words + 8 * i, vmovl_s8(of_input.val[i]));
    }
}
// Those of 8 inputs of an output beside each other, [block][8][8].
void take_matrix_weights(const std::int8_t* panel, int quads, void* to) {
    auto* block = static_cast<std::int32_t*>(to);
    const auto put = [&](int32x4_t first, int32x4_t second) {
        vst1q_s32(block, vzip1q_s32(first, second));
        vst1q_s32(block + 4, vzip2q_s32(first, second));
        block += 8;
    };
    const auto quads_at = [&](int offset) { return vreinterpretq_s32_s8(vld1q_s8(panel + offset)); };
    for (; quads > 1; quads -= 2, panel += 64) {
        put(quads_at(0), quads_at(32));
        put(quads_at(16), quads_at(48));
    }
    if (quads == 0) return;
    put(quads_at(0), vdupq_n_s32(0));
    put(quads_at(16), vdupq_n_s32(0));
}

// What a panel's bias is where its inputs are bytes less 128: 128 times the sum of each output's weights more.
void store_bias_of_signed_inputs(const std::int32_t* bias, const std::int8_t* weights, int quads, std::int32_t* to) {
    constexpr int kQuadsOf16Bits = 128;  // each adds 256 at the most
    int32x4_t low = vdupq_n_s32(0), high = low;
    for (int begin = 0; begin < quads; begin += kQuadsOf16Bits) {
        const int count = quads - begin < kQuadsOf16Bits ? quads - begin : kQuadsOf16Bits;
        int16x8_t low_words = vdupq_n_s16(0), high_words = low_words;
#pragma GCC unroll 2
        for (int quad = 0; quad < count; ++quad, weights += 32) {
            low_words = vpadalq_s8(low_words, vld1q_s8(weights));
            high_words = vpadalq_s8(high_words, vld1q_s8(weights + 16));
        }
        low = vpadalq_s16(low, low_words);
        high = vpadalq_s16(high, high_words);
    }
    vst1q_s32(to, vaddq_s32(vld1q_s32(bias), vshlq_n_s32(low, 7)));
    vst1q_s32(to + 4, vaddq_s32(vld1q_s32(bias + 4), vshlq_n_s32(high, 7)));
}

constexpr int kMostPackedBytes = 32768;                  // of the inputs of some tiles
constexpr int kWeightBytes = kMostPackedInputs * 8 * 2;  // of a panel

// What a sum is at the most besides its bias, which may have 128 times the weights more: these are -128 to 127.
float largest_sum(const CodeProduct& product, const CodeTileKind& kind) {
    const float code = (kind.is_words ? 32768.0f : 255.0f) + (kind.is_signed ? 128.0f : 0.0f);
    return 128.0f * code * static_cast<float>(4 * product.quads);
}

// A tile's last `rows` rows; what lies in the place of the others is multiplied in vain.
void pack_tile(CodeRows& source, const CodeTileKind& kind, std::size_t row, int rows, int first, int inputs, std::uint8_t* to) {
    source.pack(source, kind, row, rows, first, inputs, to + (kind.rows - rows) * kind.row_bytes);
}

// What a tile makes of the inputs of some rows, panel by panel.
CodeTiles tiles_of(const CodeTileKind& kind, const std::uint8_t* inputs, const std::int8_t* panel, int quads, void* weights) {
    const int quads_of_block = kind.block / 4;
    const bool has_own_weights = kind.take_weights != nullptr;
    if (has_own_weights) kind.take_weights(panel, quads, weights);
    CodeTiles tiles;
    tiles.inputs = inputs;
    tiles.weights = has_own_weights ? weights : panel;
    tiles.blocks = quads / quads_of_block;
    tiles.left = quads % quads_of_block;
    tiles.sums_so_far = nullptr;
    tiles.tiles = 1;
    tiles.all_inputs = inputs;
    return tiles;
}

// Rows of so many inputs that they are taken in slices: a tile and a panel at a time.
[[gnu::noinline]] void multiply_slices(const CodeProduct& product, CodeRows& source, const CodeTileKind& kind, const std::int32_t* bias,
                                       int first_panel, int panels) {
    alignas(16) std::uint8_t packed[kMostPackedBytes];
    alignas(16) std::uint8_t weights[kWeightBytes];
    std::int32_t sums[8 * 8];
    for (std::size_t row = 0; row < product.rows; row += static_cast<std::size_t>(kind.rows)) {
        const std::size_t left = product.rows - row;
        const int count = left < static_cast<std::size_t>(kind.rows) ? static_cast<int>(left) : kind.rows;
        for (int panel = 0; panel < panels; ++panel) {
            const int channel = (first_panel + panel) * 8;
            const Epilogue epilogue(bias + panel * 8, channel, product.out_channels, product.requantisation, product.output.type,
                                    largest_sum(product, kind));
            const std::int8_t* of_panel = product.weights + (first_panel + panel - product.first_panel) * product.panel_bytes;
            int quads = product.quads, first = 0;
            for (; quads > kMostPackedInputs / 4; quads -= kMostPackedInputs / 4, first += kMostPackedInputs) {
                pack_tile(source, kind, row, count, first, kMostPackedInputs, packed);
                CodeTiles run = tiles_of(kind, packed, of_panel, kMostPackedInputs / 4, weights);
                run.constants = &epilogue.constants;
                run.output = sums;
                run.output_step = 32;
                run.sums_so_far = first > 0 ? sums : nullptr;
                run.finish = Finish::kSums;
                run.skipped = 8 - kind.rows;
                kind.multiply(&run);
                of_panel += kMostPackedInputs * 8;
            }
            pack_tile(source, kind, row, count, first, source.count - first, packed);
            CodeTiles run = tiles_of(kind, packed, of_panel, quads, weights);
            run.sums_so_far = sums;
            run.skipped = 8 - count;
            epilogue.run(kind.multiply, run, 0, product.output, static_cast<std::ptrdiff_t>(row) * product.output.stride + channel);
        }
    }
}

// Others: for all panels as many tiles as there is room for.
[[gnu::noinline]] void multiply_rows(const CodeProduct& product, CodeRows& source, const CodeTileKind& kind, const CodeTileKind& last_kind,
                                     const std::int32_t* bias, int first_panel, int panels) {
    alignas(16) std::uint8_t packed[kMostPackedBytes];
    alignas(16) std::uint8_t weights[kWeightBytes];
    const CodeOutput output = product.output;
    const auto rows_of_tile = static_cast<std::size_t>(kind.rows);
    const float largest = largest_sum(product, kind);
    const int blocks = (product.quads * 4 + kind.block - 1) / kind.block;
    const std::ptrdiff_t tile_bytes = std::ptrdiff_t{blocks} * kind.block_bytes;
    const auto most_tiles = static_cast<std::size_t>(kind.packed_bytes / tile_bytes);
    for (std::size_t row = 0; row < product.rows;) {
        const std::size_t left = product.rows - row, full = left / rows_of_tile;
        const std::size_t tiles = full < most_tiles ? full : most_tiles;
        const int rest = full < most_tiles ? static_cast<int>(left % rows_of_tile) : 0;
        const CodeTileKind& rest_kind = rest <= last_kind.rows ? last_kind : kind;
        std::uint8_t* to = packed;
        for (std::size_t tile = 0; tile < tiles; ++tile, to += tile_bytes) {
            pack_tile(source, kind, row + tile * rows_of_tile, kind.rows, 0, source.count, to);
        }
        const std::size_t rest_row = row + tiles * rows_of_tile;
        if (rest > 0) pack_tile(source, rest_kind, rest_row, rest, 0, source.count, to);
        for (int panel = 0; panel < panels; ++panel) {
            const int channel = (first_panel + panel) * 8;
            const Epilogue epilogue(bias + panel * 8, channel, product.out_channels, product.requantisation, output.type, largest);
            const std::int8_t* const of_panel = product.weights + (first_panel + panel - product.first_panel) * product.panel_bytes;
            CodeTiles run = tiles_of(kind, packed, of_panel, product.quads, weights);
            if (tiles > 0) {
                run.tiles = static_cast<std::ptrdiff_t>(tiles);
                run.skipped = 8 - kind.rows;
                epilogue.run(kind.multiply, run, tile_bytes, output, static_cast<std::ptrdiff_t>(row) * output.stride + channel);
            }
            if (rest > 0) {
                run.inputs = to;
                run.tiles = 1;
                run.skipped = 8 - rest;
                epilogue.run(rest_kind.multiply, run, 0, output, static_cast<std::ptrdiff_t>(rest_row) * output.stride + channel);
            }
        }
        row = rest_row + static_cast<std::size_t>(rest);
    }
}

// Matrices take bytes as they are, and their weights in pairs of quads; dot products take bytes less 128.
constexpr CodeTileKind byte_tiles(bool are_matrices, TileFunction multiply, PackFunction pack, int rows) {
    const int block = are_matrices ? 8 : 16;
    return {.multiply = multiply,
            .pack = pack,
            .take_weights = are_matrices ? take_matrix_weights : nullptr,
            .rows = rows,
            .row_bytes = block,
            .block = block,
            .block_bytes = rows * block,
            .packed_bytes = are_matrices ? 32768 : 16384,
            .is_signed = !are_matrices,
            .is_words = false};
}

// The low and the high bytes of 16 bits behind each other.
constexpr CodeTileKind of_planes(CodeTileKind kind) {
    kind.block_bytes *= 2;
    kind.is_words = true;
    return kind;
}

}  // namespace

constinit const CodeTileKind kPairTiles = {.multiply = codes_pair_tiles_neon,
                                           .pack = pack_rows<PairPacking>,
                                           .take_weights = nullptr,
                                           .rows = 4,
                                           .row_bytes = 32,
                                           .block = 16,
                                           .block_bytes = 256,
                                           .packed_bytes = 16384,
                                           .is_signed = true,
                                           .is_words = false};
constinit const CodeTileKind kWordTiles = {.multiply = codes_word_tiles_neon,
                                           .pack = pack_rows<WordPacking>,
                                           .take_weights = take_word_weights,
                                           .rows = 8,
                                           .row_bytes = 16,
                                           .block = 8,
                                           .block_bytes = 128,
                                           .packed_bytes = 16384,
                                           .is_signed = false,
                                           .is_words = true};
constinit const CodeTileKind kDotTiles = byte_tiles(false, codes_dot_tiles_8_neon_dotprod, pack_rows<BytePacking<8>>, 8);
constinit const CodeTileKind kSmallDotTiles = byte_tiles(false, codes_dot_tiles_4_neon_dotprod, pack_rows<BytePacking<4>>, 4);
constinit const CodeTileKind kPlaneDotTiles = of_planes(byte_tiles(false, codes_dot_tiles_planes_neon_dotprod, pack_rows<PlanePacking>, 4));
constinit const CodeTileKind kMatrixTiles = byte_tiles(true, codes_matrix_tiles_8_neon_i8mm, pack_rows<MatrixPacking<8>>, 8);
constinit const CodeTileKind kSmallMatrixTiles = byte_tiles(true, codes_matrix_tiles_4_neon_i8mm, pack_rows<MatrixPacking<4>>, 4);
constinit const CodeTileKind kPlaneMatrixTiles =
    of_planes(byte_tiles(true, codes_matrix_tiles_planes_neon_i8mm, pack_rows<PlaneMatrixPacking>, 4));

void multiply_codes(const CodeProduct& product, CodeRows& rows, const CodeTileKind& tiles, const CodeTileKind& last_tiles) {
    constexpr int kPanelsAtOnce = 128;
    const int end = product.first_panel + product.panels;
    alignas(16) std::int32_t bias[kPanelsAtOnce * 8];
    for (int begin = product.first_panel; begin < end; begin += kPanelsAtOnce) {
        const int count = end - begin < kPanelsAtOnce ? end - begin : kPanelsAtOnce;
        for (int panel = begin; tiles.is_signed && panel < begin + count; ++panel) {
            store_bias_of_signed_inputs(product.bias + panel * 8, product.weights + (panel - product.first_panel) * product.panel_bytes,
                                        product.quads, bias + (panel - begin) * 8);
        }
        const std::int32_t* const biases = tiles.is_signed ? bias : product.bias + begin * 8;
        if (product.quads * 4 > kMostPackedInputs) {
            multiply_slices(product, rows, tiles, biases, begin, count);
        } else {
            multiply_rows(product, rows, tiles, last_tiles, biases, begin, count);
        }
    }
}

}  // namespace fovea::ops
