// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "half_map_check.h"
#include "ops/affine/affine.h"

namespace {

const fovea::test::ComparesTable compares_affine_fp16(fovea::ops::kAffineFp16);
const fovea::test::ComparesTable compares_affine_fp32_to_fp16(fovea::ops::kAffineFp32ToFp16);
const fovea::test::ComparesTable compares_affine_pixels_fp16(fovea::ops::kAffinePixelsFp16);

using namespace fovea::test;

}  // namespace

TEST_CASE("affine to halves: from halves, bytes and floats, any number of channels") {
    Checker checker;
    int turn = 0;
    for (const int channels : {1, 3, 4, 8, 17, 511, 512, 513, 1100}) {
        for (const int pixels : {1, 5, 200}) {
            const std::size_t c = static_cast<std::size_t>(channels);
            const std::size_t count = static_cast<std::size_t>(pixels) * c;
            if (count > 200000) continue;
            const Fill fill = kAllFills[turn % 2];
            const auto slack = static_cast<std::size_t>(turn++ % 2);
            checker.shape("channels=%d pixels=%d fill=%s slack=%zu", channels, pixels,
                          name_of(fill), slack);
            Random random = checker.random();
            HalfArray input(count, slack, random, fill);
            GuardedArray<std::uint8_t> bytes(count, slack);
            random.fill(bytes.data(), count);
            GuardedArray<float> scale(c), offset(c);
            random.fill(scale.data(), c, Fill::kUniform);
            random.fill(offset.data(), c, Fill::kUniform);
            input.halves.make_read_only();
            bytes.make_read_only();
            scale.make_read_only();
            offset.make_read_only();
            const auto run = [&](auto function, const auto* values, auto* output) {
                function({values, output, scale.data(), offset.data(),
                          static_cast<std::size_t>(pixels), channels});
            };
            std::vector<float> expected(count);
            run(fovea::ops::affine_fp32_scalar, input.floats.data(), expected.data());
            compare_kernels(checker, fovea::ops::kAffineFp16, 1, count, 0, slack, expected,
                            [&](auto function, HalfRows& output) {
                                run(function, input.halves.data(), output.data());
                            });
            run(fovea::ops::affine_pixels_fp32_scalar, bytes.data(), expected.data());
            compare_kernels(checker, fovea::ops::kAffinePixelsFp16, 1, count, 0, slack, expected,
                            [&](auto function, HalfRows& output) {
                                run(function, bytes.data(), output.data());
                            });
            std::vector<float> values(count);
            random.fill(values.data(), count, Fill::kUniform);
            run(fovea::ops::affine_fp32_scalar, values.data(), expected.data());
            compare_kernels(checker, fovea::ops::kAffineFp32ToFp16, 1, count, 0, slack, expected,
                            [&](auto function, HalfRows& output) {
                                run(function, values.data(), output.data());
                            });
        }
    }
}
