// SPDX-License-Identifier: Apache-2.0
#include "ops/codes/code_maps.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<AddCodesFunction> kAddVariants[] = {
    FOVEA_ROW_AVX512(add_codes_avx512)
    FOVEA_ROW_AVX2(add_codes_avx2)
    FOVEA_ROW_NEON(add_codes_neon)
    FOVEA_ROW_SCALAR(add_codes_scalar)
};

constexpr KernelVariant<GateCodesFunction> kGateVariants[] = {
    FOVEA_ROW_AVX512(gate_codes_avx512)
    FOVEA_ROW_AVX2(gate_codes_avx2)
    FOVEA_ROW_NEON(gate_codes_neon)
    FOVEA_ROW_SCALAR(gate_codes_scalar)
};

constexpr KernelVariant<QuantiseFp32Function> kQuantiseFp32Variants[] = {
    FOVEA_ROW_SCALAR(quantise_fp32_scalar)
};

constexpr KernelVariant<QuantisePixelsFunction> kQuantisePixelsVariants[] = {
    FOVEA_ROW_AVX512(quantise_pixels_avx512)
    FOVEA_ROW_AVX2(quantise_pixels_avx2)
    FOVEA_ROW_NEON(quantise_pixels_neon)
    FOVEA_ROW_SCALAR(quantise_pixels_scalar)
};

constexpr KernelVariant<DequantiseFunction> kDequantiseVariants[] = {
    FOVEA_ROW_NEON(dequantise_neon)
    FOVEA_ROW_SCALAR(dequantise_scalar)
};

}  // namespace

constinit const KernelTable<AddCodesFunction> kAddCodes = make_table("add_codes", kAddVariants);

constinit const KernelTable<GateCodesFunction> kGateCodes = make_table("gate_codes", kGateVariants);

constinit const KernelTable<QuantiseFp32Function> kQuantiseFp32 = make_table("quantise_fp32", kQuantiseFp32Variants);

constinit const KernelTable<QuantisePixelsFunction> kQuantisePixels = make_table("quantise_pixels", kQuantisePixelsVariants);

constinit const KernelTable<DequantiseFunction> kDequantise = make_table("dequantise", kDequantiseVariants);

}  // namespace fovea::ops
