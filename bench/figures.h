// SPDX-License-Identifier: Apache-2.0
// What the programs say of the times that they took, and of which file.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace fovea::bench {

// The value below which `part` of the values lie.
inline double percentile(std::vector<double> values, double part) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + 0.5)];
}

// Of a path, without the folders.
inline std::string file_name(const std::string& path) {
    const std::size_t slash = path.find_last_of('/');
    return slash == std::string::npos ? path : path.substr(slash + 1);
}

// And without what follows the last dot.
inline std::string stem(const std::string& path) {
    const std::string name = file_name(path);
    return name.substr(0, name.rfind('.'));
}

}  // namespace fovea::bench
