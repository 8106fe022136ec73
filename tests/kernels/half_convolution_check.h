// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of the convolutions of halves share: see half_check.h.

#include <algorithm>
#include <memory>
#include <vector>

#include "activation_oracle.h"
#include "half_check.h"
#include "ops/activation/fused_activation_scalar.h"
#include "ops/half.h"

namespace fovea::test {

inline std::size_t blocks_of(int terms) {
    return static_cast<std::size_t>((terms + ops::kHalfBlock - 1) / ops::kHalfBlock);
}

inline std::size_t at_once(int terms) {
    return static_cast<std::size_t>(std::min(terms, ops::kHalfBlock));
}

// Runs and compares every kernel of a table. plain is what the scalar kernel of floats gives
// without residual and activation, magnitudes what it makes of the absolute values, the residual's
// with them; `terms` are the roundings that the contract states. compute(function, output, first,
// count) runs a kernel on some of the units that may be split.
template <typename Table, typename Compute>
void compare_kernels(Checker& checker, const Table& table, std::size_t rows, std::size_t width,
                     std::size_t stride, std::size_t offset, ops::Activation activation,
                     const std::vector<float>& plain, const std::vector<float>& residual,
                     const std::vector<float>& magnitudes, std::size_t terms, std::size_t units,
                     const Compute& compute) {
    std::vector<Expected> expected(rows * width);
    std::vector<float> rounded = values_of(narrowed(plain));
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const float addend = residual.empty() ? 0.0f : residual[i];
        expected[i] =
            activated({plain[i] + static_cast<double>(addend), magnitudes[i]}, activation);
        rounded[i] += addend;
    }
    rounded = values_of(narrowed(rounded));
    for (float& value : rounded) value = ops::fused_activation(value, activation);
    const std::vector<ops::Half> nearest = narrowed(rounded);
    for (const auto& kernel : runnable_variants(table)) {
        HalfRows whole(rows, width, stride, offset);
        if (!checker.run(kernel.name, [&] { compute(kernel.function, whole, 0, units); })) continue;
        if (kernel.required == ops::kFeatureNone) {
            checker.compare_equal(whole, nearest.data(), static_cast<std::ptrdiff_t>(width));
        } else {
            checker.compare(whole, expected, terms);
        }
        HalfRows split(rows, width, stride, offset);
        Random random = checker.random();
        const bool ran = checker.run(kernel.name, [&] {
            for (std::size_t first = 0; first < units;) {
                const std::size_t count =
                    std::min(units - first, static_cast<std::size_t>(random.between(1, 13)));
                compute(kernel.function, split, first, count);
                first += count;
            }
        });
        if (ran) checker.compare_equal(split, whole.data(), static_cast<std::ptrdiff_t>(stride));
    }
}

// A window over rows, as conv2d and depthwise_conv take them.
struct WindowCase {
    int width;  // of the input
    int in;
    int out;  // conv2d only
    int kernel;
    int stride = 1;
    int pad_left = 0;
    int pad_right = 0;
    int groups = 1;
    int dilation = 1;
    unsigned null_rows = 0;  // bit a: kernel row a lies in the padding
    ops::Activation activation = ops::Activation::kNone;
    Fill fill = Fill::kUniform;
    int offset = 0;
    int padding = 0;

    int output_width() const {
        return (width + pad_left + pad_right - (kernel - 1) * dilation - 1) / stride + 1;
    }
};

struct Window {
    Window(Checker& checker, const char* operation, const WindowCase& c) {
        checker.shape(
            "%s width=%d in=%d out=%d kernel=%d stride=%d pad=%d,%d groups=%d dilation=%d null=%x "
            "activation=%d fill=%s "
            "offset=%d padding=%d",
            operation, c.width, c.in, c.out, c.kernel, c.stride, c.pad_left, c.pad_right, c.groups,
            c.dilation, c.null_rows, static_cast<int>(c.activation), name_of(c.fill), c.offset,
            c.padding);
        Random random = checker.random();
        for (int a = 0; a < c.kernel; ++a) {
            const auto size = static_cast<std::size_t>((c.width - 1) * (c.in + c.padding) + c.in);
            rows.push_back(std::make_unique<HalfArray>(size, static_cast<std::size_t>(c.offset),
                                                       random, c.fill));
            rows.back()->halves.make_read_only();
            const bool is_null = (c.null_rows >> a & 1u) != 0;
            halves.push_back(is_null ? nullptr : rows.back()->halves.data());
            floats.push_back(is_null ? nullptr : rows.back()->floats.data());
            magnitudes.push_back(is_null ? nullptr : rows.back()->magnitudes.data());
        }
    }

    std::vector<std::unique_ptr<HalfArray>> rows;
    std::vector<const ops::Half*> halves;
    std::vector<const float*> floats;
    std::vector<const float*> magnitudes;
};

// compare_kernels() of an operation on a window, one output row of c.out channels. scalar: its kernel of floats; set(args) fills in
// what its arguments say besides what those of every window do.
template <template <typename> class Args, typename Table, typename Set>
void compare_window_kernels(Checker& checker, const Table& table, void (*scalar)(const Args<float>&), const WindowCase& c,
                            const Window& window, const HalfArray& weights, const HalfArray& bias, std::size_t terms,
                            const Set& set) {
    const auto run = [&]<typename Element>(void (*function)(const Args<Element>&), const std::vector<const Element*>& rows,
                                           Element* output, std::size_t output_stride, const Element* packed,
                                           const Element* biases, ops::Activation activation) {
        Args<Element> args = {};
        args.rows = rows.data();
        args.input_stride = c.in + c.padding;
        args.output = output;
        args.output_stride = static_cast<std::ptrdiff_t>(output_stride);
        args.weights = packed;
        args.bias = biases;
        args.input_width = c.width;
        args.output_width = c.output_width();
        args.kernel_height = args.kernel_width = c.kernel;
        args.stride_x = c.stride;
        args.dilation_x = c.dilation;
        args.pad_left = c.pad_left;
        args.activation = activation;
        set(args);
        function(args);
    };
    const auto width = static_cast<std::size_t>(c.output_width()), channels = static_cast<std::size_t>(c.out);
    const auto by_floats = [&](const std::vector<const float*>& rows, std::vector<float> HalfArray::*values) {
        std::vector<float> output(width * channels);
        run(scalar, rows, output.data(), channels, (weights.*values).data(), (bias.*values).data(), ops::Activation::kNone);
        return output;
    };
    compare_kernels(checker, table, width, channels, channels + static_cast<std::size_t>(c.padding),
                    static_cast<std::size_t>(c.offset), c.activation, by_floats(window.floats, &HalfArray::floats), {},
                    by_floats(window.magnitudes, &HalfArray::magnitudes), terms, 1,
                    [&](auto function, HalfRows& output, std::size_t, std::size_t) {
                        run(function, window.halves, output.data(), output.stride(), weights.halves.data(), bias.halves.data(),
                            c.activation);
                    });
}

}  // namespace fovea::test
