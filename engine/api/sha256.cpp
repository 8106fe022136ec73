// SPDX-License-Identifier: Apache-2.0
// C entry point: what names files in reports.
#include "fovea/fovea.h"
#include "ops/cpu_features.h"
#include "ops/sha256/sha256.h"

using namespace fovea;

fovea_status fovea_sha256(const void* data, size_t data_size, char digits[65]) {
    if ((data == nullptr && data_size != 0) || digits == nullptr) return FOVEA_ERROR_INVALID_ARGUMENT;
    ops::sha256(ops::kSha256Blocks.select(ops::detect_cpu_features()).function, data, data_size, digits);
    return FOVEA_OK;
}
