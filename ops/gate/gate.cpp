// SPDX-License-Identifier: Apache-2.0
#include "ops/gate/gate.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<GateFp32Function> kFp32Variants[] = {
    FOVEA_ROW_AVX2(gate_fp32_avx2)
    FOVEA_ROW_NEON(gate_fp32_neon)
    FOVEA_ROW_SCALAR(gate_fp32_scalar)
};

constexpr KernelVariant<GateFp16Function> kFp16Variants[] = {
    FOVEA_ROW_NEON_FP16(gate_fp16_neon_fp16)
    FOVEA_ROW_HALF_SPECIFICATION(gate_fp16_scalar)
};

}  // namespace

constinit const KernelTable<GateFp32Function> kGateFp32 = make_table("gate_fp32", kFp32Variants);

constinit const KernelTable<GateFp16Function> kGateFp16 = make_table("gate_fp16", kFp16Variants);

}  // namespace fovea::ops
