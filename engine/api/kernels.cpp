// SPDX-License-Identifier: Apache-2.0
// C entry points: instruction sets and kernels.
#include "engine/api/structs.h"
#include "engine/isa.h"
#include "engine/log.h"
#include "fovea/fovea.h"
#include "ops/cpu_features.h"
#include "ops/kernel_registry.h"

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

fovea_status fovea_kernels(const char* isa, fovea_kernel* kernels, uint32_t capacity,
                           uint32_t* count) {
    if (count == nullptr || (capacity != 0 && !can_be_filled(kernels))) {
        return FOVEA_ERROR_INVALID_ARGUMENT;
    }
    const ops::IsaLevel* level = choose_isa(isa, Log());
    if (level == nullptr) return FOVEA_ERROR_UNSUPPORTED_ISA;
    const ops::CpuFeatureSet features = ops::detect_cpu_features();
    const std::size_t entry_size = capacity != 0 ? kernels->size : 0;
    std::uint32_t rows = 0;
    for (std::size_t i = 0; i < ops::operation_count(); ++i) {
        const ops::OperationListing operation = ops::operation_listing(i);
        const std::size_t chosen = operation.selected(level->allowed & features);
        for (std::size_t v = 0; v < operation.count; ++v, ++rows) {
            if (rows >= capacity) continue;
            const ops::KernelDescription variant = operation.variant(v);
            set_defaults<fovea_kernel>({.size = 0,
                                        .operation = operation.operation,
                                        .variant = variant.name,
                                        .available = (variant.required & ~features) == 0 ? 1 : 0,
                                        .chosen = v == chosen ? 1 : 0},
                                       entry_of(kernels, entry_size, rows), entry_size);
        }
    }
    *count = rows;
    return FOVEA_OK;
}
