// SPDX-License-Identifier: Apache-2.0
#include "ops/gate/gate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "kernel_check.h"

namespace {

const fovea::test::ComparesTable compares_gate_fp32(fovea::ops::kGateFp32);

using namespace fovea::test;

constexpr std::size_t kLanes = 8;

// By the formula, one rounding an element: all kernels must give these bits.
std::vector<float> expected(const GuardedArray<float>& weights, const GuardedArray<float>& gate,
                            std::size_t panels) {
    std::vector<float> result(weights.size());
    for (std::size_t k = 0; k < result.size(); ++k) {
        const std::size_t i = k / kLanes % (weights.size() / kLanes / panels);
        result[k] = static_cast<float>(static_cast<double>(weights[k]) * gate[i]);
    }
    return result;
}

}  // namespace

TEST_CASE("gate: every kernel, input counts around its unrolling and of the real layers") {
    Checker checker;
    for (const std::size_t in_channels : {1, 3, 4, 5, 7, 14, 72, 120, 672, 960}) {
        for (const std::size_t panels : {1, 2, 5}) {
            for (const Fill fill : kAllFills) {
                for (const std::size_t slack : {0, 1}) {  // of the gate, off its alignment
                    checker.shape("in_channels=%zu panels=%zu fill=%s slack=%zu", in_channels,
                                  panels, name_of(fill), slack);
                    Random random = checker.random();
                    const std::size_t count = panels * in_channels * kLanes;
                    GuardedArray<float> weights(count), gate(in_channels, slack);
                    random.fill(weights.data(), count, fill);
                    random.fill(gate.data(), in_channels, Fill::kUniform);
                    const std::vector<float> wanted = expected(weights, gate, panels);
                    weights.make_read_only();
                    gate.make_read_only();
                    for (const auto& kernel : runnable_variants(fovea::ops::kGateFp32)) {
                        OutputRows output(1, count, count);
                        if (!checker.run(kernel.name, [&] {
                                kernel.function({weights.data(), gate.data(), output.data(), panels,
                                                 in_channels});
                            })) {
                            continue;
                        }
                        checker.compare_equal(output, wanted.data(),
                                              static_cast<std::ptrdiff_t>(count));
                    }
                }
            }
        }
    }
}

TEST_CASE("gate: the output may be the weights") {
    Checker checker;
    for (const std::size_t in_channels : {6, 9}) {
        const std::size_t count = 3 * in_channels * kLanes;
        checker.shape("in place, in_channels=%zu", in_channels);
        Random random = checker.random();
        GuardedArray<float> weights(count), gate(in_channels);
        random.fill(weights.data(), count, Fill::kUniform);
        random.fill(gate.data(), in_channels, Fill::kUniform);
        const std::vector<float> wanted = expected(weights, gate, 3);
        for (const auto& kernel : runnable_variants(fovea::ops::kGateFp32)) {
            OutputRows output(1, count, count);
            std::copy_n(weights.data(), count, output.data());
            if (!checker.run(kernel.name, [&] {
                    kernel.function({output.data(), gate.data(), output.data(), 3, in_channels});
                })) {
                continue;
            }
            checker.compare_equal(output, wanted.data(), static_cast<std::ptrdiff_t>(count));
        }
    }
}
