// SPDX-License-Identifier: Apache-2.0
// affine_xsimd.h for NEON: 4 bytes are widened to 4 floats a register.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/affine/affine_xsimd.h"

namespace fovea::ops {
namespace {

using Arch = xsimd::neon64;

struct Loader {
    static xsimd::batch<float, Arch> load(const std::uint8_t* source) {
        std::uint32_t four;
        __builtin_memcpy(&four, source, sizeof four);
        const uint8x8_t bytes = vcreate_u8(four);
        return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))));
    }
};

}  // namespace

void affine_u8_neon(const AffineU8Args& args) {
    AffineKernel<Arch, AffineU8Args, Loader>::run(args);
}

}  // namespace fovea::ops
