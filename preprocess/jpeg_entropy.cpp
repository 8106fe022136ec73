// SPDX-License-Identifier: Apache-2.0
#include "preprocess/jpeg_entropy.h"

#include <algorithm>

namespace fovea::preprocess {

// clang-format off
const std::uint8_t kZigzag[kJpegCoefficients + kLongestRun] = {
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
    64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64,
};
// clang-format on

namespace {

std::int16_t shifted(int value, int low) {
    return static_cast<std::int16_t>(static_cast<std::uint32_t>(value) << low);
}

// One more bit of a coefficient that is not zero.
void refine(BitReader* bits, int low, std::int16_t* coefficient) {
    if (bits->take(1) == 0 || (*coefficient & 1 << low) != 0) return;
    const int step = 1 << low;
    *coefficient = static_cast<std::int16_t>(*coefficient + (*coefficient > 0 ? step : -step));
}

}  // namespace

bool decode_first_dc(BitReader* bits, const HuffmanTable& table, int low, int* dc,
                     std::int16_t* coefficients) {
    if (!decode_dc(bits, table, dc)) return false;
    coefficients[0] = shifted(*dc, low);
    return true;
}

void refine_dc(BitReader* bits, int low, std::int16_t* coefficients) {
    if (bits->take(1) != 0) {
        coefficients[0] = static_cast<std::int16_t>(coefficients[0] | 1 << low);
    }
}

bool decode_first_ac(BitReader* bits, const HuffmanTable& table, const JpegBand& band,
                     int* run_of_ends, std::int16_t* coefficients) {
    if (*run_of_ends > 0) {
        --*run_of_ends;
        return true;
    }
    int k = band.spectral_begin;
    while (k <= band.spectral_end) {
        const int symbol = take_symbol(bits, table);
        if (symbol == kNoSymbol) return false;
        const int size = symbol & 15;
        const int run = symbol >> 4;
        if (size == 0) {
            if (run < 15) {
                *run_of_ends = (1 << run) + static_cast<int>(bits->take(run)) - 1;
                return true;
            }
            k += 16;
        } else {
            k += run;
            if (k > band.spectral_end) return false;
            coefficients[kZigzag[k]] = shifted(extend(bits->take_ready(size), size), band.low);
            ++k;
        }
    }
    return k == band.spectral_end + 1;
}

bool refine_ac(BitReader* bits, const HuffmanTable& table, const JpegBand& band, int* run_of_ends,
               std::int16_t* coefficients) {
    int k = band.spectral_begin;
    while (*run_of_ends == 0 && k <= band.spectral_end) {
        const int symbol = take_symbol(bits, table);
        if (symbol == kNoSymbol) return false;
        const int size = symbol & 15;
        int run = symbol >> 4;
        if (size > 1) return false;
        if (size == 0 && run < 15) {
            *run_of_ends = (1 << run) + static_cast<int>(bits->take(run));
            break;
        }
        const bool is_positive = bits->take(size) != 0;
        bool is_placed = false;
        while (k <= band.spectral_end && !is_placed) {
            std::int16_t* coefficient = coefficients + kZigzag[k];
            if (*coefficient != 0) {
                refine(bits, band.low, coefficient);
            } else if (run-- == 0) {
                if (size == 1) *coefficient = shifted(is_positive ? 1 : -1, band.low);
                is_placed = true;
            }
            ++k;
        }
        if (!is_placed) {
            if (!band.is_repeated) return false;
            const int behind = std::min(k, kJpegCoefficients - 1);
            if (size == 1) coefficients[kZigzag[behind]] = shifted(is_positive ? 1 : -1, band.low);
        }
    }
    if (*run_of_ends == 0) return true;
    for (; k <= band.spectral_end; ++k) {
        std::int16_t* coefficient = coefficients + kZigzag[k];
        if (*coefficient != 0) refine(bits, band.low, coefficient);
    }
    --*run_of_ends;
    return true;
}

}  // namespace fovea::preprocess
