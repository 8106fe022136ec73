// SPDX-License-Identifier: Apache-2.0
#include "ops/binary/binary.h"

#include <doctest/doctest.h>

#include <cmath>

#include "kernel_check.h"

namespace {

const fovea::test::ComparesTable compares_binary_fp32(fovea::ops::kBinaryFp32);

using namespace fovea::test;
using fovea::ops::BinaryFp32Args;
using fovea::ops::BinaryKind;

enum class Broadcast { kNone, kOverPixels, kOverChannels, kOverAll };

struct Case {
    int pixels;
    int channels;
    BinaryKind kind;
    Broadcast broadcast;
    Fill fill;
    int offset;
    int padding;
    bool in_place;
};

void check(Checker& checker, const Case& c) {
    checker.shape(
        "pixels=%d channels=%d kind=%d broadcast=%d fill=%s offset=%d padding=%d place=%d",
        c.pixels, c.channels, static_cast<int>(c.kind), static_cast<int>(c.broadcast),
        name_of(c.fill), c.offset, c.padding, c.in_place);
    const auto size = [](int value) { return static_cast<std::size_t>(value); };
    const int stride = c.channels + c.padding;
    const bool one_pixel =
        c.broadcast == Broadcast::kOverPixels || c.broadcast == Broadcast::kOverAll;
    const bool one_channel =
        c.broadcast == Broadcast::kOverChannels || c.broadcast == Broadcast::kOverAll;
    const int right_channels = one_channel ? 1 : c.channels;
    const int right_stride = one_pixel ? 0 : right_channels + c.padding;

    Random random = checker.random();
    GuardedArray<float> left(size((c.pixels - 1) * stride + c.channels), size(c.offset));
    GuardedArray<float> right(size((c.pixels - 1) * right_stride + right_channels), size(c.offset));
    random.fill(left.data(), left.size(), c.fill);
    random.fill(right.data(), right.size(), c.fill);
    left.make_read_only();
    right.make_read_only();

    std::vector<Expected> expected;
    for (int p = 0; p < c.pixels; ++p) {
        for (int channel = 0; channel < c.channels; ++channel) {
            const double a = left[size(p * stride + channel)];
            const double b = right[size(p * right_stride + (one_channel ? 0 : channel))];
            const double value = c.kind == BinaryKind::kAdd ? a + b : a * b;
            expected.push_back({value, std::fabs(value)});
        }
    }
    for (const auto& kernel : runnable_variants(fovea::ops::kBinaryFp32)) {
        OutputRows output(size(c.pixels), size(c.channels), size(stride), size(c.offset));
        BinaryFp32Args args = {};
        args.left = left.data();
        if (c.in_place) {
            for (int p = 0; p < c.pixels; ++p) {
                for (int channel = 0; channel < c.channels; ++channel) {
                    output.at(size(p), size(channel)) = left[size(p * stride + channel)];
                }
            }
            args.left = output.data();
        }
        args.left_stride = stride;
        args.right = right.data();
        args.right_pixel_stride = right_stride;
        args.right_channel_stride = one_channel ? 0 : 1;
        args.output = output.data();
        args.output_stride = stride;
        args.pixels = size(c.pixels);
        args.channels = c.channels;
        args.kind = c.kind;
        if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
        checker.compare(output, expected, 1);
    }
}

}  // namespace

TEST_CASE("binary: every broadcast, size around a register, fill and place") {
    Checker checker;
    int turn = 0;
    for (const BinaryKind kind : {BinaryKind::kAdd, BinaryKind::kMultiply}) {
        for (const Broadcast broadcast : {Broadcast::kNone, Broadcast::kOverPixels,
                                          Broadcast::kOverChannels, Broadcast::kOverAll}) {
            for (const int pixels : {1, 2, 3, 10}) {
                for (const int channels : {1, 3, 4, 5, 7, 8, 9, 16, 26, 72}) {
                    for (const bool in_place : {false, true}) {
                        check(checker, {pixels, channels, kind, broadcast, kAllFills[turn % 3],
                                        turn % 2, turn / 4 % 2 * 3, in_place});
                        ++turn;
                    }
                }
            }
        }
    }
}
