// SPDX-License-Identifier: Apache-2.0
// In the place of codes.cpp in a library without networks of 8-bit integers: the reader lets no graph with codes pass, so that
// nothing here has anything to do.
#include "engine/steps/convert.h"
#include "engine/steps/operations.h"

namespace fovea {

bool makes_or_takes_codes(const StepWriter&, std::uint32_t) {
    return false;
}

ops::Activation emit_codes(StepWriter&, std::uint32_t) {
    return ops::Activation::kNone;
}

void use_code_pool(StepWriter&, Step&, ops::PoolKind, bool) {}

void codes_to_floats(const Run&, std::uint32_t, float*) {}

}  // namespace fovea
