// SPDX-License-Identifier: Apache-2.0
#include "ops/gate/gate.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<GateFp32Function> kFp32Variants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"gate_fp32_avx2", gate_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"gate_fp32_neon", gate_fp32_neon, kFeatureNeon},
#endif
    {"gate_fp32_scalar", gate_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<GateFp16Function> kFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON_FP16)
    {"gate_fp16_neon_fp16", gate_fp16_neon_fp16, kFeatureNeonFp16},
#endif
    {"gate_fp16_scalar", gate_fp16_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<GateFp32Function> kGateFp32 = {
    "gate_fp32", kFp32Variants, sizeof(kFp32Variants) / sizeof(kFp32Variants[0])};

constinit const KernelTable<GateFp16Function> kGateFp16 = {
    "gate_fp16", kFp16Variants, sizeof(kFp16Variants) / sizeof(kFp16Variants[0])};

}  // namespace fovea::ops
