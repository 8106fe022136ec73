// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/kernel_variant.h"

namespace fovea::ops {

// FIPS 180-4, section 6.2.2: takes `count` blocks of 64 bytes, at any place, into the eight words of a SHA-256.
using Sha256BlocksFunction = void (*)(std::uint32_t* state, const unsigned char* blocks, std::size_t count);

void sha256_blocks_scalar(std::uint32_t* state, const unsigned char* blocks, std::size_t count);
void sha256_blocks_sha_ni(std::uint32_t* state, const unsigned char* blocks, std::size_t count);
void sha256_blocks_armv8_sha2(std::uint32_t* state, const unsigned char* blocks, std::size_t count);

extern const KernelTable<Sha256BlocksFunction> kSha256Blocks;

// Section 4.2.2: the fractional parts of the cube roots of the first 64 primes.
extern const std::uint32_t kSha256RoundConstants[64];

}  // namespace fovea::ops
