// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "preprocess/cancel.h"

namespace fovea::preprocess {

struct DecodeLimits {
    std::uint32_t max_side = 16384;          // pixels
    std::uint64_t max_pixels = 100'000'000;  // decode_image() allows 2^27 at most
    std::uint64_t max_bytes = std::uint64_t{1} << 30;  // working memory, the picture included
    Cancel cancel = {};  // asked now and then while a file is read
};

}  // namespace fovea::preprocess
