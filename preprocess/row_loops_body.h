// SPDX-License-Identifier: Apache-2.0
// The loops of row_loops.h, compiled once for each kind of CPU. An instruction set's file includes this and nothing of the standard
// library: an inline function of that would be one symbol with everybody else's.
#pragma once

#include "preprocess/row_loops.h"

namespace fovea::preprocess {
namespace {

// One vector register, or two.
#ifdef __AVX2__
typedef float Lanes __attribute__((vector_size(4 * kRowLanes)));
#else
typedef float Floats __attribute__((vector_size(16)));
struct Lanes {
    Floats low, high;
};
Lanes operator*(const Lanes& a, const Lanes& b) {
    return {a.low * b.low, a.high * b.high};
}
void operator+=(Lanes& a, const Lanes& b) {
    a.low += b.low;
    a.high += b.high;
}
#endif
static_assert(sizeof(Lanes) == sizeof(float) * kRowLanes);

Lanes load_lanes(const float* p) {
    Lanes lanes;
    __builtin_memcpy(&lanes, p, sizeof(lanes));
    return lanes;
}

template <typename T>
T smaller_of(T a, T b) {
    return b < a ? b : a;
}
template <typename T>
T larger_of(T a, T b) {
    return a < b ? b : a;
}

void smooth(const float* a, const float* b, const float* c, const float* d, const float* e, int count, float* __restrict output) {
    for (int i = 0; i < count; ++i) {
        output[i] = (a[i] + e[i] + 4.0f * (b[i] + d[i]) + 6.0f * c[i]) * (1.0f / 16.0f);
    }
}

void divide(const float* values, const float* weights, float least, int count, float* __restrict quotients) {
    for (int i = 0; i < count; ++i) quotients[i] = values[i] / (weights[i] + least);
}

void relative_difference(const float* values, const float* level, const std::uint8_t* mask, float floor, int count,
                         float* __restrict differences) {
    for (int i = 0; i < count; ++i) {
        const auto inside = static_cast<float>(mask[i]);
        differences[i] = inside * ((values[i] - level[i]) / (level[i] + floor));
    }
}

void keep_inside(const std::uint8_t* mask, int count, float* __restrict values) {
    for (int i = 0; i < count; ++i) values[i] *= static_cast<float>(mask[i]);
}

void to_floats(const std::uint8_t* bytes, int count, float* __restrict values) {
    for (int i = 0; i < count; ++i) values[i] = static_cast<float>(bytes[i]);
}

void to_floats_inside(const std::uint8_t* bytes, const std::uint8_t* mask, int count, float* __restrict values) {
    for (int i = 0; i < count; ++i) values[i] = static_cast<float>(bytes[i] & -mask[i]);
}

void to_thousandths(const float* values, float largest, int count, std::int16_t* __restrict thousandths) {
    for (int i = 0; i < count; ++i) {
        thousandths[i] = static_cast<std::int16_t>(smaller_of(larger_of(values[i] * 1000.0f, -largest), largest));
    }
}

void sum_squares(const float* row, int count, float* sums) {
    Lanes sum = {};
    for (int i = 0; i < count; i += kRowLanes) {
        const Lanes x = load_lanes(row + i);
        sum += x * x;
    }
    __builtin_memcpy(sums, &sum, sizeof(sum));
}

void sum_powers(const float* row, int count, float (*sums)[kRowLanes]) {
    Lanes one = {}, two = {}, three = {}, four = {};
    for (int i = 0; i < count; i += kRowLanes) {
        const Lanes x = load_lanes(row + i), square = x * x;
        one += x;
        two += square;
        three += square * x;
        four += square * square;
    }
    __builtin_memcpy(sums[0], &one, sizeof(one));
    __builtin_memcpy(sums[1], &two, sizeof(two));
    __builtin_memcpy(sums[2], &three, sizeof(three));
    __builtin_memcpy(sums[3], &four, sizeof(four));
}

void add_five_rows(const std::int16_t* const* rows, int count, std::int16_t* __restrict sums) {
    const std::int16_t *a = rows[0], *b = rows[1], *c = rows[2], *d = rows[3], *e = rows[4];
    for (int i = 0; i < count; ++i) {
        sums[i] = static_cast<std::int16_t>(sums[i] + a[i] + b[i] + c[i] + d[i] + e[i]);
    }
}

void respond(const std::int16_t* line, const std::int16_t* before, const std::int16_t* after, int count,
             std::int16_t* __restrict largest, std::int16_t* __restrict smallest) {
    for (int i = 0; i < count; ++i) {
        const auto response = static_cast<std::int16_t>(before[i] + after[i] - 2 * line[i]);
        largest[i] = larger_of(largest[i], response);
        smallest[i] = smaller_of(smallest[i], response);
    }
}

void weigh_bytes(const std::uint8_t* __restrict row, std::uint16_t weight, std::uint16_t offset, int count,
                 std::uint16_t* __restrict sums) {
    for (int i = 0; i < count; ++i) sums[i] = static_cast<std::uint16_t>(row[i] * weight + offset);
}

void add_weighed_bytes(const std::uint8_t* __restrict row, std::uint16_t weight, int count, std::uint16_t* __restrict sums) {
    for (int i = 0; i < count; ++i) sums[i] = static_cast<std::uint16_t>(row[i] * weight + sums[i]);
}

void add_weighed_floats(const float* __restrict row, float weight, int count, float* __restrict sums) {
    for (int i = 0; i < count; ++i) sums[i] += weight * row[i];
}

void halve_pixels(const std::uint16_t* sums, int pixels, std::uint8_t* out) {
    typedef std::uint16_t Four __attribute__((vector_size(8)));
    typedef std::uint8_t Bytes __attribute__((vector_size(4)));
    for (int x = 0; x < pixels; ++x, sums += 6, out += 3) {
        Four left, right;
        __builtin_memcpy(&left, sums, sizeof(left));
        __builtin_memcpy(&right, sums + 3, sizeof(right));
        const Bytes pixel = __builtin_convertvector((left + right + 2) >> 2, Bytes);
        __builtin_memcpy(out, &pixel, sizeof(pixel));
    }
}

void add_difference(const std::uint8_t* __restrict added, const std::uint8_t* __restrict removed, std::uint16_t weight,
                    std::size_t count, std::uint16_t* __restrict sums) {
    for (std::size_t i = 0; i < count; ++i) {
        const auto difference = static_cast<std::uint16_t>(added[i] - removed[i]);
        sums[i] = static_cast<std::uint16_t>(sums[i] + std::uint32_t{difference} * weight);  // of an int, some products overflow
    }
}

void stretch_difference(const std::uint8_t* __restrict mean, int count, std::uint8_t* __restrict row) {
    for (int i = 0; i < count; ++i) {
        const int value = 4 * (row[i] - mean[i]) + 128;
        row[i] = static_cast<std::uint8_t>(smaller_of(larger_of(value, 0), 255));
    }
}

constexpr RowLoops kRowLoops = {
    &smooth,          &divide,         &relative_difference, &keep_inside,       &to_floats,          &to_floats_inside,
    &to_thousandths,  &sum_squares,    &sum_powers,          &add_five_rows,     &respond,            &weigh_bytes,
    &add_weighed_bytes, &add_weighed_floats, &halve_pixels,  &add_difference,    &stretch_difference};

}  // namespace
}  // namespace fovea::preprocess
