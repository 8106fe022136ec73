// SPDX-License-Identifier: Apache-2.0
#include "ops/binary/binary.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<BinaryFp32Function> kVariants[] = {
    {"binary_fp32_scalar", binary_fp32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<BinaryFp32Function> kBinaryFp32 = {
    "binary_fp32", kVariants, sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
