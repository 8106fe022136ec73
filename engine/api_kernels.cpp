// SPDX-License-Identifier: Apache-2.0
// C entry points: instruction sets and kernels.
#include "fovea/fovea.h"
#include "ops/cpu_features.h"

using namespace fovea;

const char* fovea_isa_name(uint32_t index) {
    const ops::CpuFeatureSet features = ops::detect_cpu_features();
    int count = 0;
    const ops::IsaLevel* levels = ops::isa_levels(&count);
    for (int i = 0; i < count; ++i) {
        if ((levels[i].needed & ~features) != 0) continue;
        if (index-- == 0) return levels[i].name;
    }
    return nullptr;
}
