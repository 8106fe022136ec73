// SPDX-License-Identifier: Apache-2.0
// What the files with the C entry points share.
#pragma once

#include <new>
#include <utility>

#include "engine/api/structs.h"
#include "engine/default_floats.h"
#include "engine/log.h"
#include "engine/settings.h"
#include "fovea/fovea.h"
#include "preprocess/memory.h"

namespace fovea {

// new and delete through an allocator; null when out of memory.
template <typename Object, typename... Arguments>
Object* create(const Allocator& allocator, Arguments&&... arguments) {
    void* place = allocate_bytes(allocator, sizeof(Object));
    return place == nullptr ? nullptr : new (place) Object(std::forward<Arguments>(arguments)...);
}

template <typename Object>
void destroy(const Allocator& allocator, Object* object) {
    if (object == nullptr) return;
    object->~Object();
    release_bytes(allocator, object);
}

}  // namespace fovea
