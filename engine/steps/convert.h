// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "engine/model/graph.h"
#include "ops/cpu_features.h"

namespace fovea {

// Copies elements, those of another type converted: floats to halves and halves to floats. The two overlap nowhere.
void convert_elements(const void* from, ElementType from_type, void* to, ElementType to_type, std::size_t count,
                      ops::CpuFeatureSet features);

}  // namespace fovea
