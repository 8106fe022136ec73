// SPDX-License-Identifier: Apache-2.0
#include "ops/lrn/lrn_scalar.h"

namespace fovea::ops {

void lrn_fp32_scalar(const LrnFp32Args& args) {
    for (std::size_t p = 0; p < args.pixels; ++p) {
        const float* const input = args.input + static_cast<std::ptrdiff_t>(p) * args.input_stride;
        float* const output = args.output + static_cast<std::ptrdiff_t>(p) * args.output_stride;
        for (int c = 0; c < args.channels; ++c) output[c] = lrn_element(args, input, c);
    }
}

}  // namespace fovea::ops
