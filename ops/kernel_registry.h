// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/cpu_features.h"

namespace fovea::ops {

// Every operation's table of variants without its function type, for tools that list kernels and
// tests that check them. What runs a model uses the tables themselves.
struct KernelDescription {
    const char* name;
    CpuFeatureSet required;
};
struct OperationListing {
    const char* operation;
    std::size_t count;                                // variants; the last one needs nothing, but for halves
    KernelDescription (*variant)(std::size_t index);  // index < count; best first

    // The index of the variant that KernelTable::select(features) gives; count where there is none.
    std::size_t selected(CpuFeatureSet features) const;
};

std::size_t operation_count();
// index < operation_count(); in the order of the operations' names.
OperationListing operation_listing(std::size_t index);

}  // namespace fovea::ops
