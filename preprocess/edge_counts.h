// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace fovea::preprocess {

// The largest sum of three counts next to each other.
inline int most_in_three(const std::uint16_t* counts, int size) {
    std::int16_t most = 0;
    for (int i = 0; i + 3 <= size; ++i) {
        most = std::max(most, static_cast<std::int16_t>(counts[i] + counts[i + 1] + counts[i + 2]));
    }
    return most;
}

}  // namespace fovea::preprocess
