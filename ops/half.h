// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace fovea::ops {

// The bits of an IEEE 754 binary16 number: how maps and weights of half precision are stored. An
// operation on halves says in its contract where it rounds: to the nearest half, ties to even; what
// is larger than 65504 becomes an infinity.
using Half = std::uint16_t;

// How many products the convolutions of halves sum in one go. A sum of n halves that is rounded n
// times loses up to n roundings of its size; in blocks it is (kHalfBlock + n / kHalfBlock).
inline constexpr int kHalfBlock = 128;

}  // namespace fovea::ops
