// SPDX-License-Identifier: Apache-2.0
#include "ops/dense/dense.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<DenseFp32Function> kVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"dense_fp32_avx2", dense_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"dense_fp32_neon", dense_fp32_neon, kFeatureNeon},
#endif
    {"dense_fp32_scalar", dense_fp32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<DenseFp32Function> kDenseFp32 = {
    "dense_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
