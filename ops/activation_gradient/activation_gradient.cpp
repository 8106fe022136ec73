// SPDX-License-Identifier: Apache-2.0
#include "ops/activation_gradient/activation_gradient.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<ActivationGradientFp32Function> kVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"activation_gradient_fp32_avx2", activation_gradient_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"activation_gradient_fp32_neon", activation_gradient_fp32_neon, kFeatureNeon},
#endif
    {"activation_gradient_fp32_scalar", activation_gradient_fp32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<ActivationGradientFp32Function> kActivationGradientFp32 = {
    "activation_gradient_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
