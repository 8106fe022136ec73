// SPDX-License-Identifier: Apache-2.0
// In the place of float_twin.cpp in a library without networks of 8-bit integers: no network has a twin.
#include "engine/explain/float_twin.h"

namespace fovea {

FloatTwin::FloatTwin(const Allocator& allocator) : values(allocator), constants(allocator) {}

fovea_status make_float_twin(const Graph&, const Log&, FloatTwin*) {
    return FOVEA_OK;
}

}  // namespace fovea
