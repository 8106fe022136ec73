// SPDX-License-Identifier: Apache-2.0
// General convolutions of codes.
#include "ops/conv2d/conv2d_codes.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "code_sums.h"

namespace {

using namespace fovea::test;
using namespace fovea::ops;

const ComparesTable compares_u8(kConv2dU8S8), compares_s16(kConv2dS16S8);

template <typename Input>
void check_conv2d(Checker& checker, const KernelTable<void (*)(const Conv2dCodesArgs<Input>&)>& table, const WindowShape& shape,
                  int inputs, int outputs, CodeType type, Activation activation, Codes kind) {
    checker.shape("width=%d kernel=%dx%d stride=%d in=%d out=%d output=%d kind=%d", shape.width, shape.kernel_height,
                  shape.kernel_width, shape.stride, inputs, outputs, static_cast<int>(type), static_cast<int>(kind));
    Random random = checker.random();
    const Rows<Input> rows(random, shape, inputs, kind);
    const int taps = shape.kernel_height * shape.kernel_width;
    const Panels weights(random, taps, inputs, outputs, kind, sizeof(Input) == 1);
    const std::unique_ptr<Vector<std::int32_t>> bias = random_bias(random, outputs);
    const Epilogue epilogue(random, outputs, type, activation, largest_sum(kInputType<Input>, taps * inputs, kind));
    std::vector<int> wanted;
    for (int x = 0; x < shape.output_width(); ++x) {
        for (int o = 0; o < outputs; ++o) {
            std::int64_t sum = (*bias)[static_cast<std::size_t>(o)];
            for (int tap = 0; tap < taps; ++tap) {
                const int column = x * shape.stride + tap % shape.kernel_width * shape.dilation - shape.pad_left;
                for (int i = 0; i < inputs; ++i) {
                    sum += std::int64_t{rows.at(tap / shape.kernel_width, column, i)} * weights.at(tap, i, o);
                }
            }
            wanted.push_back(epilogue.code(sum, static_cast<std::size_t>(o)));
        }
    }
    const auto out = static_cast<std::size_t>(outputs);
    for (const auto& kernel : runnable_variants(table)) {
        Output output(static_cast<std::size_t>(shape.output_width()), out, out + 1, type);
        const bool ran = checker.run(kernel.name, [&] {
            kernel.function({rows.pointers_.data(), rows.stride_, output.view(), weights.bytes_.data(), bias->data(), rows.zero_.data(),
                             epilogue.args(), shape.width, shape.output_width(), inputs, outputs, shape.kernel_height,
                             shape.kernel_width, shape.stride, shape.dilation, shape.pad_left});
        });
        if (ran) output.compare(checker, wanted);
    }
}

}  // namespace

TEST_CASE("conv2d of codes: every kernel, windows, strides, padding that holds the code of 0") {
    Checker checker;
    int turn = 0;
    for (const WindowShape& shape : kWindows) {
        for (const int inputs : {1, 2, 3, 4, 7, 20}) {
            for (const int outputs : {1, 8, 13, 16, 24, 72}) {
                for (const Codes kind : kKinds) {
                    const CodeType type = kTypes[turn++ % 2];
                    const Activation activation = kActivations[turn % 3];
                    check_conv2d<std::uint8_t>(checker, kConv2dU8S8, shape, inputs, outputs, type, activation, kind);
                    check_conv2d<std::int16_t>(checker, kConv2dS16S8, shape, inputs, outputs, type, activation, kind);
                }
            }
        }
    }
}
