// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX512F__) || !defined(__AVX512VL__) || !defined(__AVX512DQ__)
#error "for files compiled with -mavx512f -mavx512vl -mavx512dq"
#endif

#include <immintrin.h>

#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/conv2d_row.h"
#include "ops/fused_activation_lanes.h"
#include "ops/lanes_avx512.h"
#include "ops/panel_product_avx512.h"

namespace fovea::ops {
namespace {

// A tile of 16 output pixels x 16 channels for windows that overlap: kTaps inputs lie side by side
// in each input row, kStep further on for the next pixel.
//
//   zmm 16     sums, one a pixel
//   zmm kTaps  weights of the current kernel row (at most 14)
//   zmm 1      one input, broadcast once and given to every pixel whose window holds it
// Going through the inputs from left to right gives each pixel its taps of a row in ascending
// order. A row of the 3x3 stem of 3 channels and stride 2 (kTaps 9, kStep 6) costs 99 broadcasts
// and 18 loads of weights for 144 FMAs; by itself, each pixel would need a broadcast for each FMA.
template <int kTaps, int kStep>
struct WindowTile {
    static constexpr int kPixels = 16;

    static bool fits(const ConvRow<float>& row) {
        return row.runs == 1 && row.run_length == kTaps && row.pixel_step == kStep;
    }

    // Gives `value`, input kInput of the tile, to the pixels kPixel and up whose windows hold it.
    template <int kInput, int kPixel>
    [[gnu::always_inline]] static void add_to_pixels(__m512 value, const __m512 (&weights)[kTaps],
                                                     __m512 (&sums)[kPixels]) {
        if constexpr (kPixel < kPixels) {
            constexpr int kTap = kInput - kPixel * kStep;
            if constexpr (kTap >= 0 && kTap < kTaps) {
                sums[kPixel] = _mm512_fmadd_ps(value, weights[kTap], sums[kPixel]);
            }
            add_to_pixels<kInput, kPixel + 1>(value, weights, sums);
        }
    }

    template <int kInput>
    [[gnu::always_inline]] static void add_inputs(const float* input,
                                                  const __m512 (&weights)[kTaps],
                                                  __m512 (&sums)[kPixels]) {
        if constexpr (kInput < (kPixels - 1) * kStep + kTaps) {
            __m512 value = _mm512_set1_ps(input[kInput]);
            asm("" : "+v"(value));  // else gcc loads it again for each of its FMAs
            add_to_pixels<kInput, 0>(value, weights, sums);
            add_inputs<kInput + 1>(input, weights, sums);
        }
    }

    // The pixels from column x of the two panels from `panel`, the second of which has `lanes` of
    // its 8 channels. All windows lie in the row.
    [[gnu::noinline]] static void compute(const ConvRow<float>& row, std::ptrdiff_t x,
                                          std::ptrdiff_t group, std::ptrdiff_t panel, int lanes) {
        using Tile = PanelTile<kPixels, 1, false>;
        const Conv2dFp32Args& args = row.args;
        const std::ptrdiff_t packed = group * row.panels + panel;
        const std::ptrdiff_t offset =
            (x * args.stride_x - args.pad_left) * args.input_stride + group * row.in_group;
        const float* panel_weights = args.weights + packed * row.panel_size;
        __m512 sums[kPixels];
        Tile::start(args.bias + packed * 8, sums);
#pragma GCC unroll 1
        for (int a = 0; a < args.kernel_height; ++a, panel_weights += row.kernel_row) {
            if (args.rows[a] == nullptr) continue;
            __m512 weights[kTaps];
#pragma GCC unroll 16
            for (int t = 0; t < kTaps; ++t) {
                weights[t] = Tile::load_halves(panel_weights + t * 8,
                                               panel_weights + row.panel_size + t * 8);
            }
            add_inputs<0>(args.rows[a] + offset, weights, sums);
        }
        apply_fused_activation<LanesAvx512>(args.activation, sums);
        Tile::store(sums, lanes,
                    args.output + x * args.output_stride + group * row.out_group + panel * 8,
                    args.output_stride);
    }

    // All columns whose windows lie in the row; at least kPixels. The last tile begins early enough
    // to be whole: what it computes a second time comes out the same.
    static void compute_inside(const ConvRow<float>& row, std::ptrdiff_t group, std::ptrdiff_t panel,
                               int lanes) {
        std::ptrdiff_t x = row.inside_begin;
        for (; x + kPixels < row.inside_end; x += kPixels) compute(row, x, group, panel, lanes);
        compute(row, row.inside_end - kPixels, group, panel, lanes);
    }
};

}  // namespace
}  // namespace fovea::ops
