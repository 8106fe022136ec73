// SPDX-License-Identifier: Apache-2.0
// C entry points: pictures and presets.
#include "fovea/fovea.h"
#include "preprocess/preset.h"

using namespace fovea;

const char* fovea_preset_name(uint32_t index) {
    if (index > static_cast<std::uint32_t>(preprocess::Preset::kEyeq)) return nullptr;
    return preprocess::preset_name(static_cast<preprocess::Preset>(index));
}
