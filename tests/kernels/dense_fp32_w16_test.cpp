// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "half_check.h"
#include "ops/dense/dense.h"

namespace {

const fovea::test::ComparesTable compares_dense_fp32_w16(fovea::ops::kDenseFp32W16);

using namespace fovea::test;

}  // namespace

TEST_CASE("dense with weights of halves: the bits of the float32 kernel on their values") {
    Checker checker;
    for (const int in : {1, 3, 4, 5, 9, 64, 240}) {
        for (const int out : {1, 7, 8, 9, 16, 17, 33}) {
            const Fill fill = kAllFills[(in + out) % 3];
            checker.shape("in=%d out=%d fill=%s", in, out, name_of(fill));
            Random random = checker.random();
            const int panels = (out + 7) / 8;
            HalfArray weights(static_cast<std::size_t>(panels * in) * 8, 0, random, fill);
            GuardedArray<float> input(static_cast<std::size_t>(in),
                                      static_cast<std::size_t>(in % 2));
            GuardedArray<float> bias(static_cast<std::size_t>(panels) * 8);
            random.fill(input.data(), input.size(), fill);
            random.fill(bias.data(), bias.size(), Fill::kUniform);
            weights.halves.make_read_only();
            input.make_read_only();
            bias.make_read_only();
            GuardedArray<float> floats(weights.floats.size());
            std::copy(weights.floats.begin(), weights.floats.end(), floats.data());
            const auto width = static_cast<std::size_t>(out);
            for (const auto& kernel : runnable_variants(fovea::ops::kDenseFp32W16)) {
                OutputRows expected(1, width, width), output(1, width, width, 1);
                const auto& reference = fovea::ops::kDenseFp32.select(kernel.required);
                reference.function({input.data(), expected.data(), floats.data(), bias.data(), in,
                                    out, 0, panels});
                const int middle = panels / 2;
                if (!checker.run(kernel.name, [&] {
                        kernel.function({input.data(), output.data(), weights.halves.data(),
                                         bias.data(), in, out, 0, middle});
                        kernel.function({input.data(), output.data(), weights.halves.data(),
                                         bias.data(), in, out, middle, panels});
                    })) {
                    continue;
                }
                checker.compare_equal(output, expected.data(), out);
            }
        }
    }
}
