// SPDX-License-Identifier: Apache-2.0
// The seeds of decode_fuzz (FOVEA_CORPUS, set by the build).
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace fovea {

using Bytes = std::vector<std::uint8_t>;

inline Bytes read_seed(const std::string& name) {
    std::ifstream stream(std::filesystem::path(FOVEA_CORPUS) / name, std::ios::binary);
    REQUIRE_MESSAGE(stream.good(), name);
    return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace fovea
