// SPDX-License-Identifier: Apache-2.0
#include "ops/widen/widen.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "kernel_check.h"

namespace {

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
        if (!checker.run(kernel.name,
                         [&] { kernel.function({input.data(), output.data(), kAll}); })) {
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
    for (const std::size_t count : {0, 8, 16, 24, 40, 1000}) {
        checker.shape("count=%zu", count);
        Random random = checker.random();
        GuardedArray<std::uint16_t> input(count);
        for (std::size_t i = 0; i < count; ++i) {
            input[i] = static_cast<std::uint16_t>(random.between(0, 0x7BFF));
        }
        input.make_read_only();
        for (const auto& kernel : runnable_variants(fovea::ops::kWidenFp16)) {
            OutputRows output(1, count, count);
            if (!checker.run(kernel.name,
                             [&] { kernel.function({input.data(), output.data(), count}); })) {
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
