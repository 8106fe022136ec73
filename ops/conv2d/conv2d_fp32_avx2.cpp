// SPDX-License-Identifier: Apache-2.0
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// Register tile: 6 output pixels x 16 channels (two weight panels), or 12 pixels x 8 channels for
// the last of an odd number of panels; why, and which register holds what, as in
// pointwise_conv_fp32_avx2.cpp. Pixels whose window reaches outside the row go one at a time and
// test each tap; the others test nothing. Where the taps of a kernel row lie side by side in memory
// (one group, no dilation, no gap between pixels) they run as one: 9 steps for a 3x3 stem of 3
// channels.
#include <immintrin.h>

#include "ops/activation_avx2.h"
#include "ops/conv2d/conv2d.h"

namespace fovea::ops {
namespace {

// What the tiles of one row and group share.
struct Row {
    const Conv2dFp32Args& args;
    std::ptrdiff_t in_group;
    std::ptrdiff_t pixel_step;  // elements from one output pixel's window to the next
    std::ptrdiff_t channel;     // first input channel of the group
    int runs;                   // stretches of contiguous taps in a kernel row
    std::ptrdiff_t run_length;  // elements in each
    std::ptrdiff_t run_step;    // elements from one stretch to the next
};

// kPixels x (8 * kPanels) outputs from output column x; weights and bias are those of the first
// panel, output that of its first channel, and the last panel has `lanes` of its 8.
template <int kPixels, int kPanels, bool kInside>
inline void compute_tile(const Row& row, std::ptrdiff_t x, const float* weights, const float* bias,
                         float* output, int lanes) {
    const Conv2dFp32Args& args = row.args;
    const std::ptrdiff_t kernel_row = args.kernel_width * row.in_group * 8;
    const std::ptrdiff_t panel_size = args.kernel_height * kernel_row;
    const std::ptrdiff_t left = x * args.stride_x - args.pad_left;
    const std::ptrdiff_t pixel_step = row.pixel_step;

    __m256 sums[kPixels * kPanels];
#pragma GCC unroll 16
    for (int n = 0; n < kPanels; ++n) {
#pragma GCC unroll 16
        for (int p = 0; p < kPixels; ++p) sums[p * kPanels + n] = _mm256_load_ps(bias + n * 8);
    }
    for (int a = 0; a < args.kernel_height; ++a) {
        if (args.rows[a] == nullptr) continue;
        const float* tap = weights + a * kernel_row;
        const int runs = kInside ? row.runs : args.kernel_width;
        const std::ptrdiff_t length = kInside ? row.run_length : row.in_group;
        for (int run = 0; run < runs; ++run, tap += length * 8) {
            std::ptrdiff_t start = left * args.input_stride + run * row.run_step;
            if (!kInside) {
                const std::ptrdiff_t column =
                    left + static_cast<std::ptrdiff_t>(run) * args.dilation_x;
                if (column < 0 || column >= args.input_width) continue;
                start = column * args.input_stride;
            }
            const float* input = args.rows[a] + start + row.channel;
            for (std::ptrdiff_t i = 0; i < length; ++i) {
                __m256 weight[kPanels];
#pragma GCC unroll 16
                for (int n = 0; n < kPanels; ++n) {
                    weight[n] = _mm256_load_ps(tap + n * panel_size + i * 8);
                }
#pragma GCC unroll 16
                for (int p = 0; p < kPixels; ++p) {
                    const __m256 value = _mm256_broadcast_ss(input + p * pixel_step + i);
#pragma GCC unroll 16
                    for (int n = 0; n < kPanels; ++n) {
                        sums[p * kPanels + n] =
                            _mm256_fmadd_ps(value, weight[n], sums[p * kPanels + n]);
                    }
                }
            }
        }
    }
    apply_fused_activation(args.activation, sums);
    const __m256i mask = lane_mask_avx2(lanes);
#pragma GCC unroll 16
    for (int p = 0; p < kPixels; ++p) {
#pragma GCC unroll 16
        for (int n = 0; n < kPanels; ++n) {
            float* to = output + (x + p) * args.output_stride + n * 8;
            if (n == kPanels - 1 && lanes < 8) {
                _mm256_maskstore_ps(to, mask, sums[p * kPanels + n]);
            } else {
                _mm256_storeu_ps(to, sums[p * kPanels + n]);
            }
        }
    }
}

// All pixels of kPanels panels; columns inside_begin .. inside_end - 1 see no padding at the sides.
template <int kPanels>
inline void compute_panels(const Row& row, std::ptrdiff_t inside_begin, std::ptrdiff_t inside_end,
                           const float* weights, const float* bias, float* output, int lanes) {
    std::ptrdiff_t x = 0;
    for (; x < inside_begin; ++x) {
        compute_tile<1, kPanels, false>(row, x, weights, bias, output, lanes);
    }
    if constexpr (kPanels == 1) {
        for (; x + 12 <= inside_end; x += 12) {
            compute_tile<12, 1, true>(row, x, weights, bias, output, lanes);
        }
    }
    for (; x + 6 <= inside_end; x += 6) {
        compute_tile<6, kPanels, true>(row, x, weights, bias, output, lanes);
    }
    for (; x + 3 <= inside_end; x += 3) {
        compute_tile<3, kPanels, true>(row, x, weights, bias, output, lanes);
    }
    for (; x < inside_end; ++x) {
        compute_tile<1, kPanels, true>(row, x, weights, bias, output, lanes);
    }
    for (; x < row.args.output_width; ++x) {
        compute_tile<1, kPanels, false>(row, x, weights, bias, output, lanes);
    }
}

}  // namespace

void conv2d_fp32_avx2(const Conv2dFp32Args& args) {
    const std::ptrdiff_t in_group = args.in_channels / args.groups;
    const int out_group = args.out_channels / args.groups;
    const int panels = (out_group + 7) / 8;
    const std::ptrdiff_t panel_size =
        static_cast<std::ptrdiff_t>(args.kernel_height) * args.kernel_width * in_group * 8;

    // Columns whose windows lie wholly inside the row: 0 <= x * stride - pad and
    // x * stride - pad + reach <= input_width - 1.
    const std::ptrdiff_t stride = args.stride_x;
    const std::ptrdiff_t reach =
        static_cast<std::ptrdiff_t>(args.kernel_width - 1) * args.dilation_x;
    const std::ptrdiff_t room = args.input_width - 1 - reach + args.pad_left;
    std::ptrdiff_t inside_begin = (args.pad_left + stride - 1) / stride;
    std::ptrdiff_t inside_end = room < 0 ? 0 : room / stride + 1;
    if (inside_end > args.output_width) inside_end = args.output_width;
    if (inside_begin > args.output_width) inside_begin = args.output_width;
    if (inside_end < inside_begin) inside_end = inside_begin;

    const bool contiguous = args.dilation_x == 1 && args.input_stride == in_group;
    for (int g = 0; g < args.groups; ++g) {
        const Row row = {args,
                         in_group,
                         stride * args.input_stride,
                         g * in_group,
                         contiguous ? 1 : args.kernel_width,
                         contiguous ? args.kernel_width * in_group : in_group,
                         args.dilation_x * args.input_stride};
        const float* weights = args.weights + g * panels * panel_size;
        const float* bias = args.bias + static_cast<std::ptrdiff_t>(g) * panels * 8;
        float* output = args.output + static_cast<std::ptrdiff_t>(g) * out_group;
        const int last_lanes = out_group - (panels - 1) * 8;
        int panel = 0;
        for (; panel + 2 <= panels; panel += 2) {
            compute_panels<2>(row, inside_begin, inside_end, weights + panel * panel_size,
                              bias + panel * 8, output + panel * 8,
                              panel + 2 == panels ? last_lanes : 8);
        }
        if (panel < panels) {
            compute_panels<1>(row, inside_begin, inside_end, weights + panel * panel_size,
                              bias + panel * 8, output + panel * 8, last_lanes);
        }
    }
}

}  // namespace fovea::ops
