// SPDX-License-Identifier: Apache-2.0
#include "ops/activation/activation.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<ActivationFp32Function> kVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"activation_fp32_avx2", activation_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"activation_fp32_neon", activation_fp32_neon, kFeatureNeon},
#endif
    {"activation_fp32_scalar", activation_fp32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<ActivationFp32Function> kActivationFp32 = {
    "activation_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
