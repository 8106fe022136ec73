// SPDX-License-Identifier: Apache-2.0
#include "ops/widen/widen.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<WidenFp16Function> kVariants[] = {
    FOVEA_ROW_AVX2(widen_fp16_avx2)
    FOVEA_ROW_NEON(widen_fp16_neon)
    FOVEA_ROW_SCALAR(widen_fp16_scalar)
};

constexpr KernelVariant<NarrowFp16Function> kNarrowVariants[] = {
    FOVEA_ROW_AVX2(narrow_fp16_avx2)
    FOVEA_ROW_NEON(narrow_fp16_neon)
    FOVEA_ROW_SCALAR(narrow_fp16_scalar)
};

}  // namespace

constinit const KernelTable<WidenFp16Function> kWidenFp16 = make_table("widen_fp16", kVariants);

constinit const KernelTable<NarrowFp16Function> kNarrowFp16 = make_table("narrow_fp16", kNarrowVariants);

}  // namespace fovea::ops
