// SPDX-License-Identifier: Apache-2.0
// The operations on maps of halves but the convolutions: see half_check.h. They compute in float32,
// or do one operation that is rounded once, so every kernel gives the half nearest to what the
// scalar kernel of floats gives.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

#include "half_check.h"
#include "ops/activation/activation.h"
#include "ops/affine/affine.h"
#include "ops/binary/binary.h"
#include "ops/channel_reduce/channel_reduce.h"
#include "ops/dense/dense.h"
#include "ops/gate/gate.h"
#include "ops/pool/pool.h"

namespace {

const fovea::test::ComparesTable compares_activation_fp16(fovea::ops::kActivationFp16);
const fovea::test::ComparesTable compares_affine_fp16(fovea::ops::kAffineFp16);
const fovea::test::ComparesTable compares_affine_fp32_to_fp16(fovea::ops::kAffineFp32ToFp16);
const fovea::test::ComparesTable compares_affine_pixels_fp16(fovea::ops::kAffinePixelsFp16);
const fovea::test::ComparesTable compares_binary_fp16(fovea::ops::kBinaryFp16);
const fovea::test::ComparesTable compares_channel_reduce_fp16(fovea::ops::kChannelReduceFp16);
const fovea::test::ComparesTable compares_dense_fp32_w16(fovea::ops::kDenseFp32W16);
const fovea::test::ComparesTable compares_gate_fp16(fovea::ops::kGateFp16);
const fovea::test::ComparesTable compares_global_pool_fp16_to_fp32(fovea::ops::kGlobalPoolFp16ToFp32);
const fovea::test::ComparesTable compares_pool_fp16(fovea::ops::kPoolFp16);

using namespace fovea::test;
using fovea::ops::Activation;
using fovea::ops::BinaryKind;
using fovea::ops::Half;
using fovea::ops::PoolKind;

// Runs every kernel of a table on an output of rows x width and compares it with the halves of
// `floats`.
template <typename Table, typename Compute>
void compare_kernels(Checker& checker, const Table& table, std::size_t rows, std::size_t width,
                     std::size_t padding, std::size_t offset, const std::vector<float>& floats,
                     const Compute& compute) {
    const std::vector<Half> expected = narrowed(floats);
    for (const auto& kernel : runnable_variants(table)) {
        HalfRows output(rows, width, width + padding, offset);
        if (!checker.run(kernel.name, [&] { compute(kernel.function, output); })) continue;
        checker.compare_equal(output, expected.data(), static_cast<std::ptrdiff_t>(width));
    }
}

constexpr int kChannels[] = {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 20, 31, 72};

}  // namespace

TEST_CASE("pool of halves: windows, strides, padding, channels") {
    Checker checker;
    int turn = 0;
    for (const PoolKind kind : {PoolKind::kMax, PoolKind::kAverage}) {
        for (const int window : {1, 2, 3}) {
            for (const int channels : kChannels) {
                const int width = 7, stride = 1 + turn % 2, pad = turn / 2 % 2;
                const int padding = turn / 3 % 2 * 5;
                const int output_width = (width + 2 * pad - window) / stride + 1;
                const auto slack = static_cast<std::size_t>(turn % 2);
                const bool count_padding = turn / 5 % 2 != 0;
                const bool first_is_null = turn % 7 == 0;
                const Fill fill = kAllFills[turn++ % 3];
                checker.shape(
                    "kind=%d window=%d channels=%d stride=%d pad=%d padding=%d slack=%zu count=%d "
                    "null=%d fill=%s",
                    static_cast<int>(kind), window, channels, stride, pad, padding, slack,
                    count_padding, first_is_null, name_of(fill));
                Random random = checker.random();
                std::vector<std::unique_ptr<HalfArray>> rows;
                std::vector<const Half*> halves;
                std::vector<const float*> floats;
                for (int a = 0; a < window; ++a) {
                    const auto size =
                        static_cast<std::size_t>((width - 1) * (channels + padding) + channels);
                    rows.push_back(std::make_unique<HalfArray>(size, slack, random, fill));
                    rows.back()->halves.make_read_only();
                    const bool is_null = a == 0 && first_is_null;
                    halves.push_back(is_null ? nullptr : rows.back()->halves.data());
                    floats.push_back(is_null ? nullptr : rows.back()->floats.data());
                }
                const auto run = [&](auto function, const auto& inputs, auto* output,
                                     std::size_t output_stride) {
                    function({.rows = inputs.data(),
                              .input_stride = channels + padding,
                              .output = output,
                              .output_stride = static_cast<std::ptrdiff_t>(output_stride),
                              .input_width = width,
                              .output_width = output_width,
                              .channels = channels,
                              .window_height = window,
                              .window_width = window,
                              .stride_x = stride,
                              .pad_left = pad,
                              .kind = kind,
                              .count_padding = count_padding});
                };
                const auto c = static_cast<std::size_t>(channels);
                std::vector<float> expected(static_cast<std::size_t>(output_width) * c);
                run(fovea::ops::pool_fp32_scalar, floats, expected.data(), c);
                compare_kernels(checker, fovea::ops::kPoolFp16,
                                static_cast<std::size_t>(output_width), c,
                                static_cast<std::size_t>(padding), slack, expected,
                                [&](auto function, HalfRows& output) {
                                    run(function, halves, output.data(), output.stride());
                                });
            }
        }
    }
}

TEST_CASE("global_pool of halves: the float32 result of the same values") {
    Checker checker;
    int turn = 0;
    for (const PoolKind kind : {PoolKind::kMax, PoolKind::kAverage}) {
        for (const int pixels : {1, 7, 8, 9, 63, 520}) {
            for (const int channels : kChannels) {
                const int stride = channels + turn % 3;
                const bool has_nan = turn % 5 == 0;
                const Fill fill = kAllFills[turn++ % 3];
                checker.shape("kind=%d pixels=%d channels=%d stride=%d nan=%d fill=%s",
                              static_cast<int>(kind), pixels, channels, stride, has_nan,
                              name_of(fill));
                Random random = checker.random();
                HalfArray input(static_cast<std::size_t>((pixels - 1) * stride + channels),
                                turn % 2, random, fill);
                if (has_nan) input.floats[static_cast<std::size_t>(pixels / 2 * stride)] = NAN;
                input.set();
                input.halves.make_read_only();
                const auto run = [&](auto function, const auto* values, float* output, int begin,
                                     int end) {
                    function({.input = values,
                              .input_stride = stride,
                              .output = output,
                              .pixels = static_cast<std::size_t>(pixels),
                              .channel_begin = begin,
                              .channel_end = end,
                              .kind = kind});
                };
                const auto c = static_cast<std::size_t>(channels);
                std::vector<float> expected(c);
                run(fovea::ops::global_pool_fp32_scalar, input.floats.data(), expected.data(), 0,
                    channels);
                for (const auto& kernel : runnable_variants(fovea::ops::kGlobalPoolFp16ToFp32)) {
                    OutputRows output(1, c, c, static_cast<std::size_t>(turn % 2));
                    const int middle = channels / 2;
                    if (!checker.run(kernel.name, [&] {
                            run(kernel.function, input.halves.data(), output.data(), 0, middle);
                            run(kernel.function, input.halves.data(), output.data(), middle,
                                channels);
                        })) {
                        continue;
                    }
                    checker.compare_equal(output, expected.data(), channels);
                }
            }
        }
    }
}

TEST_CASE("channel_reduce of halves: pixels, channels, strides") {
    Checker checker;
    int turn = 0;
    for (const PoolKind kind : {PoolKind::kMax, PoolKind::kAverage}) {
        for (const int pixels : {1, 3, 4, 5, 13}) {
            for (const int channels : kChannels) {
                const int stride = channels + turn % 3;
                const bool has_nan = turn % 5 == 0;
                const Fill fill = kAllFills[turn++ % 3];
                checker.shape("kind=%d pixels=%d channels=%d stride=%d nan=%d fill=%s",
                              static_cast<int>(kind), pixels, channels, stride, has_nan,
                              name_of(fill));
                Random random = checker.random();
                HalfArray input(static_cast<std::size_t>((pixels - 1) * stride + channels),
                                turn % 2, random, fill);
                if (has_nan)
                    input.floats[static_cast<std::size_t>(pixels / 2 * stride + channels - 1)] =
                        NAN;
                input.set();
                input.halves.make_read_only();
                const auto run = [&](auto function, const auto* values, auto* output,
                                     std::size_t output_stride) {
                    function({.input = values,
                              .input_stride = stride,
                              .output = output,
                              .output_stride = static_cast<std::ptrdiff_t>(output_stride),
                              .pixels = static_cast<std::size_t>(pixels),
                              .channels = channels,
                              .kind = kind});
                };
                std::vector<float> expected(static_cast<std::size_t>(pixels));
                run(fovea::ops::channel_reduce_fp32_scalar, input.floats.data(), expected.data(),
                    1);
                compare_kernels(checker, fovea::ops::kChannelReduceFp16, expected.size(), 1,
                                turn % 2 == 0 ? 2 : 0, static_cast<std::size_t>(turn % 2), expected,
                                [&](auto function, HalfRows& output) {
                                    run(function, input.halves.data(), output.data(),
                                        output.stride());
                                });
            }
        }
    }
}

TEST_CASE("binary of halves: every broadcast, halves and floats on the right, in place") {
    enum { kMap, kVector, kFloatVector, kPerPixel, kValue, kFloatValue };
    Checker checker;
    int turn = 0;
    for (const BinaryKind kind : {BinaryKind::kAdd, BinaryKind::kMultiply}) {
        for (const int right : {kMap, kVector, kFloatVector, kPerPixel, kValue, kFloatValue}) {
            for (const int pixels : {1, 2, 9}) {
                for (const int channels : kChannels) {
                    const int padding = turn % 3;
                    const bool in_place = turn / 2 % 2 != 0;
                    const Fill fill = kAllFills[turn++ % 3];
                    checker.shape(
                        "kind=%d right=%d pixels=%d channels=%d padding=%d in_place=%d fill=%s",
                        static_cast<int>(kind), right, pixels, channels, padding, in_place,
                        name_of(fill));
                    Random random = checker.random();
                    const int stride = channels + padding;
                    const bool is_vector = right != kMap && right != kPerPixel;
                    const bool is_float = right == kFloatVector || right == kFloatValue;
                    const int channel_stride =
                        right == kMap || right == kVector || right == kFloatVector;
                    const int pixel_stride = is_vector ? 0 : right == kMap ? stride : 1;
                    const auto size = static_cast<std::size_t>((pixels - 1) * stride + channels);
                    HalfArray left(size, turn % 2, random, fill);
                    const int right_size = right == kMap        ? static_cast<int>(size)
                                           : right == kPerPixel ? pixels
                                           : channel_stride     ? channels
                                                                : 1;
                    HalfArray other(static_cast<std::size_t>(right_size), 0, random, fill);
                    GuardedArray<float> vector(other.floats.size());
                    for (std::size_t i = 0; i < vector.size(); ++i) {
                        // Floats that are no halves, next to the halves that they become.
                        vector[i] = other.floats[i] * (1.0f + 0x1p-13f);
                    }
                    left.halves.make_read_only();
                    other.halves.make_read_only();
                    vector.make_read_only();
                    const auto c = static_cast<std::size_t>(channels);
                    std::vector<float> expected(static_cast<std::size_t>(pixels) * c);
                    fovea::ops::binary_fp32_scalar({.left = left.floats.data(),
                                                    .left_stride = stride,
                                                    .right = other.floats.data(),
                                                    .right_pixel_stride = pixel_stride,
                                                    .right_channel_stride = channel_stride,
                                                    .output = expected.data(),
                                                    .output_stride = channels,
                                                    .pixels = static_cast<std::size_t>(pixels),
                                                    .channels = channels,
                                                    .kind = kind});
                    compare_kernels(
                        checker, fovea::ops::kBinaryFp16, static_cast<std::size_t>(pixels), c,
                        static_cast<std::size_t>(padding), static_cast<std::size_t>(turn % 2),
                        expected, [&](auto function, HalfRows& output) {
                            for (int p = 0; in_place && p < pixels; ++p) {
                                std::memcpy(output.data() + p * stride,
                                            left.halves.data() + p * stride, c * sizeof(Half));
                            }
                            function({.left = in_place ? output.data() : left.halves.data(),
                                      .left_stride = stride,
                                      .right = is_float ? nullptr : other.halves.data(),
                                      .right_vector = is_float ? vector.data() : nullptr,
                                      .right_pixel_stride = pixel_stride,
                                      .right_channel_stride = channel_stride,
                                      .output = output.data(),
                                      .output_stride = stride,
                                      .pixels = static_cast<std::size_t>(pixels),
                                      .channels = channels,
                                      .kind = kind});
                        });
                }
            }
        }
    }
}

TEST_CASE("affine to halves: from halves, bytes and floats, any number of channels") {
    Checker checker;
    int turn = 0;
    for (const int channels : {1, 3, 4, 8, 17, 511, 512, 513, 1100}) {
        for (const int pixels : {1, 5, 200}) {
            const std::size_t c = static_cast<std::size_t>(channels);
            const std::size_t count = static_cast<std::size_t>(pixels) * c;
            if (count > 200000) continue;
            const Fill fill = kAllFills[turn % 2];
            const auto slack = static_cast<std::size_t>(turn++ % 2);
            checker.shape("channels=%d pixels=%d fill=%s slack=%zu", channels, pixels,
                          name_of(fill), slack);
            Random random = checker.random();
            HalfArray input(count, slack, random, fill);
            GuardedArray<std::uint8_t> bytes(count, slack);
            random.fill(bytes.data(), count);
            GuardedArray<float> scale(c), offset(c);
            random.fill(scale.data(), c, Fill::kUniform);
            random.fill(offset.data(), c, Fill::kUniform);
            input.halves.make_read_only();
            bytes.make_read_only();
            scale.make_read_only();
            offset.make_read_only();
            const auto run = [&](auto function, const auto* values, auto* output) {
                function({values, output, scale.data(), offset.data(),
                          static_cast<std::size_t>(pixels), channels});
            };
            std::vector<float> expected(count);
            run(fovea::ops::affine_fp32_scalar, input.floats.data(), expected.data());
            compare_kernels(checker, fovea::ops::kAffineFp16, 1, count, 0, slack, expected,
                            [&](auto function, HalfRows& output) {
                                run(function, input.halves.data(), output.data());
                            });
            run(fovea::ops::affine_pixels_fp32_scalar, bytes.data(), expected.data());
            compare_kernels(checker, fovea::ops::kAffinePixelsFp16, 1, count, 0, slack, expected,
                            [&](auto function, HalfRows& output) {
                                run(function, bytes.data(), output.data());
                            });
            std::vector<float> values(count);
            random.fill(values.data(), count, Fill::kUniform);
            run(fovea::ops::affine_fp32_scalar, values.data(), expected.data());
            compare_kernels(checker, fovea::ops::kAffineFp32ToFp16, 1, count, 0, slack, expected,
                            [&](auto function, HalfRows& output) {
                                run(function, values.data(), output.data());
                            });
        }
    }
}

namespace {

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

TEST_CASE("dense with weights of halves: the bits of the float32 kernel on their values") {
    Checker checker;
    for (const int in : {1, 3, 4, 5, 9, 64, 240}) {
        for (const int out : {1, 7, 8, 9, 16, 17, 33}) {
            const Fill fill = kAllFills[(in + out) % 3];
            checker.shape("in=%d out=%d fill=%s", in, out, name_of(fill));
            Random random = checker.random();
            const int panels = (out + 7) / 8;
            HalfArray weights(static_cast<std::size_t>(panels * in) * 8, 0, random, fill);
            GuardedArray<float> input(static_cast<std::size_t>(in),
                                      static_cast<std::size_t>(in % 2));
            GuardedArray<float> bias(static_cast<std::size_t>(panels) * 8);
            random.fill(input.data(), input.size(), fill);
            random.fill(bias.data(), bias.size(), Fill::kUniform);
            weights.halves.make_read_only();
            input.make_read_only();
            bias.make_read_only();
            GuardedArray<float> floats(weights.floats.size());
            std::copy(weights.floats.begin(), weights.floats.end(), floats.data());
            const auto width = static_cast<std::size_t>(out);
            for (const auto& kernel : runnable_variants(fovea::ops::kDenseFp32W16)) {
                OutputRows expected(1, width, width), output(1, width, width, 1);
                const auto& reference = fovea::ops::kDenseFp32.select(kernel.required);
                reference.function({input.data(), expected.data(), floats.data(), bias.data(), in,
                                    out, 0, panels});
                const int middle = panels / 2;
                if (!checker.run(kernel.name, [&] {
                        kernel.function({input.data(), output.data(), weights.halves.data(),
                                         bias.data(), in, out, 0, middle});
                        kernel.function({input.data(), output.data(), weights.halves.data(),
                                         bias.data(), in, out, middle, panels});
                    })) {
                    continue;
                }
                checker.compare_equal(output, expected.data(), out);
            }
        }
    }
}
