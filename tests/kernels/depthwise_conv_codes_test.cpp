// SPDX-License-Identifier: Apache-2.0
// Depthwise convolutions of codes.
#include "ops/depthwise_conv/depthwise_conv_codes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "code_sums.h"

namespace {

using namespace fovea::test;
using namespace fovea::ops;

const ComparesTable compares_u8(kDepthwiseConvU8S8), compares_s16(kDepthwiseConvS16S8);

template <typename Input>
void check_depthwise(Checker& checker, const KernelTable<void (*)(const DepthwiseConvCodesArgs<Input>&)>& table,
                     const WindowShape& shape, int channels, CodeType type, Activation activation, Codes kind) {
    checker.shape("width=%d kernel=%dx%d stride=%d channels=%d output=%d kind=%d", shape.width, shape.kernel_height,
                  shape.kernel_width, shape.stride, channels, static_cast<int>(type), static_cast<int>(kind));
    Random random = checker.random();
    const Rows<Input> rows(random, shape, channels, kind);
    const int taps = shape.kernel_height * shape.kernel_width;
    const std::size_t padded = round_up(static_cast<std::size_t>(channels), 8);
    GuardedArray<std::int8_t> weights(static_cast<std::size_t>(taps) * padded);
    std::fill_n(weights.data(), weights.size(), std::int8_t{0});
    for (int tap = 0; tap < taps; ++tap) {
        for (int c = 0; c < channels; ++c) {
            const int weight = kind == Codes::kExtreme ? (c % 2 == 0 ? 127 : -127) : random.between(-127, 127);
            weights[static_cast<std::size_t>(tap) * padded + static_cast<std::size_t>(c)] = static_cast<std::int8_t>(weight);
        }
    }
    weights.make_read_only();
    const std::unique_ptr<Vector<std::int32_t>> bias = random_bias(random, channels);
    const Epilogue epilogue(random, channels, type, activation, largest_sum(kInputType<Input>, taps, kind));
    std::vector<int> wanted;
    for (int x = 0; x < shape.output_width(); ++x) {
        for (int c = 0; c < channels; ++c) {
            std::int64_t sum = (*bias)[static_cast<std::size_t>(c)];
            for (int tap = 0; tap < taps; ++tap) {
                const int column = x * shape.stride + tap % shape.kernel_width * shape.dilation - shape.pad_left;
                sum += std::int64_t{rows.at(tap / shape.kernel_width, column, c)} *
                       weights[static_cast<std::size_t>(tap) * padded + static_cast<std::size_t>(c)];
            }
            wanted.push_back(epilogue.code(sum, static_cast<std::size_t>(c)));
        }
    }
    const auto count = static_cast<std::size_t>(channels);
    for (const auto& kernel : runnable_variants(table)) {
        Output output(static_cast<std::size_t>(shape.output_width()), count, count + 3, type);
        const bool ran = checker.run(kernel.name, [&] {
            kernel.function({rows.pointers_.data(), rows.stride_, output.view(), weights.data(), bias->data(), rows.zero_.data(),
                             epilogue.args(), shape.width, shape.output_width(), channels, shape.kernel_height, shape.kernel_width,
                             shape.stride, shape.dilation, shape.pad_left});
        });
        if (ran) output.compare(checker, wanted);
    }
}

}  // namespace

TEST_CASE("depthwise_conv of codes: every kernel, windows, strides, padding that holds the code of 0") {
    Checker checker;
    int turn = 0;
    for (const WindowShape& shape : kWindows) {
        for (const int channels : {1, 7, 8, 9, 16, 24, 27, 40, 63, 64, 72, 91, 120}) {
            for (const Codes kind : kKinds) {
                const CodeType type = kTypes[turn++ % 2];
                const Activation activation = kActivations[turn % 3];
                check_depthwise<std::uint8_t>(checker, kDepthwiseConvU8S8, shape, channels, type, activation, kind);
                check_depthwise<std::int16_t>(checker, kDepthwiseConvS16S8, shape, channels, type, activation, kind);
            }
        }
    }
}
