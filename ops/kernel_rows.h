// SPDX-License-Identifier: Apache-2.0
// The rows of kernel tables. A row names its function once; of instruction sets that are not built there is none.
//
//   constexpr KernelVariant<ThingFunction> kVariants[] = {
//       FOVEA_ROW_AVX2(thing_fp32_avx2)
//       FOVEA_ROW_NEON(thing_fp32_neon)
//       FOVEA_ROW_SCALAR(thing_fp32_scalar)
//   };
//   constinit const KernelTable<ThingFunction> kThing = make_table("thing_fp32", kVariants);
#pragma once

#include "ops/kernel_variant.h"

#define FOVEA_ROW(function, needs) {#function, function, needs},
#define FOVEA_NO_ROW(function)

#define FOVEA_ROW_SCALAR(function) FOVEA_ROW(function, kFeatureNone)

// What the kernels of halves (fp16) are to give. No plan uses it: where nothing is better, networks of halves are computed in floats. So
// the tables that users get end with an empty row in its place, and those that tests link have it.
#if defined(FOVEA_HALF_SPECIFICATION)
#define FOVEA_ROW_HALF_SPECIFICATION(function) FOVEA_ROW_SCALAR(function)
#else
#define FOVEA_ROW_HALF_SPECIFICATION(function) {nullptr, nullptr, kFeatureNone},
#endif

#if defined(FOVEA_HAVE_AVX2)
#define FOVEA_ROW_AVX2(function) FOVEA_ROW(function, kFeatureAvx2Fma)
#else
#define FOVEA_ROW_AVX2 FOVEA_NO_ROW
#endif

#if defined(FOVEA_HAVE_AVX512)
#define FOVEA_ROW_AVX512(function) FOVEA_ROW(function, kFeatureAvx512)
#else
#define FOVEA_ROW_AVX512 FOVEA_NO_ROW
#endif

#if defined(FOVEA_HAVE_AVX512_VNNI)
#define FOVEA_ROW_AVX512_VNNI(function) FOVEA_ROW(function, kFeatureAvx512 | kFeatureAvx512Vnni)
#else
#define FOVEA_ROW_AVX512_VNNI FOVEA_NO_ROW
#endif

#if defined(FOVEA_HAVE_PCLMUL)
#define FOVEA_ROW_PCLMUL(function) FOVEA_ROW(function, kFeaturePclmul)
#else
#define FOVEA_ROW_PCLMUL FOVEA_NO_ROW
#endif

#if defined(FOVEA_HAVE_VPCLMUL)
#define FOVEA_ROW_VPCLMUL(function) FOVEA_ROW(function, kFeatureVpclmul)
#else
#define FOVEA_ROW_VPCLMUL FOVEA_NO_ROW
#endif

#if defined(FOVEA_HAVE_SHA_NI)
#define FOVEA_ROW_SHA_NI(function) FOVEA_ROW(function, kFeatureShaNi)
#else
#define FOVEA_ROW_SHA_NI FOVEA_NO_ROW
#endif

#if defined(FOVEA_HAVE_NEON)
#define FOVEA_ROW_NEON(function) FOVEA_ROW(function, kFeatureNeon)
#else
#define FOVEA_ROW_NEON FOVEA_NO_ROW
#endif

#if defined(FOVEA_HAVE_NEON_FP16)
#define FOVEA_ROW_NEON_FP16(function) FOVEA_ROW(function, kFeatureNeonFp16)
#else
#define FOVEA_ROW_NEON_FP16 FOVEA_NO_ROW
#endif

#if defined(FOVEA_HAVE_NEON_DOTPROD)
#define FOVEA_ROW_NEON_DOTPROD(function) FOVEA_ROW(function, kFeatureNeonDotprod)
#else
#define FOVEA_ROW_NEON_DOTPROD FOVEA_NO_ROW
#endif

#if defined(FOVEA_HAVE_NEON_I8MM)
#define FOVEA_ROW_NEON_I8MM(function) FOVEA_ROW(function, kFeatureNeonI8mm)
#else
#define FOVEA_ROW_NEON_I8MM FOVEA_NO_ROW
#endif

#if defined(FOVEA_HAVE_ARMV8CRC)
#define FOVEA_ROW_ARMV8CRC(function) FOVEA_ROW(function, kFeatureArmCrc)
#else
#define FOVEA_ROW_ARMV8CRC FOVEA_NO_ROW
#endif

#if defined(FOVEA_HAVE_ARMV8_SHA2)
#define FOVEA_ROW_ARMV8_SHA2(function) FOVEA_ROW(function, kFeatureArmSha2)
#else
#define FOVEA_ROW_ARMV8_SHA2 FOVEA_NO_ROW
#endif
