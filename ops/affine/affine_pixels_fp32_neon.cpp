// SPDX-License-Identifier: Apache-2.0
// Pixels of 1, 2, 3, 4, 6 or 12 channels: affine_pixels_steps_neon.h. Any other number of channels:
// affine_xsimd.h, with 16 bytes widened to four registers of 4 floats.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/affine/affine_pixels_steps_neon.h"
#include "ops/affine/affine_xsimd.h"

namespace fovea::ops {
namespace {

using Arch = xsimd::neon64;

struct Loader {
    static constexpr int kVectors = 4;
    static void load(const std::uint8_t* source, xsimd::batch<float, Arch> (&values)[4]) {
        const uint8x16_t bytes = vld1q_u8(source);
        const uint16x8_t low = vmovl_u8(vget_low_u8(bytes));
        const uint16x8_t high = vmovl_high_u8(bytes);
        values[0] = vcvtq_f32_u32(vmovl_u16(vget_low_u16(low)));
        values[1] = vcvtq_f32_u32(vmovl_high_u16(low));
        values[2] = vcvtq_f32_u32(vmovl_u16(vget_low_u16(high)));
        values[3] = vcvtq_f32_u32(vmovl_high_u16(high));
    }
};

}  // namespace

void affine_pixels_fp32_neon(const AffinePixelsFp32Args& args) {
    if (kPeriod % static_cast<std::size_t>(args.channels) == 0) {
        map_pattern<kPeriod, kStep>(args, map_steps<float>, [](float value) { return value; });
    } else {
        AffineKernel<Arch, AffinePixelsFp32Args, Loader>::run(args);
    }
}

}  // namespace fovea::ops
