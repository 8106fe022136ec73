// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernel_check.h"
#include "ops/dense/dense.h"

namespace {

const fovea::test::ComparesTable compares_dense_fp32(fovea::ops::kDenseFp32);

using namespace fovea::test;
using fovea::ops::DenseFp32Args;

void check(Checker& checker, int in_features, int out_features, Fill fill, int offset) {
    checker.shape("in=%d out=%d fill=%s offset=%d", in_features, out_features, name_of(fill),
                  offset);
    Random random = checker.random();
    const int panels = (out_features + 7) / 8;
    const auto slack = static_cast<std::size_t>(offset);
    GuardedArray<float> input(static_cast<std::size_t>(in_features), slack);
    GuardedArray<float> weights(static_cast<std::size_t>(panels * in_features * 8));
    GuardedArray<float> bias(static_cast<std::size_t>(panels * 8));
    random.fill(input.data(), input.size(), fill);
    random.fill(weights.data(), weights.size(), fill);
    random.fill(bias.data(), bias.size(), fill);
    const auto weight_at = [&](int i, int o) -> float& {
        return weights[static_cast<std::size_t>(((o / 8) * in_features + i) * 8 + o % 8)];
    };
    for (int o = out_features; o < panels * 8; ++o) {
        bias[static_cast<std::size_t>(o)] = 0.0f;
        for (int i = 0; i < in_features; ++i) weight_at(i, o) = 0.0f;
    }
    input.make_read_only();
    weights.make_read_only();
    bias.make_read_only();

    std::vector<Expected> expected(static_cast<std::size_t>(out_features));
    std::vector<float> fused(static_cast<std::size_t>(out_features));  // bits of the vector kernels
    for (int o = 0; o < out_features; ++o) {
        const float start = bias[static_cast<std::size_t>(o)];
        Expected sum{start, std::fabs(start)};
        float partial[4] = {start, 0.0f, 0.0f, 0.0f};
        for (int i = 0; i < in_features; ++i) {
            const float value = input[static_cast<std::size_t>(i)];
            const float weight = weight_at(i, o);
            const double product = static_cast<double>(value) * weight;
            sum.value += product;
            sum.magnitude += std::fabs(product);
            partial[i % 4] = std::fma(value, weight, partial[i % 4]);
        }
        expected[static_cast<std::size_t>(o)] = sum;
        fused[static_cast<std::size_t>(o)] = (partial[0] + partial[1]) + (partial[2] + partial[3]);
    }

    for (const auto& kernel : runnable_variants(fovea::ops::kDenseFp32)) {
        const auto compute = [&](OutputRows& output, int panel_begin, int panel_end) {
            DenseFp32Args args = {};
            args.input = input.data();
            args.output = output.data();
            args.weights = weights.data();
            args.bias = bias.data();
            args.in_features = in_features;
            args.out_features = out_features;
            args.panel_begin = panel_begin;
            args.panel_end = panel_end;
            kernel.function(args);
        };
        const auto width = static_cast<std::size_t>(out_features);
        OutputRows whole(1, width, width, slack);
        if (!checker.run(kernel.name, [&] { compute(whole, 0, panels); })) continue;
        checker.compare(whole, expected, static_cast<std::size_t>(in_features) + 4);
        if (kernel.required != fovea::ops::kFeatureNone) {
            checker.compare_equal(whole, fused.data(), 0);
        }
        // Threads share the panels: any split gives the same bits.
        OutputRows split(1, width, width, slack);
        const bool ran = checker.run(kernel.name, [&] {
            for (int first = 0; first < panels;) {
                const int last = std::min(panels, first + random.between(1, 3));
                compute(split, first, last);
                first = last;
            }
        });
        if (ran) checker.compare_equal(split, whole.data(), 0);
    }
}

}  // namespace

TEST_CASE("dense: every size around a tile") {
    Checker checker;
    int turn = 0;
    for (const int in_features : {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 64}) {
        for (const int out_features : {1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 32, 33, 50, 65}) {
            for (const Fill fill : kAllFills) {
                check(checker, in_features, out_features, fill, turn++ % 2);
            }
        }
    }
}

TEST_CASE("dense: squeeze-excitation and head layers of MobileNetV3 Large and Small") {
    constexpr int kLayers[][2] = {{72, 24},   {24, 72},   {120, 32},  {32, 120},  {480, 120},
                                  {120, 480}, {672, 168}, {168, 672}, {960, 240}, {240, 960},
                                  {960, 64},  {64, 2},    {16, 8},    {8, 16},    {96, 24},
                                  {240, 64},  {144, 40},  {40, 144},  {288, 72},  {576, 144},
                                  {144, 576}, {576, 64},  {960, 1280}};
    Checker checker;
    for (const auto& layer : kLayers) {
        for (const Fill fill : kAllFills) {
            for (const int offset : {0, 1}) check(checker, layer[0], layer[1], fill, offset);
        }
    }
}
