// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/cpu_features.h"

namespace fovea::ops {

// One row of an operation's table: a kernel and what it needs of the CPU. Tables are ordered best
// first; the last row is the scalar kernel, which needs nothing, so there is always a choice. (Of halves that row may be empty, see
// kernel_rows.h.)
template <typename Function>
struct KernelVariant {
    const char* name;         // the function's name: <op>[_<shape>]_<dtype>_<isa>
    Function function;
    CpuFeatureSet required;
};

// Of count rows, whose needs lie bytes_apart from each other, the first that these features allow, or the last.
std::size_t first_allowed(const CpuFeatureSet* required, std::size_t bytes_apart, std::size_t count,
                          CpuFeatureSet features);

// A table as data, so that tools can list every operation alike.
template <typename Function>
struct KernelTable {
    const char* operation;
    const KernelVariant<Function>* variants;
    std::size_t count;
    // All give the same bits: any may run where all CPUs have to agree.
    bool same_bits = false;

    // The first row that these features allow.
    const KernelVariant<Function>& select(CpuFeatureSet features) const {
        return variants[first_allowed(&variants[0].required, sizeof(variants[0]), count, features)];
    }
};

template <typename Function, std::size_t kCount>
constexpr KernelTable<Function> make_table(const char* operation, const KernelVariant<Function> (&variants)[kCount],
                                           bool same_bits = false) {
    return {operation, variants, kCount, same_bits};
}

// The table of the kernels that take these arguments: TableOf<PoolArgs<float>>::kTable, said beside each
// table's declaration.
template <typename Args>
struct TableOf;

}  // namespace fovea::ops
