// SPDX-License-Identifier: Apache-2.0
#include "engine/api/structs.h"

#include <algorithm>
#include <cstring>

namespace fovea {
namespace {

// Far above every struct of the header: a size above it was never set.
constexpr std::size_t kMaxStructSize = std::size_t{1} << 14;

std::size_t size_of(const void* given) {
    std::size_t size = 0;
    std::memcpy(&size, given, sizeof(size));
    return size;
}

}  // namespace

const char* struct_size_problem(std::size_t size) {
    // A struct ends where a size_t could follow: in no version is half a field left over.
    const bool is_one = size >= sizeof(size) && size <= kMaxStructSize && size % alignof(std::size_t) == 0;
    return is_one ? nullptr : "size is not a struct's: it is not initialised";
}

const char* read_struct_bytes(const void* given, void* known, std::size_t known_size) {
    const std::size_t size = size_of(given);
    const char* problem = struct_size_problem(size);
    if (problem != nullptr) return problem;
    const auto* from = static_cast<const unsigned char*>(given);
    std::memcpy(static_cast<unsigned char*>(known) + sizeof(size), from + sizeof(size),
                std::min(size, known_size) - sizeof(size));
    for (std::size_t i = known_size; i < size; ++i) {
        if (from[i] != 0) return "a field is set that this version of the library does not know";
    }
    return nullptr;
}

void fill_struct_bytes(const void* known, std::size_t known_size, void* given) {
    const std::size_t size = size_of(given);
    auto* to = static_cast<unsigned char*>(given);
    std::memcpy(to + sizeof(size), static_cast<const unsigned char*>(known) + sizeof(size),
                std::min(size, known_size) - sizeof(size));
    if (size > known_size) std::memset(to + known_size, 0, size - known_size);
}

}  // namespace fovea
