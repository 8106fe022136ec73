// SPDX-License-Identifier: Apache-2.0
#include "ops/depthwise_conv/depthwise_conv.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<DepthwiseConvFp32Function> kVariants[] = {
    {"depthwise_conv_fp32_scalar", depthwise_conv_fp32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<DepthwiseConvFp32Function> kDepthwiseConvFp32 = {
    "depthwise_conv_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
