// SPDX-License-Identifier: Apache-2.0
#include "ops/pool/pool.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<PoolFp32Function> kPoolFp32Variants[] = {
    {"pool_fp32_scalar", pool_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<GlobalPoolFp32Function> kGlobalPoolFp32Variants[] = {
    {"global_pool_fp32_scalar", global_pool_fp32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<PoolFp32Function> kPoolFp32 = {
    "pool_fp32", kPoolFp32Variants, sizeof(kPoolFp32Variants) / sizeof(kPoolFp32Variants[0])};

constinit const KernelTable<GlobalPoolFp32Function> kGlobalPoolFp32 = {
    "global_pool_fp32", kGlobalPoolFp32Variants,
    sizeof(kGlobalPoolFp32Variants) / sizeof(kGlobalPoolFp32Variants[0])};

}  // namespace fovea::ops
