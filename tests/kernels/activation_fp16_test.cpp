// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "half_check.h"
#include "ops/activation/activation.h"

namespace {

const fovea::test::ComparesTable compares_activation_fp16(fovea::ops::kActivationFp16);

using namespace fovea::test;
using fovea::ops::Activation;
using fovea::ops::Half;

// A fusable activation on a half, each operation rounded to a half.
float by_operations(Activation activation, float x) {
    const auto half = [](float value) {
        Half bits;
        fovea::ops::narrow_fp16_scalar({&value, &bits, 1});
        fovea::ops::widen_fp16_scalar({&bits, &value, 1});
        return value;
    };
    const auto relu6 = [](float value) { return std::fmin(std::fmax(value, 0.0f), 6.0f); };
    const float hard_sigmoid = half(relu6(half(x + 3.0f)) * half(1.0f / 6.0f));
    switch (activation) {
        case Activation::kRelu:
            return std::fmax(x, 0.0f);
        case Activation::kRelu6:
            return relu6(x);
        case Activation::kHardSigmoid:
            return hard_sigmoid;
        case Activation::kHardSwish:
            return half(x * hard_sigmoid);
        default:
            return x;
    }
}

}  // namespace

TEST_CASE("activation of halves: in float32, or by operations as the convolutions fuse it") {
    Checker checker;
    for (int a = 0; a < fovea::ops::kActivationCount; ++a) {
        for (const int count : {1, 3, 8, 21, 511, 512, 513, 1500}) {
            checker.shape("activation=%d count=%d", a, count);
            const auto activation = static_cast<Activation>(a);
            Random random = checker.random();
            const auto size = static_cast<std::size_t>(count);
            HalfArray input(size, static_cast<std::size_t>(count % 2), random, Fill::kUniform);
            for (float& value : input.floats) value *= 8.0f;
            input.set();
            input.halves.make_read_only();
            for (const auto& kernel : runnable_variants(fovea::ops::kActivationFp16)) {
                std::vector<float> expected(size);
                if (kernel.required != fovea::ops::kFeatureNone && is_fusable(activation)) {
                    for (std::size_t i = 0; i < size; ++i) {
                        expected[i] = by_operations(activation, input.floats[i]);
                    }
                } else {
                    // The float32 kernel of the level, which has the bits of its own instruction
                    // set.
                    fovea::ops::kActivationFp32
                        .select(kernel.required == fovea::ops::kFeatureNone
                                    ? fovea::ops::kFeatureNone
                                    : tested_features())
                        .function({input.floats.data(), expected.data(), size, activation, 0.3f});
                }
                const std::vector<Half> halves = narrowed(expected);
                HalfRows output(1, size, size);
                if (!checker.run(kernel.name, [&] {
                        kernel.function(
                            {input.halves.data(), output.data(), size, activation, 0.3f});
                    })) {
                    continue;
                }
                checker.compare_equal(output, halves.data(), count);
            }
        }
    }
}
