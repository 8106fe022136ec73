// SPDX-License-Identifier: Apache-2.0
#include "ops/widen/widen.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<WidenFp16Function> kVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"widen_fp16_avx2", widen_fp16_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"widen_fp16_neon", widen_fp16_neon, kFeatureNeon},
#endif
    {"widen_fp16_scalar", widen_fp16_scalar, kFeatureNone},
};

constexpr KernelVariant<NarrowFp16Function> kNarrowVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"narrow_fp16_avx2", narrow_fp16_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"narrow_fp16_neon", narrow_fp16_neon, kFeatureNeon},
#endif
    {"narrow_fp16_scalar", narrow_fp16_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<WidenFp16Function> kWidenFp16 = {
    "widen_fp16", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

constinit const KernelTable<NarrowFp16Function> kNarrowFp16 = {
    "narrow_fp16", kNarrowVariants, sizeof(kNarrowVariants) / sizeof(kNarrowVariants[0])};

}  // namespace fovea::ops
