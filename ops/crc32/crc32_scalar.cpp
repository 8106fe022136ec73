// SPDX-License-Identifier: Apache-2.0
// CRC-32 of zlib, PNG and gzip (reflected polynomial 0xEDB88320), eight bytes a step ("slicing by
// 8": M. E. Kounavis and F. L. Berry, "A systematic approach to building high performance
// software-based CRC generators", ISCC 2005).
//
// table[0][b] is the remainder of byte b followed by nothing; table[k][b] that of byte b followed
// by k zero bytes. The remainder of eight bytes is the exclusive or of eight look-ups, because the
// remainder is linear.
#include <array>

#include "ops/crc32/crc32.h"

namespace fovea::ops {
namespace {

constexpr int kSlices = 8;
using Tables = std::array<std::array<std::uint32_t, 256>, kSlices>;

constexpr Tables make_tables() {
    Tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t remainder = byte;
        for (int bit = 0; bit < 8; ++bit) {
            remainder = (remainder >> 1) ^ ((remainder & 1u) != 0 ? 0xEDB88320u : 0u);
        }
        tables[0][byte] = remainder;
    }
    for (std::size_t k = 1; k < kSlices; ++k) {
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t shorter = tables[k - 1][byte];
            tables[k][byte] = (shorter >> 8) ^ tables[0][shorter & 0xFFu];
        }
    }
    return tables;
}

constexpr Tables kTables = make_tables();

// Little-endian on every machine.
std::uint32_t load32(const unsigned char* bytes) {
    return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
           static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24;
}

}  // namespace

std::uint32_t crc32_scalar(std::uint32_t crc, const void* data, std::size_t size) {
    const unsigned char* bytes = static_cast<const unsigned char*>(data);
    crc = ~crc;
    for (; size >= 8; size -= 8, bytes += 8) {
        const std::uint32_t low = load32(bytes) ^ crc;
        const std::uint32_t high = load32(bytes + 4);
        crc = kTables[7][low & 0xFFu] ^ kTables[6][(low >> 8) & 0xFFu] ^
              kTables[5][(low >> 16) & 0xFFu] ^ kTables[4][low >> 24] ^ kTables[3][high & 0xFFu] ^
              kTables[2][(high >> 8) & 0xFFu] ^ kTables[1][(high >> 16) & 0xFFu] ^
              kTables[0][high >> 24];
    }
    for (; size > 0; --size, ++bytes) crc = (crc >> 8) ^ kTables[0][(crc ^ *bytes) & 0xFFu];
    return ~crc;
}

}  // namespace fovea::ops
