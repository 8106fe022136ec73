// SPDX-License-Identifier: Apache-2.0
#include "ops/binary/binary.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<BinaryFp32Function> kVariants[] = {
    FOVEA_ROW_AVX2(binary_fp32_avx2)
    FOVEA_ROW_NEON(binary_fp32_neon)
    FOVEA_ROW_SCALAR(binary_fp32_scalar)
};

constexpr KernelVariant<BinaryFp16Function> kBinaryFp16Variants[] = {
    FOVEA_ROW_NEON_FP16(binary_fp16_neon_fp16)
    FOVEA_ROW_HALF_SPECIFICATION(binary_fp16_scalar)
};

}  // namespace

constinit const KernelTable<BinaryFp32Function> kBinaryFp32 = make_table("binary_fp32", kVariants, true);

constinit const KernelTable<BinaryFp16Function> kBinaryFp16 = make_table("binary_fp16", kBinaryFp16Variants);

}  // namespace fovea::ops
