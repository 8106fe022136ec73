// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace fovea::preprocess {

// They lie in the first four rows and columns.
inline constexpr int kLowCoefficients = 10;

// The work on a JPEG's samples. All of it gives the same bits on every CPU.
struct JpegKernels {
    // Inverse cosine transform of 8 x 8 coefficients, in rows, to samples of 0 to 255, whose rows lie
    // `stride` bytes apart. quant holds what each coefficient is multiplied by; the products keep 16
    // bits, as those of libjpeg-turbo's SIMD code. The arithmetic is that of its accurate integer
    // transform (after Loeffler, Ligtenberg and Moschytz, 1989; 13 bits of fraction, columns first, 2
    // bits kept between the passes) and of its reduced ones, to the bit.
    using Idct = void (*)(const std::int16_t* coefficients, const std::int16_t* quant,
                          std::uint8_t* samples, std::ptrdiff_t stride);
    Idct idct_8x8;
    Idct idct_4x4;
    Idct idct_2x2;
    // The same where all but the first kLowCoefficients along the zigzag are zero.
    Idct idct_low_8x8;
    Idct idct_low_4x4;
    Idct idct_low_2x2;

    // Three rows of samples to width pixels of RGB. All rows have room for whole groups of
    // kJpegVector samples or pixels; what is in the room behind the last is of no account.
    using ToPixels = void (*)(const std::uint8_t* first, const std::uint8_t* second,
                              const std::uint8_t* third, int width, std::uint8_t* pixels);
    // From JFIF's luminance and chrominance, with 16 bits of fraction, rounded as libjpeg does.
    ToPixels ycc_to_rgb;
    ToPixels interleave_rgb;
};

inline constexpr int kJpegVector = 16;

extern const JpegKernels kScalarJpegKernels;  // the specification

// Those for the vectors that every CPU of this kind has; where there are none, the scalar ones.
const JpegKernels& jpeg_kernels_baseline();
// Where the build has them; only for CPUs that do.
const JpegKernels& jpeg_kernels_avx2();
// Those for this CPU.
const JpegKernels& jpeg_kernels();

// The sample that all transforms give, at all places, where only the first coefficient is not zero.
inline std::uint8_t idct_flat(std::int16_t coefficient, std::int16_t quant) {
    const auto scaled = static_cast<std::int16_t>(std::int32_t{coefficient} * quant * 4);
    const int sample = ((scaled + 16) >> 5) + 128;
    return static_cast<std::uint8_t>(sample < 0 ? 0 : sample > 255 ? 255 : sample);
}

// Of the following, every sample has a neighbour on both sides: at the ends of a row a copy of itself.

// Each sample `ratio` times.
void repeat_samples(const std::uint8_t* row, int width, int ratio, std::uint8_t* out,
                    int out_width);

// Twice as wide: 2 * width samples, at 1/4 of a sample to the left and right of each. A half is
// rounded down on the left side and up on the right one.
void widen_samples(const std::uint8_t* row, int width, std::uint8_t* out);

// A row at 1/4 of the way from `near` to `far`; bias is 2 where a half is to be rounded up, else 1.
void mix_rows(const std::uint8_t* near, const std::uint8_t* far, int width, int bias,
              std::uint8_t* out);

// Both, rounded once. sums holds width + 2 numbers.
void widen_mixed_rows(const std::uint8_t* near, const std::uint8_t* far, int width,
                      std::uint16_t* sums, std::uint8_t* out);

}  // namespace fovea::preprocess
