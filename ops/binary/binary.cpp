// SPDX-License-Identifier: Apache-2.0
#include "ops/binary/binary.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<BinaryFp32Function> kVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"binary_fp32_avx2", binary_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"binary_fp32_neon", binary_fp32_neon, kFeatureNeon},
#endif
    {"binary_fp32_scalar", binary_fp32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<BinaryFp32Function> kBinaryFp32 = {
    "binary_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
