// SPDX-License-Identifier: Apache-2.0
#include "ops/stem_pixels/stem_pixels.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<StemPixelsFp32Function> kFp32Variants[] = {
    FOVEA_ROW_AVX512(stem_pixels_fp32_avx512)
    FOVEA_ROW_AVX2(stem_pixels_fp32_avx2)
    FOVEA_ROW_NEON(stem_pixels_fp32_neon)
    FOVEA_ROW_SCALAR(stem_pixels_fp32_scalar)
};

constexpr KernelVariant<StemPixelsFp16Function> kFp16Variants[] = {
    FOVEA_ROW_NEON_FP16(stem_pixels_fp16_neon_fp16)
    FOVEA_ROW_HALF_SPECIFICATION(stem_pixels_fp16_scalar)
};

}  // namespace

constinit const KernelTable<StemPixelsFp32Function> kStemPixelsFp32 = make_table("stem_pixels_fp32", kFp32Variants);

constinit const KernelTable<StemPixelsFp16Function> kStemPixelsFp16 = make_table("stem_pixels_fp16", kFp16Variants);

}  // namespace fovea::ops
