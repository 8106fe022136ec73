// SPDX-License-Identifier: Apache-2.0
#include "ops/channel_reduce/channel_reduce.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<ChannelReduceFp32Function> kVariants[] = {
#if defined(FOVEA_HAVE_AVX2)
    {"channel_reduce_fp32_avx2", channel_reduce_fp32_avx2, kFeatureAvx2Fma},
#endif
#if defined(FOVEA_HAVE_NEON)
    {"channel_reduce_fp32_neon", channel_reduce_fp32_neon, kFeatureNeon},
#endif
    {"channel_reduce_fp32_scalar", channel_reduce_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<ChannelReduceFp16Function> kChannelReduceFp16Variants[] = {
#if defined(FOVEA_HAVE_NEON)
    {"channel_reduce_fp16_neon", channel_reduce_fp16_neon, kFeatureNeon},
#endif
    {"channel_reduce_fp16_scalar", channel_reduce_fp16_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<ChannelReduceFp32Function> kChannelReduceFp32 = {
    "channel_reduce_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0]), true};

constinit const KernelTable<ChannelReduceFp16Function> kChannelReduceFp16 = {
    "channel_reduce_fp16", kChannelReduceFp16Variants, sizeof(kChannelReduceFp16Variants) / sizeof(kChannelReduceFp16Variants[0])};

}  // namespace fovea::ops
