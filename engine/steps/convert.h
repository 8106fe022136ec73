// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/model/graph.h"
#include "engine/steps/run.h"
#include "ops/cpu_features.h"

namespace fovea {

// Copies elements, those of another type converted: floats from and to the shorter type that maps may have. The two overlap nowhere.
void convert_elements(const void* from, ElementType from_type, void* to, ElementType to_type, std::size_t count,
                      ops::CpuFeatureSet features);

// The reals that a value's codes stand for; the value is whole.
void codes_to_floats(const Run& run, std::uint32_t value, float* to);

}  // namespace fovea
