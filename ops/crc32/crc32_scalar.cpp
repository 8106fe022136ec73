// SPDX-License-Identifier: Apache-2.0
// CRC-32 of zlib, PNG and gzip (reflected polynomial 0xEDB88320), four bytes a step ("slicing by
// 4": M. E. Kounavis and F. L. Berry, "A systematic approach to building high performance
// software-based CRC generators", ISCC 2005).
//
// table[0][b] is the remainder of byte b followed by nothing; table[k][b] that of byte b followed
// by k zero bytes. The remainder of four bytes is the exclusive or of four look-ups, because the
// remainder is linear. Nearly every CPU has an instruction for all this: tables for eight bytes would only make
// a phone's program larger.
#include <array>

#include "ops/crc32/crc32.h"

namespace fovea::ops {
namespace {

constexpr int kSlices = 4;
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
    for (; size >= 4; size -= 4, bytes += 4) {
        const std::uint32_t word = load32(bytes) ^ crc;
        crc = kTables[3][word & 0xFFu] ^ kTables[2][(word >> 8) & 0xFFu] ^
              kTables[1][(word >> 16) & 0xFFu] ^ kTables[0][word >> 24];
    }
    for (; size > 0; --size, ++bytes) crc = (crc >> 8) ^ kTables[0][(crc ^ *bytes) & 0xFFu];
    return ~crc;
}

}  // namespace fovea::ops
