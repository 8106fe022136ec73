// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace fovea::preprocess {

struct DecodeLimits {
    std::uint32_t max_side = 16384;          // pixels
    std::uint64_t max_pixels = 100'000'000;  // decode_image() allows 2^27 at most
    std::uint64_t max_bytes = std::uint64_t{1} << 30;  // working memory, the picture included
    // Asked now and then while a file is read; non-zero stops. May be null.
    int (*cancel)(void* cookie) = nullptr;
    void* cancel_cookie = nullptr;

    bool is_cancelled() const { return cancel != nullptr && cancel(cancel_cookie) != 0; }
};

}  // namespace fovea::preprocess
