// SPDX-License-Identifier: Apache-2.0
#include "engine/isa.h"

namespace fovea {

const ops::IsaLevel* choose_isa(const char* name, const Log& log) {
    const ops::CpuFeatureSet features = ops::detect_cpu_features();
    if (name == nullptr) return ops::best_isa_level(features);
    const ops::IsaLevel* level = ops::find_isa_level(name);
    if (level == nullptr) {
        log.write(FOVEA_LOG_ERROR, "instruction set '%.64s': not known to this build", name);
        return nullptr;
    }
    if ((level->needed & ~features) != 0) {
        log.write(FOVEA_LOG_ERROR, "instruction set '%.64s': not in this CPU", name);
        return nullptr;
    }
    return level;
}

}  // namespace fovea
