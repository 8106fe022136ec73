// SPDX-License-Identifier: Apache-2.0
// affine_xsimd.h for AVX2: 8 floats a register.
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include "ops/affine/affine_xsimd.h"

namespace fovea::ops {
namespace {

using Arch = xsimd::fma3<xsimd::avx2>;

struct Loader {
    static constexpr int kVectors = 1;
    static void load(const float* source, xsimd::batch<float, Arch> (&values)[1]) {
        values[0] = xsimd::batch<float, Arch>::load_unaligned(source);
    }
};

}  // namespace

void affine_fp32_avx2(const AffineFp32Args& args) {
    AffineKernel<Arch, AffineFp32Args, Loader>::run(args);
}

}  // namespace fovea::ops
