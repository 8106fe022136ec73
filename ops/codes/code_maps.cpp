// SPDX-License-Identifier: Apache-2.0
#include "ops/codes/code_maps.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<AddCodesFunction> kAddVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"add_codes_avx2", add_codes_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"add_codes_neon", add_codes_neon, kFeatureNeon},
#endif
    {"add_codes_scalar", add_codes_scalar, kFeatureNone},
};

constexpr KernelVariant<GateCodesFunction> kGateVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"gate_codes_avx2", gate_codes_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"gate_codes_neon", gate_codes_neon, kFeatureNeon},
#endif
    {"gate_codes_scalar", gate_codes_scalar, kFeatureNone},
};

constexpr KernelVariant<QuantiseFp32Function> kQuantiseFp32Variants[] = {
    {"quantise_fp32_scalar", quantise_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<QuantisePixelsFunction> kQuantisePixelsVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"quantise_pixels_avx2", quantise_pixels_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"quantise_pixels_neon", quantise_pixels_neon, kFeatureNeon},
#endif
    {"quantise_pixels_scalar", quantise_pixels_scalar, kFeatureNone},
};

constexpr KernelVariant<DequantiseFunction> kDequantiseVariants[] = {
    {"dequantise_scalar", dequantise_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<AddCodesFunction> kAddCodes = {
    "add_codes", kAddVariants, sizeof(kAddVariants) / sizeof(kAddVariants[0])};

constinit const KernelTable<GateCodesFunction> kGateCodes = {
    "gate_codes", kGateVariants, sizeof(kGateVariants) / sizeof(kGateVariants[0])};

constinit const KernelTable<QuantiseFp32Function> kQuantiseFp32 = {
    "quantise_fp32", kQuantiseFp32Variants, sizeof(kQuantiseFp32Variants) / sizeof(kQuantiseFp32Variants[0])};

constinit const KernelTable<QuantisePixelsFunction> kQuantisePixels = {
    "quantise_pixels", kQuantisePixelsVariants, sizeof(kQuantisePixelsVariants) / sizeof(kQuantisePixelsVariants[0])};

constinit const KernelTable<DequantiseFunction> kDequantise = {
    "dequantise", kDequantiseVariants, sizeof(kDequantiseVariants) / sizeof(kDequantiseVariants[0])};

}  // namespace fovea::ops
