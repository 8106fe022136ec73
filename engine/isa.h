// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/log.h"
#include "ops/cpu_features.h"

namespace fovea {

// The instruction-set level of a name (null = the best of this CPU), or null with a log line when
// this CPU or build has none of that name.
const ops::IsaLevel* choose_isa(const char* name, const Log& log);

}  // namespace fovea
