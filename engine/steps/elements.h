// SPDX-License-Identifier: Apache-2.0
// Element types as C++ types: the one place that maps one to the other.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/model/graph.h"
#include "ops/half.h"

namespace fovea {

template <typename Element>
inline constexpr ElementType kElementType = ElementType::kF32;
template <>
inline constexpr ElementType kElementType<ops::Half> = ElementType::kF16;
template <>
inline constexpr ElementType kElementType<std::int8_t> = ElementType::kI8;

// What maps may be of, and has kernels: X(type) for each.
#define FOVEA_MAP_ELEMENTS(X) X(float) X(ops::Half) X(std::uint8_t) X(std::int16_t)

// Calls use.operator()<Element>() with the type of a map's elements that are no codes.
template <typename Use>
auto with_element(ElementType type, const Use& use) {
    return type == ElementType::kF16 ? use.template operator()<ops::Half>() : use.template operator()<float>();
}

}  // namespace fovea
