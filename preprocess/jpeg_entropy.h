// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "preprocess/jpeg_frame.h"
#include "preprocess/jpeg_huffman.h"

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
};

// Places of the zigzag in a block of rows; a run from the last place but one ends at the last.
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
    bits->refill();
    const std::uint32_t entry = table.fast[bits->peek(HuffmanTable::kFastBits)];
    const int difference = static_cast<std::int32_t>(entry) >> 16;
    const bool is_size = (entry >> 8 & 255) <= 15;
    if (difference != 0 && is_size) {
        bits->skip(entry & 15);
        *dc += difference;
    } else {
        const int size = take_symbol(bits, table);
        if (size < 0 || size > 15) return false;
        if (size > 0) *dc += extend(bits->take_ready(size), size);
    }
    return *dc >= -32768 && *dc <= 32767;
}

inline constexpr int kDamaged = -1;

// The whole block, F.2.2, into coefficients that are zero; those behind the first only if keeps_ac.
// Gives the place of the last one that is not zero, along the zigzag, or kDamaged.
template <bool keeps_ac>
[[gnu::always_inline]] inline int decode_sequential(
    BitReader* bits, const HuffmanTable& dc_table, const HuffmanTable& ac_table, int* dc,
    std::int16_t* coefficients) {
    if (!decode_dc(bits, dc_table, dc)) return kDamaged;
    coefficients[0] = static_cast<std::int16_t>(*dc);
    int last = 0;
    int k = 1;
    while (k < kJpegCoefficients) {
        bits->refill();
        const std::uint32_t entry = ac_table.fast[bits->peek(HuffmanTable::kFastBits)];
        const int value = static_cast<std::int32_t>(entry) >> 16;
        if (value != 0) {
            k += entry >> 12 & 15;
            bits->skip(entry & 15);
            if (keeps_ac) coefficients[kZigzag[k]] = static_cast<std::int16_t>(value);
            last = k++;
            continue;
        }
        const int length = entry >> 4 & 15;
        int symbol = entry >> 8 & 255;
        if (length != 0) {
            bits->skip(length);
        } else {
            symbol = take_long_symbol(bits, ac_table);
            if (symbol == kNoSymbol) return kDamaged;
        }
        const int size = symbol & 15;
        const int run = symbol >> 4;
        if (size == 0) {
            if (run != 15) return last;
            k += 16;
        } else {
            k += run;
            const int number = extend(bits->take_ready(size), size);
            if (keeps_ac) coefficients[kZigzag[k]] = static_cast<std::int16_t>(number);
            last = k++;
        }
    }
    return k == kJpegCoefficients ? last : kDamaged;
}

}  // namespace fovea::preprocess
