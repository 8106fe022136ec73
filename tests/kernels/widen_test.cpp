// SPDX-License-Identifier: Apache-2.0
#include "ops/widen/widen.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "kernel_check.h"

namespace {

const fovea::test::ComparesTable compares_narrow_fp16(fovea::ops::kNarrowFp16);
const fovea::test::ComparesTable compares_widen_fp16(fovea::ops::kWidenFp16);

using namespace fovea::test;

// The value by the definition of binary16, in double, where all of it is exact.
double value_of(std::uint32_t half) {
    const int exponent = static_cast<int>(half >> 10 & 31);
    const int fraction = static_cast<int>(half & 1023);
    double value = 0;
    if (exponent == 31) {
        value = fraction == 0 ? std::numeric_limits<double>::infinity()
                              : std::numeric_limits<double>::quiet_NaN();
    } else if (exponent == 0) {
        value = std::ldexp(fraction, -24);
    } else {
        value = std::ldexp(1024 + fraction, exponent - 25);
    }
    return half >> 15 != 0 ? -value : value;
}

// Bits, with all NaNs alike.
std::uint64_t bits_of(float value) {
    return std::isnan(value) ? 0x7FC00000u : std::bit_cast<std::uint32_t>(value);
}

}  // namespace

TEST_CASE("widen: every half-precision value") {
    constexpr std::size_t kAll = 65536;
    GuardedArray<std::uint16_t> input(kAll);
    for (std::size_t i = 0; i < kAll; ++i) input[i] = static_cast<std::uint16_t>(i);
    input.make_read_only();
    Checker checker;
    checker.shape("all values");
    for (const auto& kernel : runnable_variants(fovea::ops::kWidenFp16)) {
        GuardedArray<float> output(kAll);
        if (!checker.run(kernel.name, [&] {
                kernel.function({input.data(), output.data(), kAll});
            })) {
            continue;
        }
        for (std::uint32_t i = 0; i < kAll; ++i) {
            const auto wanted = static_cast<float>(value_of(i));
            checker.compare_value(i, bits_of(output[i]), bits_of(wanted));
        }
    }
}

TEST_CASE("widen: counts") {
    Checker checker;
    for (const std::size_t count : {0, 1, 7, 8, 9, 16, 31, 40, 1000}) {
        checker.shape("count=%zu", count);
        Random random = checker.random();
        GuardedArray<std::uint16_t> input(count);
        for (std::size_t i = 0; i < count; ++i) {
            input[i] = static_cast<std::uint16_t>(random.between(0, 0x7BFF));
        }
        input.make_read_only();
        for (const auto& kernel : runnable_variants(fovea::ops::kWidenFp16)) {
            OutputRows output(1, count, count, count % 2);
            if (!checker.run(kernel.name, [&] {
                    kernel.function({input.data(), output.data(), count});
                })) {
                continue;
            }
            checker.compare_value(0, output.damage().size(), 0);
            for (std::size_t i = 0; i < count; ++i) {
                checker.compare_value(i, bits_of(output.at(0, i)),
                                      bits_of(static_cast<float>(value_of(input[i]))));
            }
        }
    }
}

TEST_CASE("narrow: every half and what lies between two") {
    // Each half's value, the middle between it and the next, and the floats on both sides of the
    // middle.
    std::vector<float> values;
    std::vector<std::uint16_t> wanted;
    for (std::uint32_t sign : {0u, 0x8000u}) {
        for (std::uint32_t half = 0; half <= 0x7BFF; ++half) {
            const auto this_one = static_cast<float>(value_of(half));
            // The one after the largest would be 65536.
            const double next = half == 0x7BFF ? 65536.0 : value_of(half + 1);
            const auto middle = static_cast<float>((this_one + next) / 2);
            const std::uint32_t even = half % 2 == 0 ? half : half + 1;
            const auto add = [&](float value, std::uint32_t result) {
                values.push_back(sign != 0 ? -value : value);
                wanted.push_back(static_cast<std::uint16_t>(sign | result));
            };
            add(this_one, half);
            add(std::nextafter(middle, 0.0f), half);
            add(middle, even);
            add(std::nextafter(middle, 1e30f), half + 1);
        }
        values.push_back(sign != 0 ? -1e30f : 1e30f);
        wanted.push_back(static_cast<std::uint16_t>(sign | 0x7C00u));
        values.push_back(sign != 0 ? -1e-30f : 1e-30f);
        wanted.push_back(static_cast<std::uint16_t>(sign));
    }
    values.push_back(std::numeric_limits<float>::quiet_NaN());
    Checker checker;
    checker.shape("all values");
    for (const auto& kernel : runnable_variants(fovea::ops::kNarrowFp16)) {
        std::vector<std::uint16_t> output(values.size());
        if (!checker.run(kernel.name, [&] {
                kernel.function({values.data(), output.data(), values.size()});
            })) {
            continue;
        }
        for (std::size_t i = 0; i < wanted.size(); ++i)
            checker.compare_value(i, output[i], wanted[i]);
        checker.compare_value(wanted.size(), std::isnan(value_of(output.back())), true);
    }
}

TEST_CASE("narrow: counts") {
    Checker checker;
    for (const std::size_t count : {0, 1, 7, 8, 9, 17, 1000}) {
        checker.shape("count=%zu", count);
        Random random = checker.random();
        GuardedArray<float> input(count, count % 2);
        random.fill(input.data(), count, Fill::kUniform);
        input.make_read_only();
        for (const auto& kernel : runnable_variants(fovea::ops::kNarrowFp16)) {
            HalfRows output(1, count, count, count % 2);
            if (!checker.run(kernel.name, [&] {
                    kernel.function({input.data(), output.data(), count});
                })) {
                continue;
            }
            checker.compare_value(0, output.damage().size(), 0);
            for (std::size_t i = 0; i < count; ++i) {
                checker.compare_value(
                    i,
                    std::fabs(value_of(output.at(0, i)) - static_cast<double>(input[i])) <= 0x1p-12,
                    true);
            }
        }
    }
}
