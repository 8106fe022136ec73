// SPDX-License-Identifier: Apache-2.0
#include "ops/activation_gradient/activation_gradient.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<ActivationGradientFp32Function> kVariants[] = {
    FOVEA_ROW_AVX2(activation_gradient_fp32_avx2)
    FOVEA_ROW_NEON(activation_gradient_fp32_neon)
    FOVEA_ROW_SCALAR(activation_gradient_fp32_scalar)
};

}  // namespace

constinit const KernelTable<ActivationGradientFp32Function> kActivationGradientFp32 =
    make_table("activation_gradient_fp32", kVariants);

}  // namespace fovea::ops
