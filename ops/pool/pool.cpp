// SPDX-License-Identifier: Apache-2.0
#include "ops/pool/pool.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<PoolFp32Function> kPoolFp32Variants[] = {
    FOVEA_ROW_AVX2(pool_fp32_avx2)
    FOVEA_ROW_NEON(pool_fp32_neon)
    FOVEA_ROW_SCALAR(pool_fp32_scalar)
};

constexpr KernelVariant<GlobalPoolFp32Function> kGlobalPoolFp32Variants[] = {
    FOVEA_ROW_AVX512(global_pool_fp32_avx512)
    FOVEA_ROW_AVX2(global_pool_fp32_avx2)
    FOVEA_ROW_NEON(global_pool_fp32_neon)
    FOVEA_ROW_SCALAR(global_pool_fp32_scalar)
};

constexpr KernelVariant<PoolFp16Function> kPoolFp16Variants[] = {
    FOVEA_ROW_NEON(pool_fp16_neon)
    FOVEA_ROW_HALF_SPECIFICATION(pool_fp16_scalar)
};

constexpr KernelVariant<GlobalPoolFp16ToFp32Function> kGlobalPoolFp16ToFp32Variants[] = {
    FOVEA_ROW_NEON(global_pool_fp16_to_fp32_neon)
    FOVEA_ROW_HALF_SPECIFICATION(global_pool_fp16_to_fp32_scalar)
};

}  // namespace

constinit const KernelTable<PoolFp32Function> kPoolFp32 = make_table("pool_fp32", kPoolFp32Variants);

constinit const KernelTable<GlobalPoolFp32Function> kGlobalPoolFp32 = make_table("global_pool_fp32", kGlobalPoolFp32Variants, true);

constinit const KernelTable<PoolFp16Function> kPoolFp16 = make_table("pool_fp16", kPoolFp16Variants);

constinit const KernelTable<GlobalPoolFp16ToFp32Function> kGlobalPoolFp16ToFp32 =
    make_table("global_pool_fp16_to_fp32", kGlobalPoolFp16ToFp32Variants);

}  // namespace fovea::ops
