// SPDX-License-Identifier: Apache-2.0
#include "ops/activation/activation.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<ActivationFp32Function> kVariants[] = {
    FOVEA_ROW_AVX2(activation_fp32_avx2)
    FOVEA_ROW_NEON(activation_fp32_neon)
    FOVEA_ROW_SCALAR(activation_fp32_scalar)
};

constexpr KernelVariant<ActivationFp16Function> kActivationFp16Variants[] = {
    FOVEA_ROW_NEON_FP16(activation_fp16_neon_fp16)
    FOVEA_ROW_HALF_SPECIFICATION(activation_fp16_scalar)
};

}  // namespace

constinit const KernelTable<ActivationFp32Function> kActivationFp32 = make_table("activation_fp32", kVariants);

constinit const KernelTable<ActivationFp16Function> kActivationFp16 = make_table("activation_fp16", kActivationFp16Variants);

}  // namespace fovea::ops
