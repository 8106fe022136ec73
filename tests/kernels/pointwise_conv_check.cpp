// SPDX-License-Identifier: Apache-2.0
#include "pointwise_conv_check.h"

#include <algorithm>
#include <cmath>

#include "activation_oracle.h"
#include "ops/activation/fused_activation_scalar.h"

namespace fovea::test {
namespace {

struct Inputs {
    Inputs(const PointwiseConvCase& c, Random random)
        : panels((c.out_channels + 7) / 8),
          input_stride(c.in_channels + c.padding),
          output_stride(c.out_channels + c.padding),
          // The last row of an input ends with its last channel: a read past it faults.
          input(static_cast<std::size_t>((c.pixels - 1) * input_stride + c.in_channels),
                static_cast<std::size_t>(c.offset)),
          residual(static_cast<std::size_t>((c.pixels - 1) * output_stride + c.out_channels),
                   static_cast<std::size_t>(c.offset)),
          weights(static_cast<std::size_t>(panels * c.in_channels) * 8),
          bias(static_cast<std::size_t>(panels) * 8) {
        random.fill(input.data(), input.size(), c.fill);
        if (c.nan_pixel >= 0) input[static_cast<std::size_t>(c.nan_pixel * input_stride)] = NAN;
        random.fill(residual.data(), residual.size(), c.fill);
        random.fill(weights.data(), weights.size(), c.fill);
        random.fill(bias.data(), bias.size(), c.fill);
        for (int o = c.out_channels; o < panels * 8; ++o) {
            bias[static_cast<std::size_t>(o)] = 0.0f;
            for (int i = 0; i < c.in_channels; ++i) weight(c, i, o) = 0.0f;
        }
        input.make_read_only();
        residual.make_read_only();
        weights.make_read_only();
        bias.make_read_only();
    }
    float& weight(const PointwiseConvCase& c, int i, int o) {
        return weights[static_cast<std::size_t>(((o / 8) * c.in_channels + i) * 8 + o % 8)];
    }

    int panels;
    int input_stride;
    int output_stride;
    GuardedArray<float> input, residual, weights, bias;
};

}  // namespace

void check_pointwise_conv(
    Checker& checker, const PointwiseConvCase& c,
    const std::vector<ops::KernelVariant<ops::PointwiseConvFp32Function>>& kernels) {
    checker.shape(
        "pixels=%d in=%d out=%d activation=%d residual=%d fill=%s offset=%d padding=%d nan=%d",
        c.pixels, c.in_channels, c.out_channels, static_cast<int>(c.activation),
        static_cast<int>(c.residual), name_of(c.fill), c.offset, c.padding, c.nan_pixel);
    Inputs in(c, checker.random());
    const auto pixels = static_cast<std::size_t>(c.pixels);
    const auto out_channels = static_cast<std::size_t>(c.out_channels);
    const auto output_stride = static_cast<std::size_t>(in.output_stride);

    // The vector kernels promise an order of fused multiply-adds, so their very bits are known.
    std::vector<Expected> expected(pixels * out_channels);
    std::vector<float> fused(pixels * out_channels);
    for (int p = 0; p < c.pixels; ++p) {
        for (int o = 0; o < c.out_channels; ++o) {
            const auto bias = in.bias[static_cast<std::size_t>(o)];
            Expected sum{bias, std::fabs(bias)};
            float fused_sum = bias;
            for (int i = 0; i < c.in_channels; ++i) {
                const float x = in.input[static_cast<std::size_t>(p * in.input_stride + i)];
                const float w = in.weight(c, i, o);
                const double product = static_cast<double>(x) * static_cast<double>(w);
                fused_sum = std::fma(x, w, fused_sum);
                sum.value += product;
                sum.magnitude += std::fabs(product);
            }
            if (c.residual != PointwiseConvCase::kNoResidual) {
                const float r = in.residual[static_cast<std::size_t>(p * in.output_stride + o)];
                fused_sum += r;
                sum.value += r;
                sum.magnitude += std::fabs(r);
            }
            const std::size_t index =
                static_cast<std::size_t>(p) * out_channels + static_cast<std::size_t>(o);
            expected[index] = activated(sum, c.activation);
            fused[index] = ops::fused_activation(fused_sum, c.activation);
        }
    }

    for (const auto& kernel : kernels) {
        const auto compute = [&](OutputRows& output, std::size_t first, std::size_t count) {
            const auto skipped = static_cast<std::ptrdiff_t>(first);
            ops::PointwiseConvFp32Args args = {};
            args.input = in.input.data() + skipped * in.input_stride;
            args.input_stride = in.input_stride;
            args.output = output.data() + skipped * in.output_stride;
            args.output_stride = in.output_stride;
            args.residual_stride = in.output_stride;
            if (c.residual == PointwiseConvCase::kResidual) {
                args.residual = in.residual.data() + skipped * in.output_stride;
            } else if (c.residual == PointwiseConvCase::kResidualInPlace) {
                args.residual = args.output;
            }
            args.weights = in.weights.data();
            args.bias = in.bias.data();
            args.pixels = count;
            args.in_channels = c.in_channels;
            args.out_channels = c.out_channels;
            args.activation = c.activation;
            kernel.function(args);
        };
        const auto prepare = [&](OutputRows& output) {
            if (c.residual != PointwiseConvCase::kResidualInPlace) return;
            for (std::size_t p = 0; p < pixels; ++p) {
                for (std::size_t o = 0; o < out_channels; ++o) {
                    output.at(p, o) = in.residual[p * output_stride + o];
                }
            }
        };
        const auto offset = static_cast<std::size_t>(c.offset);
        OutputRows whole(pixels, out_channels, output_stride, offset);
        prepare(whole);
        if (!checker.run(kernel.name, [&] { compute(whole, 0, pixels); })) continue;
        checker.compare(whole, expected, static_cast<std::size_t>(c.in_channels) + 2);
        if (kernel.required != ops::kFeatureNone) {
            checker.compare_equal(whole, fused.data(), c.out_channels);
        }

        OutputRows split(pixels, out_channels, output_stride, offset);
        prepare(split);
        Random random = checker.random();
        const bool ran = checker.run(kernel.name, [&] {
            for (std::size_t first = 0; first < pixels;) {
                const std::size_t count =
                    std::min(pixels - first, static_cast<std::size_t>(random.between(1, 9)));
                compute(split, first, count);
                first += count;
            }
        });
        if (ran) checker.compare_equal(split, whole.data(), in.output_stride);
    }
}

}  // namespace fovea::test
