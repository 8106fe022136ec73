// SPDX-License-Identifier: Apache-2.0
// What the library says of a model file: the status, and the first line of its log.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "fovea/fovea.h"
#include "tests/unit/model_builder.h"
#include "tests/unit/test_memory.h"

namespace load_attempt {

struct Attempt {
    fovea_status status;
    std::string message;
};

// Whatever is wrong with the file, a model is there if and only if the status says so, a refusal is logged, and no memory is left behind.
inline Attempt load(const model_builder::Bytes& file, fovea_ownership ownership = FOVEA_BORROW) {
    test_memory::AlignedCopy copy(file.data(), file.size());
    test_memory::CountingAllocator allocator;
    test_memory::LogCatcher log;
    fovea_model_settings settings;
    fovea_model_settings_init(&settings);
    settings.allocator = allocator.hooks();
    settings.log = log.hooks();
    fovea_model* model = nullptr;
    const fovea_status status = fovea_model_load_memory(copy.data(), copy.size(), ownership, &settings, &model);
    CHECK((model != nullptr) == (status == FOVEA_OK));
    CHECK((status == FOVEA_OK) == log.lines.empty());
    fovea_model_close(&model);
    CHECK(allocator.live == 0);
    return {status, log.lines.empty() ? "" : log.lines.front()};
}

}  // namespace load_attempt
