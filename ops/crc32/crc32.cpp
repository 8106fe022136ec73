// SPDX-License-Identifier: Apache-2.0
#include "ops/crc32/crc32.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<Crc32Function> kVariants[] = {
    {"crc32_scalar", crc32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<Crc32Function> kCrc32 = {"crc32", kVariants,
                                                     sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
