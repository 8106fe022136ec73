// SPDX-License-Identifier: Apache-2.0
// The same in C++, where the calls must keep their C names.
#include <fovea/fovea.h>
#include <fovea/fovea.h>

int header_alone(fovea_screening* screening) {
    *screening = {};
    return static_cast<int>(fovea_status_string(FOVEA_OK)[0]);
}
