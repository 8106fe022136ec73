// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "preprocess/jpeg_frame.h"
#include "preprocess/jpeg_huffman.h"
#include "preprocess/jpeg_kernels.h"

// Section numbers are those of ITU-T T.81.
namespace fovea::preprocess {

// What scans carry on from block to block within a restart interval.
struct JpegInterval {
    int dc[kMaxJpegComponents] = {};  // predictions
    int run_of_ends = 0;              // progressive: blocks that follow without coefficients
};

// The part of the coefficients that a scan holds.
struct JpegBand {
    int spectral_begin = 0;
    int spectral_end = kJpegCoefficients - 1;
    int high = 0;  // successive approximation
    int low = 0;
    // Some of these bits have come before. Refinement then finds other coefficients than its writer did, and its data mean nothing; what
    // they do is what libjpeg makes of them.
    bool is_repeated = false;
};

// Places of the zigzag in a block of rows. The runs of damaged data end behind the block.
inline constexpr int kLongestRun = 16;
extern const std::uint8_t kZigzag[kJpegCoefficients + kLongestRun];

// All that follow decode one block, whose coefficients stand in rows, and are false where the data
// are damaged. Coefficients that no picture has keep 16 bits of their value.

// G.1.2.1.
bool decode_first_dc(BitReader* bits, const HuffmanTable& table, int low, int* dc,
                     std::int16_t* coefficients);
void refine_dc(BitReader* bits, int low, std::int16_t* coefficients);

// G.1.2.2 and G.1.2.3.
bool decode_first_ac(BitReader* bits, const HuffmanTable& table, const JpegBand& band,
                     int* run_of_ends, std::int16_t* coefficients);
bool refine_ac(BitReader* bits, const HuffmanTable& table, const JpegBand& band, int* run_of_ends,
               std::int16_t* coefficients);

// F.2.2.1. The range of 16 bits keeps the products of a decoder within 32.
[[gnu::always_inline]] inline bool decode_dc(BitReader* bits, const HuffmanTable& table, int* dc) {
    const int size = take_symbol(bits, table);
    if (size < 0 || size > 15) return false;
    *dc += take_number(bits, size);
    return *dc >= -32768 && *dc <= 32767;
}

enum class BlockContent { kDamaged, kFlat, kLow, kDetailed };

// The whole block, F.2.2, into coefficients that are zero, with room for one more behind them; those
// behind the first only if keeps_ac. Flat: there are none behind the first; low: none behind the first kLowCoefficients. table: built of
// the other two.
template <bool keeps_ac>
[[gnu::always_inline]] inline BlockContent decode_sequential(
    BitReader* bits, const HuffmanTable& dc_table, const HuffmanTable& ac_table, const BlockTable& table,
    int* dc, std::int16_t* coefficients) {
    bits->refill();
    const BlockTable::Begin& begin = table.begins[bits->peek(BlockTable::kBeginBits)];
    if (begin.taken != 0) {
        bits->skip(begin.taken);
        *dc += begin.difference;
        if (*dc < -32768 || *dc > 32767) return BlockContent::kDamaged;
    } else if (!decode_dc(bits, dc_table, dc)) {
        return BlockContent::kDamaged;
    }
    coefficients[0] = static_cast<std::int16_t>(*dc);
    if (begin.is_flat) return BlockContent::kFlat;
    const std::uint8_t* const zigzag = kZigzag;
    std::size_t k = 1;
    while (k < kJpegCoefficients) {
        // Behind a coefficient at the last place the next block begins.
        while (k < kJpegCoefficients - kLongestRun) {
            bits->refill();
            const BlockTable::Entry& entry = table.entries[bits->peek(BlockTable::kBits)];
            if (entry.taken == 0) break;
            bits->skip(entry.taken);
            if (keeps_ac) {
                coefficients[zigzag[k + entry.places[0]]] = entry.values[0];
                coefficients[zigzag[k + entry.places[1]]] = entry.values[1];
            }
            k += entry.advance;
        }
        if (k >= kJpegCoefficients) break;
        const int symbol = take_symbol(bits, ac_table);
        if (symbol == kNoSymbol) return BlockContent::kDamaged;
        const int size = symbol & 15;
        const int run = symbol >> 4;
        if (size == 0) {
            k += static_cast<std::size_t>(run == 15 ? kLongestRun : BlockTable::kEnd);
        } else {
            k += static_cast<std::size_t>(run);
            const int number = take_number(bits, size);
            if (keeps_ac) coefficients[zigzag[k]] = static_cast<std::int16_t>(number);
            ++k;
        }
    }
    if (k == BlockTable::kEnd + 1) return BlockContent::kFlat;
    if (k - BlockTable::kEnd <= kLowCoefficients) return BlockContent::kLow;  // unsigned: not before the end
    const bool is_ended = k >= BlockTable::kEnd;
    const bool is_sound = is_ended ? k <= BlockTable::kEnd + kJpegCoefficients
                                   : k == kJpegCoefficients;
    return is_sound ? BlockContent::kDetailed : BlockContent::kDamaged;
}

}  // namespace fovea::preprocess
