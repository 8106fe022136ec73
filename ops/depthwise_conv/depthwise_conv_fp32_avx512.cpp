// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution, 16 channels a register, AVX-512.
//
// Kernels of width 3 and 5, stride 1 and 2, and of width 1 and 2, stride 1 (what is left of those in
// a gradient, by phases): a tile is 16 output columns (stride 2: 8) of one block of 16 channels.
//   zmm 16 or 8  sums, one an output column
//   zmm  5       (as many as the kernel is wide) weights of the current kernel row
//   zmm  1       the current input column, loaded once and given to every output whose window holds
//   it
// Going through the columns from left to right gives each output its taps of a row in ascending
// order, so the window slides without changing the order of summation. An output is one chain of 9
// or 25 FMAs of 4 cycles each, so a core that does two a cycle needs 8 chains at least; with 16 the
// tiles need not overlap in its window. A row of 3x3 costs 18 column loads and 3 weight loads for
// 48 FMAs. Where windows leave the row, or fewer outputs are left, the same tile skips the columns
// that are not there and stores fewer outputs: a branch a column, not a test for each tap. Rows are
// walked in chunks of 16 outputs, so that the cache lines that two neighbouring blocks of channels
// share are still in L1 for the second one. Every other kernel width or dilation takes its taps one
// by one from memory.
#if !defined(__AVX512F__)
#error "compile with -mavx512f"
#endif

#include <immintrin.h>

#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/fused_activation_lanes.h"
#include "ops/lanes_avx512.h"

namespace fovea::ops {
namespace {

constexpr int kLanes = 16;
constexpr int kMostOutputs = 16;  // of a tile; half as many where no more are left

inline std::ptrdiff_t padded_channels(const DepthwiseConvFp32Args& args) {
    return (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
}

// Calls body(channel, mask) for each block of channels: the mask has the lanes that there are.
// Masked loads and stores cost no more than whole ones.
template <typename Body>
[[gnu::always_inline]] inline void for_each_block(int channels, const Body& body) {
    for (int channel = 0; channel < channels; channel += kLanes) {
        const int left = channels - channel;
        body(channel, lane_mask_avx512(left < kLanes ? left : kLanes));
    }
}

// One output column from the taps whose columns lie in the row, for any kernel.
inline void compute_any(const DepthwiseConvFp32Args& args, int x, int channel, __mmask16 mask) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left;
    const std::ptrdiff_t step = padded_channels(args);
    const float* weights = args.weights + channel;
    __m512 sum[1] = {_mm512_maskz_loadu_ps(mask, args.bias + channel)};
    for (int a = 0; a < args.kernel_height; ++a, weights += args.kernel_width * step) {
        if (args.rows[a] == nullptr) continue;
        for (int b = 0; b < args.kernel_width; ++b) {
            const std::ptrdiff_t column = first + static_cast<std::ptrdiff_t>(b) * args.dilation_x;
            if (column < 0 || column >= args.input_width) continue;
            const __m512 value =
                _mm512_maskz_loadu_ps(mask, args.rows[a] + column * args.input_stride + channel);
            sum[0] =
                _mm512_fmadd_ps(value, _mm512_maskz_loadu_ps(mask, weights + b * step), sum[0]);
        }
    }
    apply_fused_activation<LanesAvx512>(args.activation, sum);
    _mm512_mask_storeu_ps(args.output + x * args.output_stride + channel, mask, sum[0]);
}

// A tile's place in the row, and what of it there is: columns [begin, end) of its windows, and how
// many outputs.
struct TilePlace {
    std::ptrdiff_t first;  // offset of the first column of its windows
    float* output;
    int begin;
    int end;
    int outputs;
};

// Gives input column kColumn of a tile to the outputs kOutput and up whose windows hold it.
template <int kKernel, int kStride, int kColumn, int kOutput, int kOutputs>
[[gnu::always_inline]] inline void add_column(__m512 value, const __m512 (&weights)[kKernel],
                                              __m512 (&sums)[kOutputs]) {
    if constexpr (kOutput < kOutputs) {
        constexpr int kTap = kColumn - kOutput * kStride;
        if constexpr (kTap >= 0 && kTap < kKernel) {
            sums[kOutput] = _mm512_fmadd_ps(value, weights[kTap], sums[kOutput]);
        }
        add_column<kKernel, kStride, kColumn, kOutput + 1>(value, weights, sums);
    }
}

template <int kKernel, int kStride, bool kWhole, int kColumn, int kOutputs>
[[gnu::always_inline]] inline void add_columns(const float* row, std::ptrdiff_t offset,
                                               std::ptrdiff_t step, __mmask16 mask,
                                               const TilePlace& place,
                                               const __m512 (&weights)[kKernel],
                                               __m512 (&sums)[kOutputs]) {
    if constexpr (kColumn < (kOutputs - 1) * kStride + kKernel) {
        if (kWhole || (kColumn >= place.begin && kColumn < place.end)) {
            __m512 value = _mm512_maskz_loadu_ps(mask, row + offset);
            asm("" : "+v"(value));  // else gcc loads it again for each of its FMAs
            add_column<kKernel, kStride, kColumn, 0>(value, weights, sums);
        }
        offset += step;
        asm("" : "+r"(offset));  // else gcc keeps all offsets, on the stack
        add_columns<kKernel, kStride, kWhole, kColumn + 1>(row, offset, step, mask, place, weights,
                                                           sums);
    }
}

// The place's outputs; kWhole: all kOutputs, all of whose windows lie in the row.
template <int kKernel, int kStride, int kOutputs, bool kWhole>
[[gnu::noinline]] void compute_tile(const DepthwiseConvFp32Args& args, const TilePlace& place,
                                    int channel, __mmask16 mask) {
    const std::ptrdiff_t weight_step = padded_channels(args);
    const float* row_weights = args.weights + channel;
    const __m512 bias = _mm512_maskz_loadu_ps(mask, args.bias + channel);
    if constexpr (kWhole) {
        // A wide output is out of reach of the second-level cache by the time its row comes round.
#pragma GCC unroll 16
        for (int n = 0; n < kOutputs; ++n) {
            __builtin_prefetch(place.output + channel + n * args.output_stride + 2 * kLanes, 1);
        }
    }
    __m512 sums[kOutputs];
#pragma GCC unroll 16
    for (__m512& sum : sums) sum = bias;
#pragma GCC unroll 1
    for (int a = 0; a < args.kernel_height; ++a, row_weights += kKernel * weight_step) {
        if (args.rows[a] == nullptr) continue;
        __m512 weights[kKernel];
#pragma GCC unroll 5
        for (int b = 0; b < kKernel; ++b) {
            weights[b] = _mm512_maskz_loadu_ps(mask, row_weights + b * weight_step);
        }
        add_columns<kKernel, kStride, kWhole, 0>(args.rows[a] + channel, place.first,
                                                 args.input_stride, mask, place, weights, sums);
    }
    apply_fused_activation<LanesAvx512>(args.activation, sums);
    float* output = place.output + channel;
#pragma GCC unroll 16
    for (int n = 0; n < kOutputs; ++n) {
        if (!kWhole && n >= place.outputs) break;
        _mm512_mask_storeu_ps(output, mask, sums[n]);
        output += args.output_stride;
    }
}

// All blocks of channels of the `outputs` output columns from x on, at most kOutputs.
template <int kKernel, int kStride, int kOutputs>
inline void compute_columns(const DepthwiseConvFp32Args& args, int x, int outputs) {
    const int columns = (outputs - 1) * kStride + kKernel;
    const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(x) * kStride - args.pad_left;
    const std::ptrdiff_t right = args.input_width - left;
    const TilePlace place = {left * args.input_stride, args.output + x * args.output_stride,
                             left >= 0         ? 0
                             : -left < columns ? static_cast<int>(-left)
                                               : columns,
                             right < columns ? static_cast<int>(right) : columns, outputs};
    const bool whole = outputs == kMostOutputs && place.begin == 0 && place.end == columns;
    for_each_block(args.channels, [&](int channel, __mmask16 mask) {
        if (kOutputs == kMostOutputs && whole) {
            compute_tile<kKernel, kStride, kMostOutputs, true>(args, place, channel, mask);
        } else {
            compute_tile<kKernel, kStride, kOutputs, false>(args, place, channel, mask);
        }
    });
}

template <int kKernel, int kStride>
void convolve_row(const DepthwiseConvFp32Args& args) {
    int x = 0;
    for (; args.output_width - x > kMostOutputs / 2; x += kMostOutputs) {
        const int left = args.output_width - x;
        compute_columns<kKernel, kStride, kMostOutputs>(args, x,
                                                        left < kMostOutputs ? left : kMostOutputs);
    }
    if (x < args.output_width) {
        compute_columns<kKernel, kStride, kMostOutputs / 2>(args, x, args.output_width - x);
    }
}

void convolve_row_any(const DepthwiseConvFp32Args& args) {
    for (int x = 0; x < args.output_width; ++x) {
        for_each_block(args.channels,
                       [&](int channel, __mmask16 mask) { compute_any(args, x, channel, mask); });
    }
}

}  // namespace

void depthwise_conv_fp32_avx512(const DepthwiseConvFp32Args& args) {
    const int kernel = args.dilation_x == 1 ? args.kernel_width : 0;
    if (kernel == 3 && args.stride_x == 1) {
        convolve_row<3, 1>(args);
    } else if (kernel == 3 && args.stride_x == 2) {
        convolve_row<3, 2>(args);
    } else if (kernel == 5 && args.stride_x == 1) {
        convolve_row<5, 1>(args);
    } else if (kernel == 5 && args.stride_x == 2) {
        convolve_row<5, 2>(args);
    } else if (kernel == 2 && args.stride_x == 1) {
        convolve_row<2, 1>(args);
    } else if (kernel == 1 && args.stride_x == 1) {
        convolve_row<1, 1>(args);
    } else {
        convolve_row_any(args);
    }
}

}  // namespace fovea::ops
