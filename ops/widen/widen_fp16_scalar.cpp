// SPDX-License-Identifier: Apache-2.0
// The specification of the widening.
//   output[i] = the value of the half input[i]
#include "ops/half_scalar.h"
#include "ops/widen/widen.h"

namespace fovea::ops {

void widen_fp16_scalar(const WidenFp16Args& args) {
    for (std::size_t i = 0; i < args.count; ++i) args.output[i] = load_element(args.input[i]);
}

}  // namespace fovea::ops
