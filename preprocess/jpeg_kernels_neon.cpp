// SPDX-License-Identifier: Apache-2.0
#ifndef __ARM_NEON
#error "compile this file for arm64"
#endif

#include <arm_neon.h>

#include "preprocess/jpeg_kernels_vector.h"

namespace fovea::preprocess {
namespace {

struct Neon {
    using Eight = int16x8_t;
    using Four = int32x4_t;

    static uint8x16_t load_bytes(const std::uint8_t* p) { return vld1q_u8(p); }
    static Eight load(const std::int16_t* p) { return vld1q_s16(p); }
    static Eight zero() { return vdupq_n_s16(0); }
    static Eight all(int value) { return vdupq_n_s16(static_cast<std::int16_t>(value)); }
    static Eight multiply(Eight x, Eight y) { return vmulq_s16(x, y); }
    static Four add(Four x, Four y) { return vaddq_s32(x, y); }
    static Four subtract(Four x, Four y) { return vsubq_s32(x, y); }
    static Eight add16(Eight x, Eight y) { return vaddq_s16(x, y); }
    static Eight subtract16(Eight x, Eight y) { return vsubq_s16(x, y); }

    template <int kA, int kB>
    static Four low_products(Eight x, Eight y) {
        const Four product = vmull_n_s16(vget_low_s16(x), kA);
        return kB == 0 ? product : vmlal_n_s16(product, vget_low_s16(y), kB);
    }
    template <int kA, int kB>
    static Four high_products(Eight x, Eight y) {
        return vmlal_high_n_s16(vmull_high_n_s16(x, kA), y, kB);
    }
    template <int kBits>
    static Four low_scaled(Eight x) {
        return vshll_n_s16(vget_low_s16(x), kBits);
    }
    template <int kBits>
    static Four high_scaled(Eight x) {
        return vshll_high_n_s16(x, kBits);
    }
    template <int kBits>
    static Eight narrow(Four low, Four high) {
        // Sums wrap around in 32 bits, rounded ones too.
        const int32x4_t half = vdupq_n_s32(1 << (kBits - 1));
        return vqmovn_high_s32(vqmovn_s32(vshrq_n_s32(vaddq_s32(low, half), kBits)),
                               vshrq_n_s32(vaddq_s32(high, half), kBits));
    }
    template <int kFactor>
    static Eight rounded_product(Eight x) {
        // Half of the factor more than once is left in the upper 16 bits, then rounded to a whole.
        return vrshrq_n_s16(vqdmulhq_n_s16(x, kFactor), 1);
    }

    static void transpose(Eight* x) {
        const int16x8_t a[8] = {vtrn1q_s16(x[0], x[1]), vtrn2q_s16(x[0], x[1]),
                                vtrn1q_s16(x[2], x[3]), vtrn2q_s16(x[2], x[3]),
                                vtrn1q_s16(x[4], x[5]), vtrn2q_s16(x[4], x[5]),
                                vtrn1q_s16(x[6], x[7]), vtrn2q_s16(x[6], x[7])};
        for (int i = 0; i < 2; ++i) {
            const int32x4_t top0 = vreinterpretq_s32_s16(a[i]);
            const int32x4_t top1 = vreinterpretq_s32_s16(a[i + 2]);
            const int32x4_t bottom0 = vreinterpretq_s32_s16(a[i + 4]);
            const int32x4_t bottom1 = vreinterpretq_s32_s16(a[i + 6]);
            join(vtrn1q_s32(top0, top1), vtrn1q_s32(bottom0, bottom1), &x[i], &x[i + 4]);
            join(vtrn2q_s32(top0, top1), vtrn2q_s32(bottom0, bottom1), &x[i + 2], &x[i + 6]);
        }
    }
    static void transpose_half(const Eight* rows, Eight* pairs) {
        const int32x4_t a0 = vreinterpretq_s32_s16(vzip1q_s16(rows[0], rows[1]));
        const int32x4_t a1 = vreinterpretq_s32_s16(vzip2q_s16(rows[0], rows[1]));
        const int32x4_t a2 = vreinterpretq_s32_s16(vzip1q_s16(rows[2], rows[3]));
        const int32x4_t a3 = vreinterpretq_s32_s16(vzip2q_s16(rows[2], rows[3]));
        pairs[0] = vreinterpretq_s16_s32(vzip1q_s32(a0, a2));
        pairs[1] = vreinterpretq_s16_s32(vzip2q_s32(a0, a2));
        pairs[2] = vreinterpretq_s16_s32(vzip1q_s32(a1, a3));
        pairs[3] = vreinterpretq_s16_s32(vzip2q_s32(a1, a3));
    }

    static uint8x8_t centred(Eight x) {
        return veor_u8(vreinterpret_u8_s8(vqmovn_s16(x)), vdup_n_u8(0x80));
    }
    static void store_row(std::uint8_t* samples, Eight x) { vst1_u8(samples, centred(x)); }
    static void store_4x4(std::uint8_t* samples, std::ptrdiff_t stride, Eight x, Eight y) {
        const uint8x8_t first = centred(x), last = centred(y);
        // Columns 0 and 2, and 1 and 3, by turns.
        const uint8x8_t even = vzip1_u8(first, last), odd = vzip2_u8(first, last);
        const uint8x8_t rows[2] = {vzip1_u8(even, odd), vzip2_u8(even, odd)};
        for (int i = 0; i < 2; ++i) {
            const uint32x2_t two = vreinterpret_u32_u8(rows[i]);
            const std::uint32_t upper = vget_lane_u32(two, 0), lower = vget_lane_u32(two, 1);
            __builtin_memcpy(samples + 2 * i * stride, &upper, 4);
            __builtin_memcpy(samples + (2 * i + 1) * stride, &lower, 4);
        }
    }
    static void store_2x2(std::uint8_t* samples, std::ptrdiff_t stride, Eight x) {
        const uint8x8_t columns = centred(x);  // two of each, at the first byte and at the fifth
        const uint16x4_t rows = vreinterpret_u16_u8(vzip1_u8(columns, vext_u8(columns, columns, 4)));
        const std::uint16_t first = vget_lane_u16(rows, 0), second = vget_lane_u16(rows, 1);
        __builtin_memcpy(samples, &first, 2);
        __builtin_memcpy(samples + stride, &second, 2);
    }

    static void load_samples(const std::uint8_t* p, Eight* x) {
        const uint8x16_t bytes = vld1q_u8(p);
        x[0] = vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes)));
        x[1] = vreinterpretq_s16_u16(vmovl_high_u8(bytes));
    }
    static uint8x16_t to_bytes(const Eight* x) {
        return vqmovun_high_s16(vqmovun_s16(x[0]), x[1]);
    }
    static void store_rgb(std::uint8_t* pixels, uint8x16_t red, uint8x16_t green, uint8x16_t blue) {
        const uint8x16x3_t planes = {{red, green, blue}};
        vst3q_u8(pixels, planes);
    }

  private:
    // Rows of both, their lower halves and their upper ones.
    static void join(int32x4_t top, int32x4_t bottom, Eight* low, Eight* high) {
        const int64x2_t a = vreinterpretq_s64_s32(top), b = vreinterpretq_s64_s32(bottom);
        *low = vreinterpretq_s16_s64(vzip1q_s64(a, b));
        *high = vreinterpretq_s16_s64(vzip2q_s64(a, b));
    }
};

}  // namespace

const JpegKernels& jpeg_kernels_baseline() {
    return VectorJpeg<Neon>::kTable;
}

const JpegKernels& jpeg_kernels() {
    return jpeg_kernels_baseline();
}

}  // namespace fovea::preprocess
