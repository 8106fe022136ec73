// SPDX-License-Identifier: Apache-2.0
#include "ops/gate/gate.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<GateFp32Function> kVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"gate_fp32_avx2", gate_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"gate_fp32_neon", gate_fp32_neon, kFeatureNeon},
#endif
    {"gate_fp32_scalar", gate_fp32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<GateFp32Function> kGateFp32 = {
    "gate_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
