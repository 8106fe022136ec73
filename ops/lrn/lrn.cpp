// SPDX-License-Identifier: Apache-2.0
#include "ops/lrn/lrn.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<LrnFp32Function> kVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"lrn_fp32_avx2", lrn_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"lrn_fp32_neon", lrn_fp32_neon, kFeatureNeon},
#endif
    {"lrn_fp32_scalar", lrn_fp32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<LrnFp32Function> kLrnFp32 = {"lrn_fp32", kVariants,
                                                         sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
