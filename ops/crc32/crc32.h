// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/kernel_variant.h"

namespace fovea::ops {

// CRC-32 (reflected polynomial 0xEDB88320, initial value and final xor 0xFFFFFFFF: the one of zlib,
// PNG and gzip). Pass 0 first, then the last result to continue.
using Crc32Function = std::uint32_t (*)(std::uint32_t crc, const void* data, std::size_t size);

std::uint32_t crc32_scalar(std::uint32_t crc, const void* data, std::size_t size);
std::uint32_t crc32_pclmul(std::uint32_t crc, const void* data, std::size_t size);
std::uint32_t crc32_vpclmul(std::uint32_t crc, const void* data, std::size_t size);
std::uint32_t crc32_armv8crc(std::uint32_t crc, const void* data, std::size_t size);

extern const KernelTable<Crc32Function> kCrc32;

}  // namespace fovea::ops
