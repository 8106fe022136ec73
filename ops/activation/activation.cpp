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

constexpr KernelVariant<ActivationFp16Function> kActivationFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON_FP16)
    {"activation_fp16_neon_fp16", activation_fp16_neon_fp16, kFeatureNeonFp16},
#endif
    {"activation_fp16_scalar", activation_fp16_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<ActivationFp32Function> kActivationFp32 = {
    "activation_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

constinit const KernelTable<ActivationFp16Function> kActivationFp16 = {
    "activation_fp16", kActivationFp16Variants, sizeof(kActivationFp16Variants) / sizeof(kActivationFp16Variants[0])};

}  // namespace fovea::ops
