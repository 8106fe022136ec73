// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "half_map_check.h"
#include "ops/binary/binary.h"

namespace {

const fovea::test::ComparesTable compares_binary_fp16(fovea::ops::kBinaryFp16);

using namespace fovea::test;
using fovea::ops::BinaryKind;
using fovea::ops::Half;

}  // namespace

TEST_CASE("binary of halves: every broadcast, halves and floats on the right, in place") {
    enum { kMap, kVector, kFloatVector, kPerPixel, kValue, kFloatValue };
    Checker checker;
    int turn = 0;
    for (const BinaryKind kind : {BinaryKind::kAdd, BinaryKind::kMultiply}) {
        for (const int right : {kMap, kVector, kFloatVector, kPerPixel, kValue, kFloatValue}) {
            for (const int pixels : {1, 2, 9}) {
                for (const int channels : kHalfChannels) {
                    const int padding = turn % 3;
                    const bool in_place = turn / 2 % 2 != 0;
                    const Fill fill = kAllFills[turn++ % 3];
                    checker.shape(
                        "kind=%d right=%d pixels=%d channels=%d padding=%d in_place=%d fill=%s",
                        static_cast<int>(kind), right, pixels, channels, padding, in_place,
                        name_of(fill));
                    Random random = checker.random();
                    const int stride = channels + padding;
                    const bool is_vector = right != kMap && right != kPerPixel;
                    const bool is_float = right == kFloatVector || right == kFloatValue;
                    const int channel_stride =
                        right == kMap || right == kVector || right == kFloatVector;
                    const int pixel_stride = is_vector ? 0 : right == kMap ? stride : 1;
                    const auto size = static_cast<std::size_t>((pixels - 1) * stride + channels);
                    HalfArray left(size, turn % 2, random, fill);
                    const int right_size = right == kMap        ? static_cast<int>(size)
                                           : right == kPerPixel ? pixels
                                           : channel_stride     ? channels
                                                                : 1;
                    HalfArray other(static_cast<std::size_t>(right_size), 0, random, fill);
                    GuardedArray<float> vector(other.floats.size());
                    for (std::size_t i = 0; i < vector.size(); ++i) {
                        // Floats that are no halves, next to the halves that they become.
                        vector[i] = other.floats[i] * (1.0f + 0x1p-13f);
                    }
                    left.halves.make_read_only();
                    other.halves.make_read_only();
                    vector.make_read_only();
                    const auto c = static_cast<std::size_t>(channels);
                    std::vector<float> expected(static_cast<std::size_t>(pixels) * c);
                    fovea::ops::binary_fp32_scalar({.left = left.floats.data(),
                                                    .left_stride = stride,
                                                    .right = other.floats.data(),
                                                    .right_pixel_stride = pixel_stride,
                                                    .right_channel_stride = channel_stride,
                                                    .output = expected.data(),
                                                    .output_stride = channels,
                                                    .pixels = static_cast<std::size_t>(pixels),
                                                    .channels = channels,
                                                    .kind = kind});
                    compare_kernels(
                        checker, fovea::ops::kBinaryFp16, static_cast<std::size_t>(pixels), c,
                        static_cast<std::size_t>(padding), static_cast<std::size_t>(turn % 2),
                        expected, [&](auto function, HalfRows& output) {
                            for (int p = 0; in_place && p < pixels; ++p) {
                                std::memcpy(output.data() + p * stride,
                                            left.halves.data() + p * stride, c * sizeof(Half));
                            }
                            function({.left = in_place ? output.data() : left.halves.data(),
                                      .left_stride = stride,
                                      .right = is_float ? nullptr : other.halves.data(),
                                      .right_vector = is_float ? vector.data() : nullptr,
                                      .right_pixel_stride = pixel_stride,
                                      .right_channel_stride = channel_stride,
                                      .output = output.data(),
                                      .output_stride = stride,
                                      .pixels = static_cast<std::size_t>(pixels),
                                      .channels = channels,
                                      .kind = kind});
                        });
                }
            }
        }
    }
}
