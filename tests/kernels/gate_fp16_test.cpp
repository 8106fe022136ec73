// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "half_map_check.h"
#include "ops/gate/gate.h"

namespace {

const fovea::test::ComparesTable compares_gate_fp16(fovea::ops::kGateFp16);

using namespace fovea::test;
using fovea::ops::Half;

}  // namespace

TEST_CASE("gate of halves: gates that are no halves, in place") {
    Checker checker;
    for (const int in : {1, 3, 4, 5, 8, 14, 72}) {
        for (const int panels : {1, 2, 5}) {
            const Fill fill = kAllFills[(in + panels) % 3];
            checker.shape("in=%d panels=%d fill=%s", in, panels, name_of(fill));
            Random random = checker.random();
            const auto in_channels = static_cast<std::size_t>(in);
            const std::size_t count = static_cast<std::size_t>(panels) * in_channels * 8;
            HalfArray weights(count, 0, random, fill);
            HalfArray gates(in_channels, 0, random, Fill::kUniform);
            GuardedArray<float> gate(in_channels, static_cast<std::size_t>(in % 2));
            for (std::size_t i = 0; i < in_channels; ++i) {
                gate[i] = gates.floats[i] * (1.0f + 0x1p-13f);
            }
            weights.halves.make_read_only();
            gate.make_read_only();
            std::vector<float> expected(count);
            fovea::ops::gate_fp32_scalar({weights.floats.data(), gates.floats.data(),
                                          expected.data(), static_cast<std::size_t>(panels),
                                          in_channels});
            for (const bool in_place : {false, true}) {
                compare_kernels(
                    checker, fovea::ops::kGateFp16, 1, count, 0, 0, expected,
                    [&](auto function, HalfRows& output) {
                        if (in_place) {
                            std::memcpy(output.data(), weights.halves.data(), count * sizeof(Half));
                        }
                        function({in_place ? output.data() : weights.halves.data(), gate.data(),
                                  output.data(), static_cast<std::size_t>(panels), in_channels});
                    });
            }
        }
    }
}
