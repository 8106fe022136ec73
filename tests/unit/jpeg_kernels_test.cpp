// SPDX-License-Identifier: Apache-2.0
// The vector kernels against the scalar ones. That those are libjpeg-turbo's: test_jpeg_pixels.py.
#include "preprocess/jpeg_kernels.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

using namespace fovea::preprocess;

namespace {

constexpr int kStride = 24;

using Samples = std::vector<std::uint8_t>;

// What a transform makes of a block in the middle of other samples, which it must not touch.
Samples transformed(JpegKernels::Idct idct, const std::int16_t* coefficients,
                    const std::int16_t* quant) {
    Samples samples(kStride * 10, 77);
    idct(coefficients, quant, samples.data() + kStride + 5, kStride);
    return samples;
}

int changed_outside(const Samples& samples, int side) {
    int count = 0;
    for (int i = 0; i < static_cast<int>(samples.size()); ++i) {
        const int x = i % kStride - 5, y = i / kStride - 1;
        const bool is_inside = x >= 0 && x < side && y >= 0 && y < side;
        count += !is_inside && samples[static_cast<std::size_t>(i)] != 77 ? 1 : 0;
    }
    return count;
}

void check_transforms(const JpegKernels& kernels) {
    std::mt19937 random(1);
    const struct {
        JpegKernels::Idct scalar;
        JpegKernels::Idct vector;
        int side;
        bool is_low;
    } transforms[] = {
        {kScalarJpegKernels.idct_8x8, kernels.idct_8x8, 8, false},
        {kScalarJpegKernels.idct_4x4, kernels.idct_4x4, 4, false},
        {kScalarJpegKernels.idct_2x2, kernels.idct_2x2, 2, false},
        {kScalarJpegKernels.idct_low_8x8, kernels.idct_low_8x8, 8, true},
        {kScalarJpegKernels.idct_low_4x4, kernels.idct_low_4x4, 4, true},
        {kScalarJpegKernels.idct_low_2x2, kernels.idct_low_2x2, 2, true},
    };
    for (int round = 0; round < 6000; ++round) {
        alignas(16) std::int16_t coefficients[64] = {}, quant[64];
        const int largest = round % 3 == 0 ? 32767 : round % 3 == 1 ? 1024 : 20;
        const int kept = 1 + static_cast<int>(random() % 64);
        for (int i = 0; i < 64; ++i) {
            quant[i] = static_cast<std::int16_t>(round % 5 == 0 ? random() : random() % 60);
            if (i >= kept) continue;
            const int range = 2 * largest + 1;
            coefficients[i] = static_cast<std::int16_t>(static_cast<int>(random() % 65536) % range - largest);
            if (round % 7 == 0) coefficients[i] = random() % 2 == 0 ? INT16_MIN : INT16_MAX;
        }
        if (round % 14 == 0) std::fill_n(quant, 64, std::int16_t{1});
        for (const auto& transform : transforms) {
            // Rows and columns of the zigzag's first diagonals.
            for (int i = 0; transform.is_low && i < 64; ++i) {
                if (i / 8 + i % 8 > 3) coefficients[i] = 0;
            }
            const Samples expected = transformed(transform.scalar, coefficients, quant);
            REQUIRE(changed_outside(expected, transform.side) == 0);
            REQUIRE(transformed(transform.vector, coefficients, quant) == expected);
        }
    }
}

// Those for every CPU of the kind, and those for this one.
const JpegKernels* const kTables[] = {&jpeg_kernels_baseline(), &jpeg_kernels()};

}  // namespace

TEST_CASE("the vector transforms equal the scalar ones, whatever the coefficients") {
    for (const JpegKernels* kernels : kTables) check_transforms(*kernels);
}

TEST_CASE("a block of one coefficient is flat") {
    std::mt19937 random(2);
    for (int round = 0; round < 4000; ++round) {
        alignas(16) std::int16_t coefficients[64] = {}, quant[64] = {};
        coefficients[0] = static_cast<std::int16_t>(static_cast<int>(random() % 4001) - 2000);
        quant[0] = static_cast<std::int16_t>(1 + random() % 4);
        const std::uint8_t expected = idct_flat(coefficients[0], quant[0]);
        for (const auto idct : {kScalarJpegKernels.idct_8x8, kScalarJpegKernels.idct_4x4,
                                kScalarJpegKernels.idct_2x2}) {
            REQUIRE(transformed(idct, coefficients, quant)[kStride + 5] == expected);
        }
    }
}

TEST_CASE("the vector conversions equal the scalar ones for every colour and width") {
    std::mt19937 random(3);
    std::vector<int> widths;
    for (int width = 1; width <= 3 * kJpegVector + 1; ++width) widths.push_back(width);
    widths.push_back(65536);
    for (const int width : widths) {
        const int room = (width + kJpegVector - 1) / kJpegVector * kJpegVector;
        const auto count = static_cast<std::size_t>(room);
        Samples first(count), second(count), third(count);
        for (std::size_t i = 0; i < count; ++i) {
            first[i] = static_cast<std::uint8_t>(random());
            second[i] = static_cast<std::uint8_t>(width == 65536 ? i : random());
            third[i] = static_cast<std::uint8_t>(width == 65536 ? i >> 8 : random());
        }
        for (const auto to_pixels : {&JpegKernels::ycc_to_rgb, &JpegKernels::interleave_rgb}) {
            Samples expected(3 * count), pixels(3 * count);
            (kScalarJpegKernels.*to_pixels)(first.data(), second.data(), third.data(), width,
                                            expected.data());
            const auto last = std::ptrdiff_t{3} * width;
            for (const JpegKernels* kernels : kTables) {
                (kernels->*to_pixels)(first.data(), second.data(), third.data(), width, pixels.data());
                REQUIRE(std::equal(pixels.begin(), pixels.begin() + last, expected.begin()));
            }
        }
    }
}
