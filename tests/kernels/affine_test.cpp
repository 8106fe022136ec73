// SPDX-License-Identifier: Apache-2.0
#include "ops/affine/affine.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernel_check.h"

namespace {

const fovea::test::ComparesTable compares_affine_fp32(fovea::ops::kAffineFp32);
const fovea::test::ComparesTable compares_affine_pixels_fp32(fovea::ops::kAffinePixelsFp32);

using namespace fovea::test;

std::size_t size(int value) {
    return static_cast<std::size_t>(value);
}

// What both element types share: [pixels][channels] against the formula, and the scalar kernel's
// bits.
template <typename Args, typename Input, typename Function>
void check(Checker& checker, const fovea::ops::KernelTable<Function>& table,
           const GuardedArray<Input>& input, int pixels, int channels, Fill fill, int offset,
           bool in_place) {
    Random random = checker.random();
    GuardedArray<float> scale(size(channels));
    GuardedArray<float> shift(size(channels));
    random.fill(scale.data(), scale.size(), fill);
    random.fill(shift.data(), shift.size(), fill);
    scale.make_read_only();
    shift.make_read_only();
    std::vector<Expected> expected;
    for (int k = 0; k < pixels * channels; ++k) {
        const double product =
            static_cast<double>(input[size(k)]) * static_cast<double>(scale[size(k % channels)]);
        const double term = shift[size(k % channels)];
        expected.push_back({product + term, std::fabs(product) + std::fabs(term)});
    }
    Args args = {};
    args.input = input.data();
    args.scale = scale.data();
    args.offset = shift.data();
    args.pixels = size(pixels);
    args.channels = channels;
    std::vector<float> scalar(input.size());
    args.output = scalar.data();
    table.variants[table.count - 1].function(args);
    for (const auto& kernel : runnable_variants(table)) {
        OutputRows output(size(pixels), size(channels), size(channels), size(offset));
        args.input = input.data();
        args.output = output.data();
        if constexpr (sizeof(Input) == sizeof(float)) {
            if (in_place) {
                for (std::size_t k = 0; k < input.size(); ++k) output.data()[k] = input[k];
                args.input = output.data();
            }
        }
        if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
        checker.compare(output, expected, 2);
        checker.compare_equal(output, scalar.data(), channels);
    }
}

}  // namespace

TEST_CASE("affine: every channel and pixel count around a register") {
    Checker floats;
    Checker bytes;
    int turn = 0;
    for (const int channels : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 16, 17, 26}) {
        for (const int pixels : {1, 2, 3, 7, 8, 9, 16, 17, 26, 67}) {
            for (const Fill fill : kAllFills) {
                const int offset = turn % 2;
                floats.shape("f32 pixels=%d channels=%d fill=%s offset=%d place=%d", pixels,
                             channels, name_of(fill), offset, turn / 2 % 2);
                GuardedArray<float> values(size(pixels * channels), size(offset));
                floats.random().fill(values.data(), values.size(), fill);
                values.make_read_only();
                check<fovea::ops::AffineFp32Args>(floats, fovea::ops::kAffineFp32, values, pixels,
                                                  channels, fill, offset, turn / 2 % 2 != 0);

                bytes.shape("u8 pixels=%d channels=%d fill=%s offset=%d", pixels, channels,
                            name_of(fill), offset);
                GuardedArray<std::uint8_t> pixel_bytes(size(pixels * channels), size(offset));
                bytes.random().fill(pixel_bytes.data(), pixel_bytes.size());
                pixel_bytes.make_read_only();
                check<fovea::ops::AffinePixelsFp32Args>(bytes, fovea::ops::kAffinePixelsFp32, pixel_bytes, pixels,
                                                channels, fill, offset, false);
                ++turn;
            }
        }
    }
}
