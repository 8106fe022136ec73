// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

#include "ops/lrn/lrn_scalar.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

// A register of channels whose windows lie wholly inside the pixel's, loaded again for each channel of the window: they are
// in the first-level cache, and two roots and a division take longer. The channels near the edges one by one.
template <class Arch>
struct LrnKernel {
    using Batch = xsimd::batch<float, Arch>;
    static constexpr int kLanes = static_cast<int>(Batch::size);

    // xsimd makes NEON's quotients and roots of floats from estimates, a unit in the last place off the scalar kernel's.
    static Batch divide(const Batch& dividend, const Batch& divisor) {
#if defined(__aarch64__)
        return Batch(vdivq_f32(dividend, divisor));
#else
        return dividend / divisor;
#endif
    }

    static Batch root(const Batch& value) {
#if defined(__aarch64__)
        return Batch(vsqrtq_f32(value));
#else
        return xsimd::sqrt(value);
#endif
    }

    static Batch power(const LrnFp32Args& args, const Batch& base) {
        if (args.beta == 1.0f) return base;
        if (args.beta == 0.5f) return root(base);
        if (args.beta == 0.75f) return root(base) * root(root(base));
        float lanes[kLanes];
        base.store_unaligned(lanes);
        for (float& lane : lanes) lane = lrn_power(lane, args.beta);
        return Batch::load_unaligned(lanes);
    }

    static void run_pixel(const LrnFp32Args& args, const float* input, float* output) {
        const int radius = args.radius < args.channels ? args.radius : args.channels;
        int c = 0;
        for (; c < radius; ++c) output[c] = lrn_element(args, input, c);
        for (; c + kLanes + radius <= args.channels; c += kLanes) {
            Batch sum(0.0f);
            for (int k = c - radius; k <= c + radius; ++k) {
                const Batch value = Batch::load_unaligned(input + k);
                sum = sum + value * value;
            }
            const Batch base = Batch(args.bias) + Batch(args.alpha) * sum;
            divide(Batch::load_unaligned(input + c), power(args, base)).store_unaligned(output + c);
        }
        for (; c < args.channels; ++c) output[c] = lrn_element(args, input, c);
    }

    static void run(const LrnFp32Args& args) {
        for (std::size_t p = 0; p < args.pixels; ++p) {
            run_pixel(args, args.input + static_cast<std::ptrdiff_t>(p) * args.input_stride,
                      args.output + static_cast<std::ptrdiff_t>(p) * args.output_stride);
        }
    }
};

}  // namespace
}  // namespace fovea::ops
