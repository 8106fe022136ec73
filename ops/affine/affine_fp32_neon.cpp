// SPDX-License-Identifier: Apache-2.0
// affine_xsimd.h for NEON: 4 floats a register.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include "ops/affine/affine_xsimd.h"

namespace fovea::ops {
namespace {

using Arch = xsimd::neon64;

struct Loader {
    static constexpr int kVectors = 1;
    static void load(const float* source, xsimd::batch<float, Arch> (&values)[1]) {
        values[0] = xsimd::batch<float, Arch>::load_unaligned(source);
    }
};

}  // namespace

void affine_fp32_neon(const AffineFp32Args& args) {
    AffineKernel<Arch, AffineFp32Args, Loader>::run(args);
}

}  // namespace fovea::ops
