// SPDX-License-Identifier: Apache-2.0
#include "ops/affine/affine.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<AffineFp32Function> kAffineFp32Variants[] = {
    {"affine_fp32_scalar", affine_fp32_scalar, kFeatureNone},
};

constexpr KernelVariant<AffineU8Function> kAffineU8Variants[] = {
    {"affine_u8_scalar", affine_u8_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<AffineFp32Function> kAffineFp32 = {
    "affine_fp32", kAffineFp32Variants,
    sizeof(kAffineFp32Variants) / sizeof(kAffineFp32Variants[0])};

constinit const KernelTable<AffineU8Function> kAffineU8 = {
    "affine_u8", kAffineU8Variants, sizeof(kAffineU8Variants) / sizeof(kAffineU8Variants[0])};

}  // namespace fovea::ops
