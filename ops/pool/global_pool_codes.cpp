// SPDX-License-Identifier: Apache-2.0
#include "ops/pool/global_pool_codes.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<GlobalPoolCodesFunction> kVariants[] = {
    FOVEA_ROW_AVX2(global_pool_codes_avx2)
    FOVEA_ROW_NEON(global_pool_codes_neon)
    FOVEA_ROW_SCALAR(global_pool_codes_scalar)
};

}  // namespace

constinit const KernelTable<GlobalPoolCodesFunction> kGlobalPoolCodes = make_table("global_pool_codes", kVariants);

}  // namespace fovea::ops
