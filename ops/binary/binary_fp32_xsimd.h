// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <xsimd/xsimd.hpp>

#include "ops/binary/binary.h"

namespace fovea::ops {
// Nameless, so that each instruction-set file has its own copy and none is shared.
namespace {

// The broadcast addition or product for the registers of Arch. Memory sets the pace: two loads and
// a store for one operation, so there is nothing to block; four registers at a time, so that the loop
// costs little beside them. The last channels are done one by one; an addition or a product gives the
// same bits either way.
template <class Arch>
struct BinaryKernel {
    using Batch = xsimd::batch<float, Arch>;
    static constexpr std::ptrdiff_t kLanes = Batch::size;
    static constexpr int kUnroll = 4;

    template <BinaryKind kKind, typename T>
    static T combine(const T& left, const T& right) {
        if constexpr (kKind == BinaryKind::kAdd) {
            return left + right;
        } else {
            return left * right;
        }
    }

    template <BinaryKind kKind>
    static void by_element(const float* left, const float* right, float* output,
                           std::ptrdiff_t count) {
        std::ptrdiff_t c = 0;
        for (; c + kUnroll * kLanes <= count; c += kUnroll * kLanes) {
            Batch results[kUnroll];
#pragma GCC unroll 4
            for (int k = 0; k < kUnroll; ++k) {
                results[k] = combine<kKind>(Batch::load_unaligned(left + c + k * kLanes),
                                            Batch::load_unaligned(right + c + k * kLanes));
            }
#pragma GCC unroll 4
            for (int k = 0; k < kUnroll; ++k) {
                results[k].store_unaligned(output + c + k * kLanes);
            }
        }
        for (; c + kLanes <= count; c += kLanes) {
            combine<kKind>(Batch::load_unaligned(left + c), Batch::load_unaligned(right + c))
                .store_unaligned(output + c);
        }
        for (; c < count; ++c) output[c] = combine<kKind>(left[c], right[c]);
    }

    // One vector for all pixels: kVectors registers of it stay while the pixels pass.
    template <BinaryKind kKind, int kVectors>
    static void by_channel(const BinaryFp32Args& args, std::ptrdiff_t channel) {
        Batch right[kVectors];
#pragma GCC unroll 4
        for (int k = 0; k < kVectors; ++k) {
            right[k] = Batch::load_unaligned(args.right + channel + k * kLanes);
        }
        const float* left = args.left + channel;
        float* output = args.output + channel;
        // Not asked for again after each store, which might be to them for all the compiler knows.
        const std::size_t pixels = args.pixels;
        const std::ptrdiff_t left_stride = args.left_stride, output_stride = args.output_stride;
        for (std::size_t p = 0; p < pixels; ++p) {
            Batch results[kVectors];  // all loads before the stores, which the compiler takes for overlapping
#pragma GCC unroll 4
            for (int k = 0; k < kVectors; ++k) {
                results[k] = combine<kKind>(Batch::load_unaligned(left + k * kLanes), right[k]);
            }
#pragma GCC unroll 4
            for (int k = 0; k < kVectors; ++k) results[k].store_unaligned(output + k * kLanes);
            left += left_stride;
            output += output_stride;
        }
    }

    template <BinaryKind kKind>
    static void by_channels(const BinaryFp32Args& args) {
        std::ptrdiff_t c = 0;
        for (; c + kUnroll * kLanes <= args.channels; c += kUnroll * kLanes) {
            by_channel<kKind, kUnroll>(args, c);
        }
        const std::ptrdiff_t vectors = (args.channels - c) / kLanes;
        if (vectors == 3) by_channel<kKind, 3>(args, c);
        if (vectors == 2) by_channel<kKind, 2>(args, c);
        if (vectors == 1) by_channel<kKind, 1>(args, c);
        c += vectors * kLanes;
        for (; c < args.channels; ++c) {
            for (std::ptrdiff_t p = 0; p < static_cast<std::ptrdiff_t>(args.pixels); ++p) {
                args.output[p * args.output_stride + c] =
                    combine<kKind>(args.left[p * args.left_stride + c], args.right[c]);
            }
        }
    }

    template <BinaryKind kKind>
    static void by_value(const float* left, float right, float* output, std::ptrdiff_t count) {
        const Batch all(right);
        std::ptrdiff_t c = 0;
        for (; c + kUnroll * kLanes <= count; c += kUnroll * kLanes) {
            Batch results[kUnroll];
#pragma GCC unroll 4
            for (int k = 0; k < kUnroll; ++k) results[k] = combine<kKind>(Batch::load_unaligned(left + c + k * kLanes), all);
#pragma GCC unroll 4
            for (int k = 0; k < kUnroll; ++k) results[k].store_unaligned(output + c + k * kLanes);
        }
        for (; c + kLanes <= count; c += kLanes) {
            combine<kKind>(Batch::load_unaligned(left + c), all).store_unaligned(output + c);
        }
        for (; c < count; ++c) output[c] = combine<kKind>(left[c], right);
    }

    template <BinaryKind kKind>
    static void run(const BinaryFp32Args& args) {
        const std::ptrdiff_t pixels = static_cast<std::ptrdiff_t>(args.pixels);
        const std::ptrdiff_t channels = args.channels;
        const bool dense = args.left_stride == channels && args.output_stride == channels;
        if (dense && args.right_channel_stride == 1 && args.right_pixel_stride == channels) {
            by_element<kKind>(args.left, args.right, args.output, pixels * channels);
            return;
        }
        if (args.right_pixel_stride == 0 && args.right_channel_stride == 1) {
            by_channels<kKind>(args);
            return;
        }
        for (std::ptrdiff_t p = 0; p < pixels; ++p) {
            const float* left = args.left + p * args.left_stride;
            const float* right = args.right + p * args.right_pixel_stride;
            float* output = args.output + p * args.output_stride;
            if (args.right_channel_stride == 1) {
                by_element<kKind>(left, right, output, channels);
            } else {
                by_value<kKind>(left, *right, output, channels);
            }
        }
    }

    static void run(const BinaryFp32Args& args) {
        if (args.kind == BinaryKind::kAdd) {
            run<BinaryKind::kAdd>(args);
        } else {
            run<BinaryKind::kMultiply>(args);
        }
    }
};

}  // namespace
}  // namespace fovea::ops
