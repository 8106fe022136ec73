// SPDX-License-Identifier: Apache-2.0
// The public header's settings inside the library.
#pragma once

#include "fovea/fovea.h"
#include "preprocess/memory.h"

namespace fovea {

inline bool is_valid(const fovea_allocator& allocator) {
    return (allocator.allocate == nullptr) == (allocator.release == nullptr);
}

inline Allocator to_internal(const fovea_allocator& allocator) {
    return {allocator.allocate, allocator.release, allocator.cookie};
}

// What may be kept of settings: isa, taps and workspace are the caller's, who may free them.
inline fovea_session_settings without_pointers(fovea_session_settings settings) {
    settings.isa = nullptr;
    settings.taps = nullptr;
    settings.tap_count = 0;
    settings.workspace = nullptr;
    settings.workspace_size = 0;
    return settings;
}

}  // namespace fovea
