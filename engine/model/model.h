// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/log.h"
#include "engine/model/contents.h"
#include "engine/model/source.h"
#include "fovea/fovea.h"
#include "preprocess/memory.h"

// The public header's opaque model: the file's bytes and what they say. Immutable once loaded.
struct fovea_model {
    fovea_model(const fovea::Allocator& allocator_, const fovea::Log& log_)
        : allocator(allocator_), log(log_), source(allocator_) {}

    fovea::Allocator allocator;
    fovea::Log log;
    fovea::ModelSource source;
    fovea::ModelFile file;
};
