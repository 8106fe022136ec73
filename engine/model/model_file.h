// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/log.h"
#include "engine/model/contents.h"
#include "fovea/fovea.h"
#include "preprocess/memory.h"

namespace fovea {

// Reads size bytes at data, which is 64-byte aligned. Believes nothing: whatever the bytes are, the
// answer is FOVEA_OK with a model that the planner may trust (references in range, sizes exact,
// weights finite, shapes sound at the default input size), or a status with a log line that names
// what is wrong.
fovea_status read_model_file(const std::uint8_t* data, std::size_t size, const Allocator& allocator,
                             const Log& log, ModelFile* model);

}  // namespace fovea
