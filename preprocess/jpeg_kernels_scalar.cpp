// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "preprocess/jpeg_kernels.h"

namespace fovea::preprocess {
namespace {

constexpr int kSide = 8;
constexpr int kFractionBits = 13;
constexpr int kPassBits = 2;  // of fraction that the first pass leaves

// Factors are cosines and their sums in units of 1 / 2^13.
constexpr std::int32_t fixed(double factor) {
    return static_cast<std::int32_t>(factor * (1 << kFractionBits) + 0.5);
}

std::int16_t wrap16(std::int32_t value) {
    return static_cast<std::int16_t>(value);
}

std::int16_t dequantize(std::int16_t coefficient, std::int16_t quant) {
    return wrap16(std::int32_t{coefficient} * quant);
}

// Where a pass puts its results: the first into a column of 16-bit numbers, the second into samples.
struct Column {
    std::int16_t* top;
    void put(int i, std::int32_t value) const {
        top[i * kSide] = static_cast<std::int16_t>(std::clamp(value, -32768, 32767));
    }
};
struct Row {
    std::uint8_t* left;
    void put(int i, std::int32_t value) const {
        left[i] = static_cast<std::uint8_t>(std::clamp(value, -128, 127) + 128);
    }
};

// What the sums below come to in 32 bits, even where the coefficients are no picture's.
std::int32_t multiply_add(std::int32_t sum, std::int32_t x, std::int32_t factor) {
    return static_cast<std::int32_t>(static_cast<std::uint32_t>(sum) +
                                     static_cast<std::uint32_t>(x) *
                                         static_cast<std::uint32_t>(factor));
}
std::int32_t add(std::int32_t a, std::int32_t b) {
    return multiply_add(a, b, 1);
}
std::int32_t subtract(std::int32_t a, std::int32_t b) {
    return multiply_add(a, b, -1);
}

template <int kBits>
std::int32_t rounded_shift(std::int32_t value) {
    return add(value, 1 << (kBits - 1)) >> kBits;
}

// One dimension of the 8-point transform: with 11 multiplications in the flow graph, some of them
// drawn together here.
template <int kShift, typename Target>
void transform_8(const std::int16_t* x, const Target& target) {
    const std::int32_t even0 = wrap16(x[0] + x[4]) * (1 << kFractionBits);
    const std::int32_t even1 = wrap16(x[0] - x[4]) * (1 << kFractionBits);
    const std::int32_t rotated = (x[2] + x[6]) * fixed(0.541196100);
    const std::int32_t even2 = rotated - x[6] * fixed(1.847759065);
    const std::int32_t even3 = rotated + x[2] * fixed(0.765366865);
    const std::int32_t sums[4] = {even0 + even3, even1 + even2, even1 - even2, even0 - even3};

    const std::int32_t side73 = wrap16(x[7] + x[3]);
    const std::int32_t side51 = wrap16(x[5] + x[1]);
    const std::int32_t both = (side73 + side51) * fixed(1.175875602);
    const std::int32_t turn73 = both - side73 * fixed(1.961570560);
    const std::int32_t turn51 = both - side51 * fixed(0.390180644);
    const std::int32_t outer = (x[7] + x[1]) * fixed(0.899976223);
    const std::int32_t inner = (x[5] + x[3]) * fixed(2.562915447);
    const std::int32_t odd[4] = {x[1] * fixed(1.501321110) - outer + turn51,
                                 x[3] * fixed(3.072711026) - inner + turn73,
                                 x[5] * fixed(2.053119869) - inner + turn51,
                                 x[7] * fixed(0.298631336) - outer + turn73};
    for (int i = 0; i < 4; ++i) {
        target.put(i, rounded_shift<kShift>(sums[i] + odd[i]));
        target.put(7 - i, rounded_shift<kShift>(sums[i] - odd[i]));
    }
}

// 8 inputs, without the one in the middle, to 4.
template <int kShift, typename Target>
void transform_4(const std::int16_t* x, const Target& target) {
    const std::int32_t base = x[0] * (1 << (kFractionBits + 1));
    const std::int32_t even = x[2] * fixed(1.847759065) - x[6] * fixed(0.765366865);
    const std::int32_t sums[2] = {add(base, even), subtract(base, even)};
    const std::int32_t odd[2] = {
        add(x[1] * fixed(2.562915447) + x[3] * fixed(0.899976223),
            -x[5] * fixed(0.601344887) - x[7] * fixed(0.509795579)),
        add(x[1] * fixed(1.061594337) - x[3] * fixed(2.172734803),
            x[5] * fixed(1.451774981) - x[7] * fixed(0.211164243))};
    for (int i = 0; i < 2; ++i) {
        target.put(i, rounded_shift<kShift>(add(sums[i], odd[i])));
        target.put(3 - i, rounded_shift<kShift>(subtract(sums[i], odd[i])));
    }
}

// The first input and the odd ones to 2.
template <int kShift, typename Target>
void transform_2(const std::int16_t* x, const Target& target) {
    const std::int32_t base = x[0] * (1 << (kFractionBits + 2));
    const std::int32_t odd = add(x[1] * fixed(3.624509785) - x[3] * fixed(1.272758580),
                                 x[5] * fixed(0.850430095) - x[7] * fixed(0.720959822));
    target.put(0, rounded_shift<kShift>(add(base, odd)));
    target.put(1, rounded_shift<kShift>(subtract(base, odd)));
}

// Column `x` of a block, multiplied by its quantisation.
struct Dequantized {
    std::int16_t values[kSide];
    Dequantized(const std::int16_t* coefficients, const std::int16_t* quant, int x) {
        for (int i = 0; i < kSide; ++i) {
            values[i] = dequantize(coefficients[i * kSide + x], quant[i * kSide + x]);
        }
    }
};

std::uint8_t clamp_to_byte(int value) {
    return static_cast<std::uint8_t>(std::clamp(value, 0, 255));
}

void idct_8x8_scalar(const std::int16_t* coefficients, const std::int16_t* quant, std::uint8_t* samples,
              std::ptrdiff_t stride) {
    std::int16_t columns[kSide * kSide];
    for (int x = 0; x < kSide; ++x) {
        const Dequantized column(coefficients, quant, x);
        transform_8<kFractionBits - kPassBits>(column.values, Column{columns + x});
    }
    for (int y = 0; y < kSide; ++y) {
        transform_8<kFractionBits + kPassBits + 3>(columns + kSide * y, Row{samples + y * stride});
    }
}

void idct_4x4_scalar(const std::int16_t* coefficients, const std::int16_t* quant, std::uint8_t* samples,
              std::ptrdiff_t stride) {
    std::int16_t columns[4 * kSide] = {};
    for (int x = 0; x < kSide; ++x) {
        if (x == 4) continue;
        const Dequantized column(coefficients, quant, x);
        transform_4<kFractionBits - kPassBits + 1>(column.values, Column{columns + x});
    }
    for (int y = 0; y < 4; ++y) {
        transform_4<kFractionBits + kPassBits + 4>(columns + kSide * y, Row{samples + y * stride});
    }
}

void idct_2x2_scalar(const std::int16_t* coefficients, const std::int16_t* quant, std::uint8_t* samples,
              std::ptrdiff_t stride) {
    std::int16_t columns[2 * kSide] = {};
    for (const int x : {0, 1, 3, 5, 7}) {
        const Dequantized column(coefficients, quant, x);
        transform_2<kFractionBits - kPassBits + 2>(column.values, Column{columns + x});
    }
    for (int y = 0; y < 2; ++y) {
        transform_2<kFractionBits + kPassBits + 5>(columns + kSide * y, Row{samples + y * stride});
    }
}

void ycc_to_rgb_scalar(const std::uint8_t* luminance, const std::uint8_t* blue_chroma,
                       const std::uint8_t* red_chroma, int width, std::uint8_t* pixels) {
    constexpr int kHalf = 1 << 15;
    constexpr int kRedOfRed = 91881;      // 1.402
    constexpr int kGreenOfBlue = 22554;   // 0.34414
    constexpr int kGreenOfRed = 46802;    // 0.71414
    constexpr int kBlueOfBlue = 116130;   // 1.772
    for (int x = 0; x < width; ++x) {
        const int y = luminance[x];
        const int cb = blue_chroma[x] - 128;
        const int cr = red_chroma[x] - 128;
        std::uint8_t* pixel = pixels + std::ptrdiff_t{3} * x;
        pixel[0] = clamp_to_byte(y + ((kRedOfRed * cr + kHalf) >> 16));
        pixel[1] = clamp_to_byte(y + ((kHalf - kGreenOfBlue * cb - kGreenOfRed * cr) >> 16));
        pixel[2] = clamp_to_byte(y + ((kBlueOfBlue * cb + kHalf) >> 16));
    }
}

void interleave_rgb_scalar(const std::uint8_t* red, const std::uint8_t* green,
                           const std::uint8_t* blue, int width, std::uint8_t* pixels) {
    for (int x = 0; x < width; ++x) {
        std::uint8_t* pixel = pixels + std::ptrdiff_t{3} * x;
        pixel[0] = red[x];
        pixel[1] = green[x];
        pixel[2] = blue[x];
    }
}

}  // namespace


void repeat_samples(const std::uint8_t* row, int width, int ratio, std::uint8_t* out,
                    int out_width) {
    int x = 0;
    for (int i = 0; i < width; ++i) {
        for (int end = std::min(x + ratio, out_width); x < end; ++x) out[x] = row[i];
    }
}

void widen_samples(const std::uint8_t* __restrict row, int width, std::uint8_t* __restrict out) {
    for (int x = 0; x < width; ++x) {
        out[2 * x] = static_cast<std::uint8_t>((3 * row[x] + row[x - 1] + 1) >> 2);
        out[2 * x + 1] = static_cast<std::uint8_t>((3 * row[x] + row[x + 1] + 2) >> 2);
    }
}

void mix_rows(const std::uint8_t* __restrict near, const std::uint8_t* __restrict far, int width,
              int bias, std::uint8_t* __restrict out) {
    for (int x = 0; x < width; ++x) {
        out[x] = static_cast<std::uint8_t>((3 * near[x] + far[x] + bias) >> 2);
    }
}

void widen_mixed_rows(const std::uint8_t* __restrict near, const std::uint8_t* __restrict far,
                      int width, std::uint16_t* __restrict sums, std::uint8_t* __restrict out) {
    for (int x = 0; x < width + 2; ++x) {
        sums[x] = static_cast<std::uint16_t>(3 * near[x - 1] + far[x - 1]);
    }
    for (int x = 0; x < width; ++x) {
        out[2 * x] = static_cast<std::uint8_t>((3 * sums[x + 1] + sums[x] + 8) >> 4);
        out[2 * x + 1] = static_cast<std::uint8_t>((3 * sums[x + 1] + sums[x + 2] + 7) >> 4);
    }
}

const JpegKernels kScalarJpegKernels = {&idct_8x8_scalar, &idct_4x4_scalar, &idct_2x2_scalar,
                                        &idct_8x8_scalar, &idct_4x4_scalar, &idct_2x2_scalar,
                                        &ycc_to_rgb_scalar, &interleave_rgb_scalar};

}  // namespace fovea::preprocess
