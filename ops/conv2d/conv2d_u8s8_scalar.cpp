// SPDX-License-Identifier: Apache-2.0
// conv2d_codes_scalar.h with codes of 8 bits.
#include "ops/conv2d/conv2d_codes_scalar.h"

namespace fovea::ops {

void conv2d_u8s8_scalar(const Conv2dU8S8Args& args) {
    conv2d_codes(args);
}

}  // namespace fovea::ops
