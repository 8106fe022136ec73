// SPDX-License-Identifier: Apache-2.0
// The fusable activations in halves, each operation rounded, so that they give what the
// convolutions give that fuse them; the others in float32.
//
//   v  8 halves on their way; 0, 6, 3, 1/6
#if !defined(__aarch64__) || !defined(__ARM_FEATURE_FP16_VECTOR_ARITHMETIC)
#error "compile this file with -march=armv8.2-a+fp16"
#endif

#include "ops/activation/activation_fp16_parts.h"
#include "ops/half_neon.h"

namespace fovea::ops {

void activation_fp16_neon_fp16(const ActivationFp16Args& args) {
    if (!is_fusable(args.activation)) {
        activation_in_parts(args, widen_fp16_neon, activation_fp32_neon, narrow_fp16_neon);
        return;
    }
    std::size_t k = 0;
    for (; k + 8 <= args.count; k += 8) {
        store_halves(args.output + k,
                     apply_fused_activation(args.activation, load_halves(args.input + k)));
    }
    if (k < args.count) {
        const int rest = static_cast<int>(args.count - k);
        const float16x8_t value = load_partial_halves(args.input + k, rest);
        store_partial_halves(args.output + k, apply_fused_activation(args.activation, value), rest);
    }
}

}  // namespace fovea::ops
