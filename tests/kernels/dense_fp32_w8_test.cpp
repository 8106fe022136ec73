// SPDX-License-Identifier: Apache-2.0
// Dense layers of floats with weights of 8 bits.
#include "ops/dense/dense_fp32_w8.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include "code_check.h"

namespace {

using namespace fovea::test;
using namespace fovea::ops;

const ComparesTable compares_dense(kDenseFp32W8);

}  // namespace

TEST_CASE("dense_fp32_w8: every kernel adds in the order of its contract, whatever part of the panels it makes") {
    Checker checker;
    for (const int inputs : {1, 3, 4, 7, 64, 577}) {
        for (const int outputs : {1, 8, 13, 40}) {
            for (const Fill fill : kAllFills) {
                checker.shape("in=%d out=%d fill=%s", inputs, outputs, name_of(fill));
                Random random = checker.random();
                const auto in = static_cast<std::size_t>(inputs), out = static_cast<std::size_t>(outputs);
                const int panels = (outputs + 7) / 8;
                GuardedArray<float> input(in);
                random.fill(input.data(), in, fill);
                GuardedArray<std::int8_t> weights(static_cast<std::size_t>(panels) * in * 8);
                Vector<float> scale(out), bias(out);
                for (std::size_t o = 0; o < weights.size(); ++o) {
                    const bool lane = o / (in * 8) * 8 + o % 8 < out;
                    weights[o] = static_cast<std::int8_t>(lane ? random.between(-127, 127) : 0);
                }
                for (std::size_t o = 0; o < out; ++o) {
                    scale[o] = 0.01f * random.uniform();
                    bias[o] = random.uniform();
                }
                std::vector<float> wanted;
                for (std::size_t o = 0; o < out; ++o) {
                    float sums[4] = {};
                    for (std::size_t i = 0; i < in; ++i) {
                        const float product = input[i] * static_cast<float>(weights[(o / 8 * in + i) * 8 + o % 8]);
                        sums[i % 4] = sums[i % 4] + product;
                    }
                    const float low = sums[0] + sums[1], high = sums[2] + sums[3];
                    const float scaled = (low + high) * scale[o];
                    wanted.push_back(scaled + bias[o]);
                }
                for (const auto& kernel : runnable_variants(kDenseFp32W8)) {
                    for (const int part : {1, panels}) {
                        OutputRows output(1, out, out);
                        const bool ran = checker.run(kernel.name, [&] {
                            for (int begin = 0; begin < panels; begin += part) {
                                kernel.function({input.data(), output.data(), weights.data(), scale.data(), bias.data(), inputs, outputs,
                                                 begin, begin + part});
                            }
                        });
                        if (ran) checker.compare_equal(output, wanted.data(), static_cast<std::ptrdiff_t>(out));
                    }
                }
            }
        }
    }
}
