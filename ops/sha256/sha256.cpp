// SPDX-License-Identifier: Apache-2.0
#include "ops/sha256/sha256.h"

#include <cstring>

namespace fovea::ops {

void sha256(Sha256BlocksFunction take_blocks, const void* data, std::size_t size, char digits[65]) {
    std::uint32_t state[] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const auto* bytes = static_cast<const unsigned char*>(data);
    const std::size_t whole = size / 64, rest = size % 64;
    if (whole > 0) take_blocks(state, bytes, whole);
    // The end: a bit that is one, zeros, and the length in bits, for which one block or two have room.
    unsigned char end[128] = {};
    const std::size_t end_size = rest < 56 ? 64 : 128;
    if (rest > 0) std::memcpy(end, bytes + 64 * whole, rest);
    end[rest] = 0x80;
    const std::uint64_t bits = std::uint64_t{size} * 8;
    for (std::size_t i = 0; i < 8; ++i) end[end_size - 1 - i] = static_cast<unsigned char>(bits >> 8 * i);
    take_blocks(state, end, end_size / 64);
    for (std::size_t i = 0; i < 64; ++i) digits[i] = "0123456789abcdef"[state[i / 8] >> (28 - 4 * (i % 8)) & 15];
    digits[64] = '\0';
}

}  // namespace fovea::ops
