// SPDX-License-Identifier: Apache-2.0
// Structs of the public header between programs and libraries of different versions: the caller's may be shorter
// than this library's, made by an older program, or longer, made by a newer one.
#pragma once

#include <cstddef>
#include <type_traits>

namespace fovea {

// What is wrong with the size that a struct begins with; null where it may be that of some version.
const char* struct_size_problem(std::size_t size);

// The work of the templates below, on structs of any kind.
const char* read_struct_bytes(const void* given, void* known, std::size_t known_size);
void fill_struct_bytes(const void* known, std::size_t known_size, void* given);

template <typename Struct>
constexpr bool kBeginsWithSize =
    std::is_trivially_copyable_v<Struct> && std::is_same_v<decltype(Struct::size), std::size_t> && offsetof(Struct, size) == 0;

// Takes over the fields that the caller's struct has; those that it lacks stay as they are in *known, at their
// defaults. A null one lacks all. Returns null, or what is wrong with it: then fields may have been taken over, and
// pointers among them, as those to a log, be used.
template <typename Struct>
[[nodiscard]] const char* read_struct(const Struct* given, Struct* known) {
    static_assert(kBeginsWithSize<Struct>);
    if (given == nullptr) return nullptr;
    const char* problem = read_struct_bytes(given, known, sizeof(Struct));
    if constexpr (requires { known->reserved; }) {
        if (problem == nullptr && known->reserved != 0) problem = "reserved is not 0";
    }
    return problem;
}

// Whether a struct can be filled: it is there, and its size is one.
template <typename Struct>
[[nodiscard]] bool can_be_filled(const Struct* given) {
    static_assert(kBeginsWithSize<Struct>);
    return given != nullptr && struct_size_problem(given->size) == nullptr;
}

// Writes the fields that the caller's struct has, but for its size; what this library does not know becomes zero.
// It can be filled.
template <typename Struct>
void fill_struct(const Struct& known, Struct* given) {
    static_assert(kBeginsWithSize<Struct>);
    fill_struct_bytes(&known, sizeof(Struct), given);
}

// Sets a struct of that many bytes to its defaults, where the size is a struct's.
template <typename Struct>
void set_defaults(const Struct& defaults, Struct* given, std::size_t size) {
    static_assert(kBeginsWithSize<Struct>);
    if (given == nullptr || struct_size_problem(size) != nullptr) return;
    given->size = size;
    fill_struct(defaults, given);
}

// The entries of a caller's array lie as far apart as the first says.
template <typename Struct>
Struct* entry_of(Struct* first, std::size_t size, std::size_t index) {
    return reinterpret_cast<Struct*>(reinterpret_cast<unsigned char*>(first) + size * index);
}

}  // namespace fovea
