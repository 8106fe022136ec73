// SPDX-License-Identifier: Apache-2.0
#include "sha256.h"

#include <algorithm>
#include <cstring>

namespace fovea::cli {
void Sha256::update(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const unsigned char*>(data);
    bytes_ += size;
    while (size > 0) {
        if (filled_ == 0 && size >= block_.size()) {
            const std::size_t blocks = size / block_.size();
            take_blocks_(state_.data(), bytes, blocks);
            bytes += blocks * block_.size();
            size -= blocks * block_.size();
            continue;
        }
        const std::size_t count = std::min(size, block_.size() - filled_);
        std::memcpy(block_.data() + filled_, bytes, count);
        filled_ += count;
        bytes += count;
        size -= count;
        if (filled_ == block_.size()) {
            take_blocks_(state_.data(), block_.data(), 1);
            filled_ = 0;
        }
    }
}

std::string Sha256::finish() {
    const std::uint64_t bits = bytes_ * 8;
    const unsigned char one_bit = 0x80;
    update(&one_bit, 1);
    const unsigned char zero = 0;
    while (filled_ != 56) update(&zero, 1);
    std::array<unsigned char, 8> length;
    for (std::size_t i = 0; i < 8; ++i) {
        length[i] = static_cast<unsigned char>(bits >> (56 - 8 * i));
    }
    update(length.data(), length.size());
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    text.reserve(64);
    for (const std::uint32_t word : state_) {
        for (int shift = 28; shift >= 0; shift -= 4) text += kDigits[word >> shift & 15];
    }
    return text;
}

std::string sha256(const void* data, std::size_t size) {
    Sha256 hash;
    hash.update(data, size);
    return hash.finish();
}

}  // namespace fovea::cli
