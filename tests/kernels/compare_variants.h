// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernel_check.h"

namespace fovea::test {

struct OutputShape {
    std::size_t rows, width, stride, offset;  // as of OutputRowsOf
};

// For operations whose variants all do the same in the same order: each gives what is expected, and the scalar kernel's bits.
// args: all but the output.
template <typename Function, typename Args>
void compare_variants(Checker& checker, const fovea::ops::KernelTable<Function>& table, Args args, const OutputShape& shape,
                      const std::vector<Expected>& expected, std::size_t terms) {
    std::vector<float> scalar(shape.rows * shape.stride);
    args.output = scalar.data();
    table.variants[table.count - 1].function(args);
    for (const auto& kernel : runnable_variants(table)) {
        OutputRows output(shape.rows, shape.width, shape.stride, shape.offset);
        args.output = output.data();
        if (!checker.run(kernel.name, [&] { kernel.function(args); })) continue;
        checker.compare(output, expected, terms);
        checker.compare_equal(output, scalar.data(), static_cast<std::ptrdiff_t>(shape.stride));
    }
}

}  // namespace fovea::test
