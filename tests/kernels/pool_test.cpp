// SPDX-License-Identifier: Apache-2.0
#include "ops/pool/pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "compare_variants.h"
#include "kernel_check.h"

namespace {

const fovea::test::ComparesTable compares_global_pool_fp32(fovea::ops::kGlobalPoolFp32);
const fovea::test::ComparesTable compares_pool_fp32(fovea::ops::kPoolFp32);

using namespace fovea::test;
using fovea::ops::GlobalPoolFp32Args;
using fovea::ops::PoolFp32Args;
using fovea::ops::PoolKind;

constexpr PoolKind kKinds[] = {PoolKind::kMax, PoolKind::kAverage};

std::size_t size(int value) {
    return static_cast<std::size_t>(value);
}

struct Case {
    int input_width;
    int channels;
    int window_height;
    int window_width;
    int stride;
    int pad_left;
    int pad_right;
    unsigned null_rows = 0;
    PoolKind kind = PoolKind::kMax;
    bool count_padding = false;
    Fill fill = Fill::kUniform;
    int offset = 0;
    int padding = 0;
};

void check(Checker& checker, const Case& c) {
    checker.shape(
        "width=%d channels=%d window=%dx%d stride=%d pad=%d,%d null_rows=%u kind=%d "
        "count_padding=%d fill=%s offset=%d padding=%d",
        c.input_width, c.channels, c.window_height, c.window_width, c.stride, c.pad_left,
        c.pad_right, c.null_rows, static_cast<int>(c.kind), c.count_padding, name_of(c.fill),
        c.offset, c.padding);
    const int room = c.input_width + c.pad_left + c.pad_right - c.window_width;
    if (room < 0) return;
    const int output_width = room / c.stride + 1;
    const int stride = c.channels + c.padding;

    Random random = checker.random();
    std::vector<std::unique_ptr<GuardedArray<float>>> storage;
    std::vector<const float*> rows;
    for (int a = 0; a < c.window_height; ++a) {
        if ((c.null_rows >> a & 1u) != 0) {
            rows.push_back(nullptr);
            continue;
        }
        storage.push_back(std::make_unique<GuardedArray<float>>(
            size((c.input_width - 1) * stride + c.channels), size(c.offset)));
        random.fill(storage.back()->data(), storage.back()->size(), c.fill);
        storage.back()->make_read_only();
        rows.push_back(storage.back()->data());
    }

    std::vector<Expected> expected;
    for (int x = 0; x < output_width; ++x) {
        for (int channel = 0; channel < c.channels; ++channel) {
            double maximum = -std::numeric_limits<double>::infinity();
            Expected sum;
            int count = 0;
            for (int a = 0; a < c.window_height; ++a) {
                for (int b = 0; b < c.window_width; ++b) {
                    const int column = x * c.stride + b - c.pad_left;
                    if (rows[size(a)] == nullptr || column < 0 || column >= c.input_width) continue;
                    const double value = rows[size(a)][column * stride + channel];
                    maximum = std::max(maximum, value);
                    sum.value += value;
                    sum.magnitude += std::fabs(value);
                    ++count;
                }
            }
            if (c.kind == PoolKind::kMax) {
                expected.push_back({maximum, 0.0});
            } else if (count == 0) {
                expected.push_back({});
            } else {
                const int divisor = c.count_padding ? c.window_height * c.window_width : count;
                expected.push_back({sum.value / divisor, sum.magnitude / divisor});
            }
        }
    }

    PoolFp32Args args = {};
    args.rows = rows.data();
    args.input_stride = stride;
    args.output_stride = stride;
    args.input_width = c.input_width;
    args.output_width = output_width;
    args.channels = c.channels;
    args.window_height = c.window_height;
    args.window_width = c.window_width;
    args.stride_x = c.stride;
    args.pad_left = c.pad_left;
    args.kind = c.kind;
    args.count_padding = c.count_padding;
    compare_variants(checker, fovea::ops::kPoolFp32, args, {size(output_width), size(c.channels), size(stride), size(c.offset)}, expected,
                     size(c.window_height * c.window_width) + 1);
}

struct GlobalCase {
    int pixels;
    int channels;
    int begin;
    int end;
    PoolKind kind;
    Fill fill = Fill::kUniform;
    int offset = 0;
    int padding = 0;
};

// The roundings that an element goes through at most; see global_pool_fp32_scalar.cpp.
std::size_t summation_steps(int pixels) {
    return size(3 + std::min(pixels, 71) + pixels / 512 + 2);
}

void check_global(Checker& checker, const GlobalCase& c) {
    checker.shape("pixels=%d channels=%d range=%d..%d kind=%d fill=%s offset=%d padding=%d",
                  c.pixels, c.channels, c.begin, c.end, static_cast<int>(c.kind), name_of(c.fill),
                  c.offset, c.padding);
    const int stride = c.channels + c.padding;
    Random random = checker.random();
    GuardedArray<float> input(size((c.pixels - 1) * stride + c.channels), size(c.offset));
    random.fill(input.data(), input.size(), c.fill);
    input.make_read_only();
    std::vector<Expected> expected;
    for (int channel = c.begin; channel < c.end; ++channel) {
        double maximum = -std::numeric_limits<double>::infinity();
        Expected mean;
        for (int p = 0; p < c.pixels; ++p) {
            const double value = input[size(p * stride + channel)];
            maximum = std::max(maximum, value);
            mean.value += value / c.pixels;
            mean.magnitude += std::fabs(value) / c.pixels;
        }
        expected.push_back(c.kind == PoolKind::kMax ? Expected{maximum, 0.0} : mean);
    }
    const auto& table = fovea::ops::kGlobalPoolFp32;
    GlobalPoolFp32Args args = {input.data(), stride, nullptr, size(c.pixels),
                               c.begin,      c.end,  c.kind};
    std::vector<float> scalar(size(c.channels));
    args.output = scalar.data();
    table.variants[table.count - 1].function(args);
    for (const auto& kernel : runnable_variants(table)) {
        OutputRows output(1, size(c.end - c.begin), size(c.end - c.begin), size(c.offset));
        args.output = output.data() - c.begin;
        if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
        checker.compare(output, expected, summation_steps(c.pixels));
        checker.compare_equal(output, scalar.data() + c.begin, c.channels);
    }
}

}  // namespace

TEST_CASE("pool: every width and channel count around a tile") {
    Checker checker;
    int turn = 0;
    for (const PoolKind kind : kKinds) {
        for (const int window : {2, 3}) {
            for (const int stride : {1, 2}) {
                for (const int width : {1, 2, 3, 5, 8, 9, 26}) {
                    for (const int channels : {1, 3, 4, 5, 7, 8, 9, 16, 17, 31, 32, 33, 41, 73}) {
                        Case c{width, channels, window, window, stride, turn % 2, turn / 2 % 2};
                        c.kind = kind;
                        c.count_padding = turn / 4 % 2 != 0;
                        c.fill = kAllFills[turn % 3];
                        c.offset = turn % 2;
                        c.padding = turn / 2 % 2 * 3;
                        ++turn;
                        check(checker, c);
                    }
                }
            }
        }
    }
}

TEST_CASE("pool: padding rows, windows in the padding, odd windows") {
    Checker checker;
    for (const PoolKind kind : kKinds) {
        for (const bool count_padding : {false, true}) {
            for (unsigned null_rows = 0; null_rows < 8; ++null_rows) {
                check(checker, {9, 12, 3, 3, 2, 1, 1, null_rows, kind, count_padding});
                // Pads as wide as the window: the first and the last one hold no element.
                check(checker, {4, 12, 3, 2, 1, 2, 2, null_rows, kind, count_padding});
            }
            check(checker, {7, 40, 7, 7, 1, 0, 0, 0, kind, count_padding});
            check(checker, {16, 10, 1, 4, 3, 0, 0, 0, kind, count_padding});
            check(checker, {16, 10, 4, 1, 1, 0, 0, 0, kind, count_padding});
        }
    }
}

TEST_CASE("pool: an empty window gives -infinity or 0, a NaN gives NaN") {
    Checker checker;
    checker.shape("special values");
    const float nan = std::nanf("");
    for (const auto& kernel : runnable_variants(fovea::ops::kPoolFp32)) {
        for (const PoolKind kind : kKinds) {
            constexpr int kChannels = 9;
            // The NaN comes first, in the middle and last among the four values of a channel.
            std::vector<float> values(4 * kChannels, 2.0f);
            for (std::size_t channel = 0; channel < 4; ++channel) {
                values[channel * kChannels + channel] = nan;
            }
            const float* rows[2] = {values.data(), values.data() + 2 * kChannels};
            OutputRows output(1, kChannels, kChannels);
            PoolFp32Args args = {rows, kChannels, output.data(), kChannels, 2, 1, kChannels, 2, 2,
                                 1,    0,         kind,          false};
            if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
            for (std::size_t channel = 0; channel < kChannels; ++channel) {
                checker.compare_value(channel, std::isnan(output.at(0, channel)), channel < 4);
                if (channel >= 4) checker.compare_value(channel, output.at(0, channel) == 2.0f, 1);
            }
            const float* no_rows[2] = {nullptr, nullptr};
            args.rows = no_rows;
            if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
            for (std::size_t channel = 0; channel < kChannels; ++channel) {
                const float want = kind == PoolKind::kMax ? -INFINITY : 0.0f;
                checker.compare_value(channel, output.at(0, channel) == want, 1);
            }
        }
    }
}

TEST_CASE("global_pool: every pixel and channel count around a tile, split channels") {
    Checker checker;
    int turn = 0;
    for (const PoolKind kind : kKinds) {
        for (const int pixels : {1, 2, 7, 8, 9, 15, 16, 17, 26, 49, 511, 512, 513, 1030}) {
            for (const int channels : {1, 4, 7, 8, 9, 16, 31, 32, 33, 47, 63, 64, 65, 72, 73}) {
                GlobalCase c{pixels, channels, 0, channels, kind};
                c.fill = kAllFills[turn % 3];
                c.offset = turn % 2;
                c.padding = turn / 2 % 2 * 3;
                check_global(checker, c);
                const int middle = turn % (channels + 1);
                c.end = middle;
                if (c.end > c.begin) check_global(checker, c);
                c.begin = middle;
                c.end = channels;
                if (c.end > c.begin) check_global(checker, c);
                ++turn;
            }
        }
    }
}

TEST_CASE("global_pool: the layers of MobileNetV3 at 512, and a mean far from zero") {
    Checker checker;
    for (const PoolKind kind : kKinds) {
        check_global(checker, {128 * 128, 16, 0, 16, kind});
        check_global(checker, {64 * 64, 72, 0, 72, kind});
        check_global(checker, {16 * 16, 960, 0, 960, kind});
    }
    // 65536 equal values: a single running sum would be off by thousands of roundings.
    checker.shape("65536 times 0.1");
    constexpr std::size_t kPixels = 65536;
    const std::vector<float> input(kPixels, 0.1f);
    for (const auto& kernel : runnable_variants(fovea::ops::kGlobalPoolFp32)) {
        OutputRows output(1, 1, 1);
        const GlobalPoolFp32Args args = {input.data(),      1, output.data(), kPixels, 0, 1,
                                         PoolKind::kAverage};
        if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
        checker.compare(output, {{0.1f, 0.1f}}, 4);
    }
}

TEST_CASE("global_pool: a NaN gives NaN, wherever it is") {
    Checker checker;
    constexpr std::size_t kPixels = 19, kChannels = 13;
    for (const PoolKind kind : kKinds) {
        for (std::size_t where = 0; where < kPixels; ++where) {
            checker.shape("kind=%d pixel=%zu", static_cast<int>(kind), where);
            std::vector<float> input(kPixels * kChannels, 1.0f);
            input[where * kChannels + where % kChannels] = std::nanf("");
            for (const auto& kernel : runnable_variants(fovea::ops::kGlobalPoolFp32)) {
                OutputRows output(1, kChannels, kChannels);
                const GlobalPoolFp32Args args = {input.data(), kChannels, output.data(), kPixels, 0,
                                                 kChannels,    kind};
                if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
                for (std::size_t channel = 0; channel < kChannels; ++channel) {
                    checker.compare_value(channel, std::isnan(output.at(0, channel)),
                                          channel == where % kChannels);
                }
            }
        }
    }
}
