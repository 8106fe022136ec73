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

constexpr KernelVariant<BinaryFp16Function> kBinaryFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON_FP16)
    {"binary_fp16_neon_fp16", binary_fp16_neon_fp16, kFeatureNeonFp16},
#endif
    {"binary_fp16_scalar", binary_fp16_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<BinaryFp32Function> kBinaryFp32 = {
    "binary_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0]), true};

constinit const KernelTable<BinaryFp16Function> kBinaryFp16 = {
    "binary_fp16", kBinaryFp16Variants, sizeof(kBinaryFp16Variants) / sizeof(kBinaryFp16Variants[0])};

}  // namespace fovea::ops
