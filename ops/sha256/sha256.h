// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "ops/sha256/sha256_blocks.h"

namespace fovea::ops {

// SHA-256 (FIPS 180-4) of a whole message by a kernel of kSha256Blocks: 64 lower-case hexadecimal digits and a null.
void sha256(Sha256BlocksFunction take_blocks, const void* data, std::size_t size, char digits[65]);

}  // namespace fovea::ops
