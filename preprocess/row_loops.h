// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace fovea::preprocess {

// Sums of rows have this many sums beside each other, whatever the CPU.
inline constexpr int kRowLanes = 8;

// The loops over rows that a photo spends much of its time in, once for the vectors that every CPU of the kind has and once for each
// larger kind. All give the same bits: whole numbers, and single operations of floats in the order that is written.
struct RowLoops {
    // Of measure_detail. output[i] = (1 4 6 4 1) / 16 * (a b c d e)[i].
    void (*smooth)(const float* a, const float* b, const float* c, const float* d, const float* e, int count, float* output);
    // quotients[i] = values[i] / (weights[i] + least)
    void (*divide)(const float* values, const float* weights, float least, int count, float* quotients);
    // What `values` have beyond `level`, as parts of level + floor; 0 where the mask is.
    void (*relative_difference)(const float* values, const float* level, const std::uint8_t* mask, float floor, int count,
                                float* differences);
    void (*keep_inside)(const std::uint8_t* mask, int count, float* values);
    void (*to_floats)(const std::uint8_t* bytes, int count, float* values);
    void (*to_floats_inside)(const std::uint8_t* bytes, const std::uint8_t* mask, int count, float* values);
    // 1000 times as large, not beyond `largest` either way.
    void (*to_thousandths)(const float* values, float largest, int count, std::int16_t* thousandths);
    // Sum l is of the squares of row[l], row[l + kRowLanes], ...: kRowLanes sums. Sum i of lane l, of sum_powers, is of their i + 1-th
    // powers. Rows are read up to whole lanes, where they must hold zeros.
    void (*sum_squares)(const float* row, int count, float* sums);
    void (*sum_powers)(const float* row, int count, float (*sums)[kRowLanes]);

    // Of measure_lines, in 16 bits: sums[i] += the five rows; and the largest and smallest of before + after - 2 * line so far.
    void (*add_five_rows)(const std::int16_t* const* rows, int count, std::int16_t* sums);
    void (*respond)(const std::int16_t* line, const std::int16_t* before, const std::int16_t* after, int count, std::int16_t* largest,
                    std::int16_t* smallest);

    // Of means of areas: bytes times a weight into sums of 16 bits, or added to them; and into wider ones.
    void (*weigh_bytes)(const std::uint8_t* row, std::uint16_t weight, std::uint16_t offset, int count, std::uint16_t* sums);
    void (*add_weighed_bytes)(const std::uint8_t* row, std::uint16_t weight, int count, std::uint16_t* sums);
    void (*add_weighed_floats)(const float* row, float weight, int count, float* sums);
    // out[i] = (sums[i] + sums[i + 3] + 2) / 4, of every other three. Reads one sum and writes one byte, of no account, behind the last.
    void (*halve_pixels)(const std::uint16_t* sums, int pixels, std::uint8_t* out);

    // Of the blur: sums[i] += (added[i] - removed[i]) * weight, which wraps round; and 4 * (row - mean) + 128 within a byte.
    void (*add_difference)(const std::uint8_t* added, const std::uint8_t* removed, std::uint16_t weight, std::size_t count,
                           std::uint16_t* sums);
    void (*stretch_difference)(const std::uint8_t* mean, int count, std::uint8_t* row);
};

const RowLoops& row_loops_baseline();
// Where the build has them; only for CPUs that do.
const RowLoops& row_loops_avx2();

// Those for this CPU.
const RowLoops& row_loops();

}  // namespace fovea::preprocess
