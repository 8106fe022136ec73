// SPDX-License-Identifier: Apache-2.0
// The kernels of jpeg_kernels.h, written once for vectors of 128 bits. An instruction set's file
// includes this and gives a struct V of its operations:
//   Eight: 8 numbers of 16 bits; Four: 4 of 32
//   load, zero, all(value), multiply (low 16 bits), add16, subtract16; add, subtract of Four
//   low_products<a, b>(x, y), high_products<a, b>(x, y): a * x + b * y of the lower or upper four
//   low_scaled<bits>(x), high_scaled<bits>(x): x << bits in 32 bits
//   narrow<bits>(low, high): rounded shifts to the right, saturated to 16 bits
//   transpose(rows), transpose_half(rows, pairs): of 8 rows; of 4 rows into 4 pairs of columns
//   store_row(samples, x), store_4x4(samples, stride, x, y), store_2x2(samples, stride, x): saturated
//     to 8 bits with sign, plus 128; the latter two take columns of four, one after the other
//   load_bytes(p), load_samples(p, low_and_high), to_bytes(low_and_high) saturated,
//     store_rgb(p, red, green, blue): of 16 samples
//   rounded_product<c>(x): (c * x + 2^15) >> 16 for |x| <= 256
#pragma once

#include "preprocess/jpeg_kernels.h"

namespace fovea::preprocess {
namespace {

// cos and sums of cos in units of 1 / 2^13; see jpeg_kernels_scalar.cpp.
constexpr int fixed(double factor) {
    return static_cast<int>(factor < 0 ? factor * 8192 - 0.5 : factor * 8192 + 0.5);
}

// Factors of colours in units of 1 / 2^16, less whole ones so that they fit 16 bits: 1.402 - 1, 1.772 - 2, 1 - 0.71414.
constexpr int kLessRed = 91881 - 65536, kLessBlue = 116130 - 131072, kGreenOfBlue = -22554, kLessGreenOfRed = 65536 - 46802;

template <typename V>
struct VectorJpeg {
    using Eight = typename V::Eight;
    using Four = typename V::Four;

    // The lower and upper half of eight sums.
    struct Sums {
        Four low;
        Four high;
    };

    static Sums add(const Sums& a, const Sums& b) {
        return {V::add(a.low, b.low), V::add(a.high, b.high)};
    }
    static Sums subtract(const Sums& a, const Sums& b) {
        return {V::subtract(a.low, b.low), V::subtract(a.high, b.high)};
    }
    template <int kA, int kB>
    static Sums products(Eight x, Eight y) {
        return {V::template low_products<kA, kB>(x, y), V::template high_products<kA, kB>(x, y)};
    }
    template <int kBits>
    static Sums scaled(Eight x) {
        return {V::template low_scaled<kBits>(x), V::template high_scaled<kBits>(x)};
    }
    template <int kShift>
    static Eight narrow(const Sums& sums) {
        return V::template narrow<kShift>(sums.low, sums.high);
    }

    static Eight dequantized(const std::int16_t* coefficients, const std::int16_t* quant, int row) {
        return V::multiply(V::load(coefficients + 8 * row), V::load(quant + 8 * row));
    }

    // Eight transforms of 8 points beside each other. A rotation's two products share its inputs.
    template <int kShift>
    static void transform_8(Eight* x) {
        constexpr int k0298 = fixed(0.298631336), k0390 = fixed(0.390180644),
                      k0541 = fixed(0.541196100), k0765 = fixed(0.765366865),
                      k0899 = fixed(0.899976223), k1175 = fixed(1.175875602),
                      k1501 = fixed(1.501321110), k1847 = fixed(1.847759065),
                      k1961 = fixed(1.961570560), k2053 = fixed(2.053119869),
                      k2562 = fixed(2.562915447), k3072 = fixed(3.072711026);
        const Sums even2 = products<k0541, k0541 - k1847>(x[2], x[6]);
        const Sums even3 = products<k0541 + k0765, k0541>(x[2], x[6]);
        const Sums even0 = scaled<13>(V::add16(x[0], x[4]));
        const Sums even1 = scaled<13>(V::subtract16(x[0], x[4]));
        const Eight side73 = V::add16(x[7], x[3]);
        const Eight side51 = V::add16(x[5], x[1]);
        const Sums turn73 = products<k1175 - k1961, k1175>(side73, side51);
        const Sums turn51 = products<k1175, k1175 - k0390>(side73, side51);
        const Sums odd0 = add(products<-k0899, k1501 - k0899>(x[7], x[1]), turn51);
        const Sums odd1 = add(products<-k2562, k3072 - k2562>(x[5], x[3]), turn73);
        const Sums odd2 = add(products<k2053 - k2562, -k2562>(x[5], x[3]), turn51);
        const Sums odd3 = add(products<k0298 - k0899, -k0899>(x[7], x[1]), turn73);
        const Sums sum0 = add(even0, even3);
        const Sums sum1 = add(even1, even2);
        const Sums sum2 = subtract(even1, even2);
        const Sums sum3 = subtract(even0, even3);
        x[0] = narrow<kShift>(add(sum0, odd0));
        x[7] = narrow<kShift>(subtract(sum0, odd0));
        x[1] = narrow<kShift>(add(sum1, odd1));
        x[6] = narrow<kShift>(subtract(sum1, odd1));
        x[2] = narrow<kShift>(add(sum2, odd2));
        x[5] = narrow<kShift>(subtract(sum2, odd2));
        x[3] = narrow<kShift>(add(sum3, odd3));
        x[4] = narrow<kShift>(subtract(sum3, odd3));
    }

    static void idct_8x8(const std::int16_t* coefficients, const std::int16_t* quant,
                         std::uint8_t* samples, std::ptrdiff_t stride) {
        Eight rows[8];
        for (int y = 0; y < 8; ++y) rows[y] = dequantized(coefficients, quant, y);
        transform_8<11>(rows);
        V::transpose(rows);
        transform_8<18>(rows);
        V::transpose(rows);
        for (int y = 0; y < 8; ++y) V::store_row(samples + y * stride, rows[y]);
    }

    // Of the first ten coefficients along the zigzag: rows and columns 0 to 3. A pass takes columns of four, all of which lie in the
    // lower half of a vector; the first's results in rows, [0 | 4], [1 | 5] ..., become columns 0 and 1, 2 and 3 of the upper four rows,
    // then of the lower four.
    struct Low {
        Four even[4];
        Four odd[4];
    };

    static Low transform_low_8(Four base, Four even2, Four even3, const Four (&odd)[4]) {
        return {{V::add(base, even3), V::add(base, even2), V::subtract(base, even2), V::subtract(base, even3)},
                {odd[0], odd[1], odd[2], odd[3]}};
    }

    static constexpr int kEven2 = fixed(0.541196100), kEven3 = fixed(0.541196100) + fixed(0.765366865);
    // What transform_8 multiplies the second input and the fourth by, drawn together.
    static constexpr int kOdd[4][2] = {
        {fixed(1.501321110) - fixed(0.899976223) + fixed(1.175875602) - fixed(0.390180644), fixed(1.175875602)},
        {fixed(1.175875602), fixed(3.072711026) - fixed(2.562915447) + fixed(1.175875602) - fixed(1.961570560)},
        {fixed(1.175875602) - fixed(0.390180644), fixed(1.175875602) - fixed(2.562915447)},
        {fixed(1.175875602) - fixed(0.899976223), fixed(1.175875602) - fixed(1.961570560)}};

    static void idct_low_8x8(const std::int16_t* coefficients, const std::int16_t* quant, std::uint8_t* samples,
                             std::ptrdiff_t stride) {
        Eight x[4];
        for (int y = 0; y < 4; ++y) x[y] = dequantized(coefficients, quant, y);
        const Low first = transform_low_8(
            V::template low_scaled<13>(x[0]), V::template low_products<kEven2, 0>(x[2], x[2]),
            V::template low_products<kEven3, 0>(x[2], x[2]),
            {V::template low_products<kOdd[0][0], kOdd[0][1]>(x[1], x[3]),
             V::template low_products<kOdd[1][0], kOdd[1][1]>(x[1], x[3]),
             V::template low_products<kOdd[2][0], kOdd[2][1]>(x[1], x[3]),
             V::template low_products<kOdd[3][0], kOdd[3][1]>(x[1], x[3])});
        const auto sum = [&](int y) {
            return y < 4 ? V::add(first.even[y], first.odd[y]) : V::subtract(first.even[7 - y], first.odd[7 - y]);
        };
        Eight rows[8], pairs[4];
        for (int y = 0; y < 4; ++y) rows[y] = V::template narrow<11>(sum(y), sum(y + 4));
        V::transpose_half(rows, pairs);
        const Low upper = second_pass_low_8(pairs[0], pairs[1]), lower = second_pass_low_8(pairs[2], pairs[3]);
        for (int i = 0; i < 4; ++i) {
            rows[i] = V::template narrow<18>(V::add(upper.even[i], upper.odd[i]), V::add(lower.even[i], lower.odd[i]));
            rows[7 - i] = V::template narrow<18>(V::subtract(upper.even[i], upper.odd[i]), V::subtract(lower.even[i], lower.odd[i]));
        }
        V::transpose(rows);
        for (int y = 0; y < 8; ++y) V::store_row(samples + y * stride, rows[y]);
    }

    // Columns 0 and 1, 2 and 3 of four rows.
    static Low second_pass_low_8(Eight first, Eight second) {
        return transform_low_8(
            V::template low_scaled<13>(first), V::template low_products<kEven2, 0>(second, second),
            V::template low_products<kEven3, 0>(second, second),
            {V::template high_products<kOdd[0][0], kOdd[0][1]>(first, second),
             V::template high_products<kOdd[1][0], kOdd[1][1]>(first, second),
             V::template high_products<kOdd[2][0], kOdd[2][1]>(first, second),
             V::template high_products<kOdd[3][0], kOdd[3][1]>(first, second)});
    }

    static void idct_low_4x4(const std::int16_t* coefficients, const std::int16_t* quant, std::uint8_t* samples,
                             std::ptrdiff_t stride) {
        Eight x[4];
        for (int y = 0; y < 4; ++y) x[y] = dequantized(coefficients, quant, y);
        const Four base = V::template low_scaled<14>(x[0]);
        const Four even = V::template low_products<k1847, 0>(x[2], x[2]);
        const Four odd0 = V::template low_products<k2562, k0899>(x[1], x[3]);
        const Four odd1 = V::template low_products<k1061, -k2172>(x[1], x[3]);
        const Four sum0 = V::add(base, even), sum1 = V::subtract(base, even);
        const Four sums[4] = {V::add(sum0, odd0), V::add(sum1, odd1), V::subtract(sum1, odd1), V::subtract(sum0, odd0)};
        Eight rows[4], pairs[4];
        for (int y = 0; y < 4; ++y) rows[y] = V::template narrow<12>(sums[y], sums[y]);
        V::transpose_half(rows, pairs);
        const Four base2 = V::template low_scaled<14>(pairs[0]);
        const Four even2 = V::template low_products<k1847, 0>(pairs[1], pairs[1]);
        const Four odd2 = V::template high_products<k2562, k0899>(pairs[0], pairs[1]);
        const Four odd3 = V::template high_products<k1061, -k2172>(pairs[0], pairs[1]);
        const Four sum2 = V::add(base2, even2), sum3 = V::subtract(base2, even2);
        V::store_4x4(samples, stride, V::template narrow<19>(V::add(sum2, odd2), V::add(sum3, odd3)),
                     V::template narrow<19>(V::subtract(sum3, odd3), V::subtract(sum2, odd2)));
    }

    static void idct_low_2x2(const std::int16_t* coefficients, const std::int16_t* quant, std::uint8_t* samples,
                             std::ptrdiff_t stride) {
        Eight x[4];
        for (int y = 0; y < 4; ++y) x[y] = dequantized(coefficients, quant, y);
        const Four base = V::template low_scaled<15>(x[0]);
        const Four odd = V::template low_products<k3624, -k1272>(x[1], x[3]);
        const Four sum = V::add(base, odd), difference = V::subtract(base, odd);
        const Eight rows[4] = {V::template narrow<13>(sum, sum), V::template narrow<13>(difference, difference), V::zero(), V::zero()};
        Eight pairs[4];
        V::transpose_half(rows, pairs);
        const Four base2 = V::template low_scaled<15>(pairs[0]);
        const Four odd2 = V::template high_products<k3624, -k1272>(pairs[0], pairs[1]);
        V::store_2x2(samples, stride, V::template narrow<20>(V::add(base2, odd2), V::subtract(base2, odd2)));
    }

    static constexpr int k0720 = fixed(0.720959822), k0850 = fixed(0.850430095), k1272 = fixed(1.272758580),
                         k3624 = fixed(3.624509785);
    static constexpr int k0211 = fixed(0.211164243), k0509 = fixed(0.509795579),
                         k0601 = fixed(0.601344887), k0765 = fixed(0.765366865),
                         k0899 = fixed(0.899976223), k1061 = fixed(1.061594337),
                         k1451 = fixed(1.451774981), k1847 = fixed(1.847759065),
                         k2172 = fixed(2.172734803), k2562 = fixed(2.562915447);

    static void idct_4x4(const std::int16_t* coefficients, const std::int16_t* quant,
                         std::uint8_t* samples, std::ptrdiff_t stride) {
        Eight x[8];
        for (int y = 0; y < 8; ++y) x[y] = dequantized(coefficients, quant, y);
        const Sums base = scaled<14>(x[0]);
        const Sums even = products<k1847, -k0765>(x[2], x[6]);
        const Sums odd0 =
            add(products<k2562, k0899>(x[1], x[3]), products<-k0601, -k0509>(x[5], x[7]));
        const Sums odd1 =
            add(products<k1061, -k2172>(x[1], x[3]), products<k1451, -k0211>(x[5], x[7]));
        const Sums sum0 = add(base, even);
        const Sums sum1 = subtract(base, even);
        const Eight rows[4] = {narrow<12>(add(sum0, odd0)), narrow<12>(add(sum1, odd1)),
                               narrow<12>(subtract(sum1, odd1)), narrow<12>(subtract(sum0, odd0))};
        second_pass_4x4(rows, samples, stride);
    }

    static void second_pass_4x4(const Eight* rows, std::uint8_t* samples, std::ptrdiff_t stride) {
        Eight pairs[4];  // columns 0 and 1, 2 and 3, ...
        V::transpose_half(rows, pairs);
        const Four base = V::template low_scaled<14>(pairs[0]);
        const Four even = V::template low_products<k1847, -k0765>(pairs[1], pairs[3]);
        const Four odd0 = V::add(V::template high_products<k2562, k0899>(pairs[0], pairs[1]),
                                 V::template high_products<-k0601, -k0509>(pairs[2], pairs[3]));
        const Four odd1 = V::add(V::template high_products<k1061, -k2172>(pairs[0], pairs[1]),
                                 V::template high_products<k1451, -k0211>(pairs[2], pairs[3]));
        const Four sum0 = V::add(base, even);
        const Four sum1 = V::subtract(base, even);
        V::store_4x4(samples, stride,
                     V::template narrow<19>(V::add(sum0, odd0), V::add(sum1, odd1)),
                     V::template narrow<19>(V::subtract(sum1, odd1), V::subtract(sum0, odd0)));
    }

    static void idct_2x2(const std::int16_t* coefficients, const std::int16_t* quant,
                         std::uint8_t* samples, std::ptrdiff_t stride) {
        Eight x[8];
        for (int y = 0; y < 8; ++y) x[y] = dequantized(coefficients, quant, y);
        const Sums base = scaled<15>(x[0]);
        const Sums odd =
            add(products<k3624, -k1272>(x[1], x[3]), products<k0850, -k0720>(x[5], x[7]));
        const Eight rows[4] = {narrow<13>(add(base, odd)), narrow<13>(subtract(base, odd)),
                               V::zero(), V::zero()};
        Eight pairs[4];
        V::transpose_half(rows, pairs);
        const Four base2 = V::template low_scaled<15>(pairs[0]);
        const Four odd2 = V::add(V::template high_products<k3624, -k1272>(pairs[0], pairs[1]),
                                 V::template high_products<k0850, -k0720>(pairs[2], pairs[3]));
        V::store_2x2(samples, stride,
                     V::template narrow<20>(V::add(base2, odd2), V::subtract(base2, odd2)));
    }

    static void ycc_half(Eight y, Eight cb, Eight cr, Eight* red, Eight* green, Eight* blue) {
        *red = V::add16(V::add16(y, cr), V::template rounded_product<kLessRed>(cr));
        *blue = V::add16(V::add16(y, V::add16(cb, cb)), V::template rounded_product<kLessBlue>(cb));
        *green = V::add16(V::subtract16(y, cr), narrow<16>(products<kGreenOfBlue, kLessGreenOfRed>(cb, cr)));
    }

    static void ycc_to_rgb(const std::uint8_t* luminance, const std::uint8_t* blue_chroma,
                           const std::uint8_t* red_chroma, int width, std::uint8_t* pixels) {
        const Eight middle = V::all(128);
        for (int x = 0; x < width; x += kJpegVector) {
            Eight y[2], cb[2], cr[2], red[2], green[2], blue[2];
            V::load_samples(luminance + x, y);
            V::load_samples(blue_chroma + x, cb);
            V::load_samples(red_chroma + x, cr);
            for (int i = 0; i < 2; ++i) {
                ycc_half(y[i], V::subtract16(cb[i], middle), V::subtract16(cr[i], middle), &red[i],
                         &green[i], &blue[i]);
            }
            V::store_rgb(pixels + std::ptrdiff_t{3} * x, V::to_bytes(red), V::to_bytes(green),
                         V::to_bytes(blue));
        }
    }

    static void interleave_rgb(const std::uint8_t* red, const std::uint8_t* green,
                               const std::uint8_t* blue, int width, std::uint8_t* pixels) {
        for (int x = 0; x < width; x += kJpegVector) {
            V::store_rgb(pixels + std::ptrdiff_t{3} * x, V::load_bytes(red + x),
                         V::load_bytes(green + x), V::load_bytes(blue + x));
        }
    }

    static constexpr JpegKernels kTable = {&idct_8x8, &idct_4x4, &idct_2x2, &idct_low_8x8, &idct_low_4x4,
                                           &idct_low_2x2, &ycc_to_rgb, &interleave_rgb};
};

}  // namespace
}  // namespace fovea::preprocess
