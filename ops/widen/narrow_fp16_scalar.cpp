// SPDX-License-Identifier: Apache-2.0
// The specification of the narrowing.
//   output[i] = the half nearest to input[i]
#include "ops/half_scalar.h"
#include "ops/widen/widen.h"

namespace fovea::ops {

void narrow_fp16_scalar(const NarrowFp16Args& args) {
    for (std::size_t i = 0; i < args.count; ++i) store_element(args.output[i], args.input[i]);
}

}  // namespace fovea::ops
