// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of the operations on maps of halves share, but the convolutions: see half_check.h. They compute in float32, or do
// one operation that is rounded once, so every kernel gives the half nearest to what the scalar kernel of floats gives.

#include <algorithm>
#include <memory>
#include <vector>

#include "half_check.h"
#include "ops/half.h"

namespace fovea::test {

// Runs every kernel of a table on an output of rows x width and compares it with the halves of
// `floats`.
template <typename Table, typename Compute>
void compare_kernels(Checker& checker, const Table& table, std::size_t rows, std::size_t width,
                     std::size_t padding, std::size_t offset, const std::vector<float>& floats,
                     const Compute& compute) {
    const std::vector<ops::Half> expected = narrowed(floats);
    for (const auto& kernel : runnable_variants(table)) {
        HalfRows output(rows, width, width + padding, offset);
        if (!checker.run(kernel.name, [&] { compute(kernel.function, output); })) continue;
        checker.compare_equal(output, expected.data(), static_cast<std::ptrdiff_t>(width));
    }
}

inline constexpr int kHalfChannels[] = {1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 20, 31, 72};

}  // namespace fovea::test
