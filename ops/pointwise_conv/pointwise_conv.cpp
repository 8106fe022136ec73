// SPDX-License-Identifier: Apache-2.0
#include "ops/pointwise_conv/pointwise_conv.h"

namespace fovea::ops {

void pointwise_conv_fp32_scalar(const PointwiseConvFp32Args& args);

namespace {
constexpr KernelVariant<PointwiseConvFp32Function> kVariants[] = {
    {"pointwise_conv_fp32_scalar", pointwise_conv_fp32_scalar, kFeatureNone},
};
}  // namespace

constinit const KernelTable<PointwiseConvFp32Function> kPointwiseConvFp32 = {
    "pointwise_conv_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
