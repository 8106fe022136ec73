// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "sha256_blocks.h"

namespace fovea::cli {

// SHA-256 (FIPS 180-4) of a message that comes in pieces of any size. Names files in reports;
// guards nothing.
class Sha256 {
  public:
    // By the best kernel that this CPU has, or by this one.
    explicit Sha256(Sha256Blocks blocks = sha256_kernels().front().blocks) : take_blocks_(blocks) {}

    void update(const void* data, std::size_t size);
    // 64 lower-case hexadecimal digits. Call once, last.
    std::string finish();

  private:
    Sha256Blocks take_blocks_;
    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::array<unsigned char, 64> block_{};
    std::size_t filled_ = 0;
    std::uint64_t bytes_ = 0;
};

std::string sha256(const void* data, std::size_t size);

}  // namespace fovea::cli
