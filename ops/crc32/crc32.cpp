// SPDX-License-Identifier: Apache-2.0
#include "ops/crc32/crc32.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<Crc32Function> kVariants[] = {
#if defined(FOVEA_HAVE_VPCLMUL)
    {"crc32_vpclmul", crc32_vpclmul, kFeatureVpclmul},
#endif
#if defined(FOVEA_HAVE_PCLMUL)
    {"crc32_pclmul", crc32_pclmul, kFeaturePclmul},
#endif
#if defined(FOVEA_HAVE_ARMV8CRC)
    {"crc32_armv8crc", crc32_armv8crc, kFeatureArmCrc},
#endif
    {"crc32_scalar", crc32_scalar, kFeatureNone},
};

}  // namespace

constinit const KernelTable<Crc32Function> kCrc32 = {"crc32", kVariants,
                                                     sizeof(kVariants) / sizeof(kVariants[0])};

}  // namespace fovea::ops
