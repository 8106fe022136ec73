// SPDX-License-Identifier: Apache-2.0
#pragma once

// What the tests of the kernels of halves share. A kernel of halves is held against the scalar
// kernel of floats on the same values, which has tests of its own: the scalar kernel of halves is
// to give the half nearest to that; the vector kernels are to be as near as their contract says,
// measured by what the scalar kernel of floats makes of the absolute values.

#include <cmath>
#include <cstddef>
#include <vector>

#include "kernel_check.h"
#include "ops/half.h"
#include "ops/widen/widen.h"

namespace fovea::test {

// Halves with their values, and the absolute ones.
struct HalfArray {
    HalfArray(std::size_t count, std::size_t slack, Random& random, Fill fill)
        : halves(count, slack), floats(count), magnitudes(count) {
        for (std::size_t i = 0; i < count; ++i) floats[i] = half_range(random.value(fill));
        set();
    }
    // From floats that are there; halves of them in `halves`.
    void set() {
        const std::size_t count = floats.size();
        ops::narrow_fp16_scalar({floats.data(), halves.data(), count});
        ops::widen_fp16_scalar({halves.data(), floats.data(), count});
        for (std::size_t i = 0; i < count; ++i) magnitudes[i] = std::fabs(floats[i]);
    }

    // Huge and tiny for a half: a hundred products of two huge stay finite.
    static float half_range(float value) {
        constexpr float kHuge = 24.0f;
        if (std::fabs(value) > kHuge) return std::copysign(kHuge, value);
        if (value != 0.0f && std::fabs(value) < 1e-12f) return std::copysign(3e-7f, value);
        return value;
    }

    GuardedArray<ops::Half> halves;
    std::vector<float> floats;
    std::vector<float> magnitudes;
};

// The halves nearest to some floats.
inline std::vector<ops::Half> narrowed(const std::vector<float>& floats) {
    std::vector<ops::Half> halves(floats.size());
    ops::narrow_fp16_scalar({floats.data(), halves.data(), floats.size()});
    return halves;
}

// Their values.
inline std::vector<float> values_of(const std::vector<ops::Half>& halves) {
    std::vector<float> floats(halves.size());
    ops::widen_fp16_scalar({halves.data(), floats.data(), halves.size()});
    return floats;
}

}  // namespace fovea::test
