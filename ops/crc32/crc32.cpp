// SPDX-License-Identifier: Apache-2.0
#include "ops/crc32/crc32.h"

#include "ops/kernel_rows.h"

namespace fovea::ops {
namespace {

constexpr KernelVariant<Crc32Function> kVariants[] = {
    FOVEA_ROW_VPCLMUL(crc32_vpclmul)
    FOVEA_ROW_PCLMUL(crc32_pclmul)
    FOVEA_ROW_ARMV8CRC(crc32_armv8crc)
    FOVEA_ROW_SCALAR(crc32_scalar)
};

}  // namespace

constinit const KernelTable<Crc32Function> kCrc32 = make_table("crc32", kVariants);

}  // namespace fovea::ops
