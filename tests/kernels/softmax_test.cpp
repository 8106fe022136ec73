// SPDX-License-Identifier: Apache-2.0
#include "ops/softmax/softmax.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernel_check.h"

namespace {

using namespace fovea::test;

}  // namespace

TEST_CASE("softmax: the formula in long double, at several temperatures, in place or not") {
    Checker checker;
    for (const int count : {1, 2, 3, 5, 8, 17, 1000}) {
        for (const float temperature : {0.25f, 1.0f, 3.0f}) {
            for (const float spread : {1.0f, 20.0f, 1000.0f}) {
                checker.shape("count=%d temperature=%g spread=%g", count,
                              static_cast<double>(temperature), static_cast<double>(spread));
                const std::size_t size = static_cast<std::size_t>(count);
                Random random = checker.random();
                GuardedArray<float> input(size);
                long double maximum = -std::numeric_limits<long double>::infinity();
                for (std::size_t k = 0; k < size; ++k) {
                    input[k] = spread * random.uniform();
                    maximum = std::fmax(maximum, static_cast<long double>(input[k]) / temperature);
                }
                input.make_read_only();
                long double sum = 0.0L;
                std::vector<Expected> expected;
                for (std::size_t k = 0; k < size; ++k) {
                    const long double term =
                        std::exp(static_cast<long double>(input[k]) / temperature - maximum);
                    sum += term;
                    expected.push_back({static_cast<double>(term), 0.0});
                }
                for (Expected& e : expected) {
                    e.value /= static_cast<double>(sum);
                    e.magnitude = e.value;
                }
                for (const bool in_place : {false, true}) {
                    OutputRows output(1, size, size, 1);
                    if (in_place) {
                        for (std::size_t k = 0; k < size; ++k) output.at(0, k) = input[k];
                    }
                    const float* source = in_place ? output.data() : input.data();
                    if (!checker.run("softmax_fp32", [&] {
                            fovea::ops::softmax_fp32(source, output.data(), count, temperature);
                        })) {
                        continue;
                    }
                    checker.compare(output, expected, 1);
                }
            }
        }
    }
}

TEST_CASE("softmax: infinities and NaN") {
    const float infinity = std::numeric_limits<float>::infinity();
    float output[3];
    const float one_impossible[3] = {0.0f, -infinity, 0.0f};
    fovea::ops::softmax_fp32(one_impossible, output, 3, 1.0f);
    CHECK(output[0] == 0.5f);
    CHECK(output[1] == 0.0f);
    CHECK(output[2] == 0.5f);
    for (const float bad : {infinity, std::nanf("")}) {
        const float input[3] = {0.0f, bad, 1.0f};
        fovea::ops::softmax_fp32(input, output, 3, 1.0f);
        for (const float value : output) CHECK(std::isnan(value));
    }
}
