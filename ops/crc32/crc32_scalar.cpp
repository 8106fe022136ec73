// SPDX-License-Identifier: Apache-2.0
// CRC-32 of zlib, PNG and gzip (reflected polynomial 0xEDB88320), four bytes a step ("slicing by
// 4": M. E. Kounavis and F. L. Berry, "A systematic approach to building high performance
// software-based CRC generators", ISCC 2005).
//
// table[0][b] is the remainder of byte b followed by nothing; table[k][b] that of byte b followed
// by k zero bytes. The remainder of four bytes is the exclusive or of four look-ups, because the
// remainder is linear. Nearly every CPU has an instruction for all this: the tables are made in each call, since as constants they
// would be 4 KB of a phone's program. What is short, and not worth its tables, goes four bits at a time.
#include "ops/crc32/crc32.h"

namespace fovea::ops {
namespace {

constexpr std::size_t kShort = 4096;

struct FourBits {
    std::uint32_t remainders[16] = {};
    constexpr FourBits() {
        for (std::uint32_t bits = 0; bits < 16; ++bits) {
            remainders[bits] = bits;
            for (int bit = 0; bit < 4; ++bit) {
                const std::uint32_t more = (remainders[bits] & 1u) != 0 ? 0xEDB88320u : 0u;
                remainders[bits] = (remainders[bits] >> 1) ^ more;
            }
        }
    }
};
constexpr FourBits kFourBits;

std::uint32_t add_byte(std::uint32_t crc, std::uint32_t byte) {
    crc ^= byte;
    crc = (crc >> 4) ^ kFourBits.remainders[crc & 15u];
    return (crc >> 4) ^ kFourBits.remainders[crc & 15u];
}

struct Tables {
    std::uint32_t table[4][256];
    Tables() {
        for (std::uint32_t byte = 0; byte < 256; ++byte) {
            std::uint32_t remainder = 0;
            for (auto& row : table) {
                remainder = add_byte(remainder, &row == table ? byte : 0);
                row[byte] = remainder;
            }
        }
    }
};

// Little-endian on every machine.
std::uint32_t load32(const unsigned char* bytes) {
    return static_cast<std::uint32_t>(bytes[0]) | static_cast<std::uint32_t>(bytes[1]) << 8 |
           static_cast<std::uint32_t>(bytes[2]) << 16 | static_cast<std::uint32_t>(bytes[3]) << 24;
}

}  // namespace

std::uint32_t crc32_scalar(std::uint32_t crc, const void* data, std::size_t size) {
    const unsigned char* bytes = static_cast<const unsigned char*>(data);
    crc = ~crc;
    if (size >= kShort) {
        const Tables tables;
        for (; size >= 4; size -= 4, bytes += 4) {
            const std::uint32_t word = load32(bytes) ^ crc;
            crc = tables.table[3][word & 0xFFu] ^ tables.table[2][(word >> 8) & 0xFFu] ^
                  tables.table[1][(word >> 16) & 0xFFu] ^ tables.table[0][word >> 24];
        }
    }
    for (; size > 0; --size, ++bytes) crc = add_byte(crc, *bytes);
    return ~crc;
}

}  // namespace fovea::ops
