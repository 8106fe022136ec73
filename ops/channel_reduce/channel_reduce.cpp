// SPDX-License-Identifier: Apache-2.0
#include "ops/channel_reduce/channel_reduce.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<ChannelReduceFp32Function> kVariants[] = {
    FOVEA_ROW_AVX2(channel_reduce_fp32_avx2)
    FOVEA_ROW_NEON(channel_reduce_fp32_neon)
    FOVEA_ROW_SCALAR(channel_reduce_fp32_scalar)
};

constexpr KernelVariant<ChannelReduceFp16Function> kChannelReduceFp16Variants[] = {
    FOVEA_ROW_NEON(channel_reduce_fp16_neon)
    FOVEA_ROW_HALF_SPECIFICATION(channel_reduce_fp16_scalar)
};

}  // namespace

constinit const KernelTable<ChannelReduceFp32Function> kChannelReduceFp32 = make_table("channel_reduce_fp32", kVariants, true);

constinit const KernelTable<ChannelReduceFp16Function> kChannelReduceFp16 =
    make_table("channel_reduce_fp16", kChannelReduceFp16Variants);

}  // namespace fovea::ops
