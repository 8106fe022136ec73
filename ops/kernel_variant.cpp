// SPDX-License-Identifier: Apache-2.0
#include "ops/kernel_variant.h"

#include <cstring>

namespace fovea::ops {

std::size_t first_allowed(const CpuFeatureSet* required, std::size_t bytes_apart, std::size_t count,
                          CpuFeatureSet features) {
    const auto* at = reinterpret_cast<const unsigned char*>(required);
    std::size_t i = 0;
    for (; i + 1 < count; ++i, at += bytes_apart) {
        CpuFeatureSet needed;
        std::memcpy(&needed, at, sizeof(needed));
        if ((needed & ~features) == 0) break;
    }
    return i;
}

}  // namespace fovea::ops
