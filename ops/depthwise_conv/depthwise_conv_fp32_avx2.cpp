// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution, 8 channels a register, AVX2 and FMA.
//
// Kernels of width 3 and 5, stride 1 and 2, and of width 1 and 2, stride 1 (what is left of those in
// a gradient, by phases): a tile is 8 output columns of one block of 8 channels.
//   ymm  8  sums, one an output column
//   ymm  5  (as many as the kernel is wide) weights of the current kernel row
//   ymm  1  the current input column, loaded once and given to every output whose window holds it
// Going through the columns from left to right gives each output its taps of a row in ascending
// order, so the window slides without changing the order of summation. 8 sums are what it takes to
// hide an FMA latency of 4 cycles at 2 a cycle (Haswell, Zen), and 14 of the 16 registers hold it;
// a 3x3 row costs 10 column loads and 3 weight loads for 24 FMAs.
// Where windows leave the row, or fewer than 8 outputs are left, the same tile skips the columns that are
// not there and stores fewer outputs: a branch a column, not a test for each tap.
// Rows are walked in chunks of 16 outputs, so that the cache lines that two neighbouring blocks of
// channels share are still in L1 for the second one.
// Every other kernel width or dilation takes its taps one by one from memory.
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile with -mavx2 -mfma"
#endif

#include <immintrin.h>

#include "ops/depthwise_conv/depthwise_conv.h"
#include "ops/fused_activation_lanes.h"
#include "ops/lanes_avx2.h"

namespace fovea::ops {
namespace {

constexpr int kLanes = 8;
constexpr int kOutputs = 8;
constexpr int kChunk = 2 * kOutputs;

// One block of channels of the row: what does not change from output to output.
struct Block {
    const DepthwiseConvFp32Args& args;
    std::ptrdiff_t padded_channels;
    int channel;
    __m256i mask;  // used where kPartial
};

template <bool kPartial>
inline __m256 load(const float* source, __m256i mask) {
    return kPartial ? _mm256_maskload_ps(source, mask) : _mm256_loadu_ps(source);
}

template <bool kPartial>
inline void store(float* target, __m256i mask, __m256 value) {
    if (kPartial) {
        _mm256_maskstore_ps(target, mask, value);
    } else {
        _mm256_storeu_ps(target, value);
    }
}

// One output column from the taps whose columns lie in the row, for any kernel.
template <bool kPartial>
inline void compute_any(const Block& block, int x) {
    const DepthwiseConvFp32Args& args = block.args;
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left;
    __m256 sum[1] = {_mm256_loadu_ps(args.bias + block.channel)};
    for (int a = 0; a < args.kernel_height; ++a) {
        if (args.rows[a] == nullptr) continue;
        const float* weights =
            args.weights +
            static_cast<std::ptrdiff_t>(a) * args.kernel_width * block.padded_channels +
            block.channel;
        for (int b = 0; b < args.kernel_width; ++b) {
            const std::ptrdiff_t column = first + static_cast<std::ptrdiff_t>(b) * args.dilation_x;
            if (column < 0 || column >= args.input_width) continue;
            const __m256 value = load<kPartial>(
                args.rows[a] + column * args.input_stride + block.channel, block.mask);
            sum[0] = _mm256_fmadd_ps(value, _mm256_loadu_ps(weights + b * block.padded_channels),
                                     sum[0]);
        }
    }
    apply_fused_activation<LanesAvx2>(args.activation, sum);
    store<kPartial>(args.output + x * args.output_stride + block.channel, block.mask, sum[0]);
}

// What of a tile there is: columns [begin, end) of its windows, and how many outputs.
struct TileRange {
    int begin;
    int end;
    int outputs;
};

// Gives input column kColumn of a tile to the outputs kOutput and up whose windows hold it.
template <int kKernel, int kStride, int kColumn, int kOutput>
inline void add_column(__m256 value, const __m256 (&weights)[kKernel], __m256 (&sums)[kOutputs]) {
    if constexpr (kOutput < kOutputs) {
        constexpr int kTap = kColumn - kOutput * kStride;
        if constexpr (kTap >= 0 && kTap < kKernel) {
            sums[kOutput] = _mm256_fmadd_ps(value, weights[kTap], sums[kOutput]);
        }
        add_column<kKernel, kStride, kColumn, kOutput + 1>(value, weights, sums);
    }
}

template <int kKernel, int kStride, bool kPartial, bool kWhole, int kColumn>
inline void add_columns(const float* row, std::ptrdiff_t first, std::ptrdiff_t stride, __m256i mask,
                        const TileRange& range, const __m256 (&weights)[kKernel],
                        __m256 (&sums)[kOutputs]) {
    if constexpr (kColumn < (kOutputs - 1) * kStride + kKernel) {
        if (kWhole || (kColumn >= range.begin && kColumn < range.end)) {
            const __m256 value = load<kPartial>(row + (first + kColumn * stride), mask);
            add_column<kKernel, kStride, kColumn, 0>(value, weights, sums);
        }
        add_columns<kKernel, kStride, kPartial, kWhole, kColumn + 1>(row, first, stride, mask, range,
                                                                     weights, sums);
    }
}

// The range's outputs from column x on; kWhole: all 8, all of whose windows lie in the row.
template <int kKernel, int kStride, bool kPartial, bool kWhole>
inline void compute_tile(const Block& block, int x, const TileRange& range) {
    const DepthwiseConvFp32Args& args = block.args;
    const std::ptrdiff_t first =
        (static_cast<std::ptrdiff_t>(x) * kStride - args.pad_left) * args.input_stride +
        block.channel;
    const __m256 bias = _mm256_loadu_ps(args.bias + block.channel);
    __m256 sums[kOutputs];
    for (__m256& sum : sums) sum = bias;
    const float* row_weights = args.weights + block.channel;
    for (int a = 0; a < args.kernel_height; ++a, row_weights += kKernel * block.padded_channels) {
        if (args.rows[a] == nullptr) continue;
        __m256 weights[kKernel];
        for (int b = 0; b < kKernel; ++b) {
            weights[b] = _mm256_loadu_ps(row_weights + b * block.padded_channels);
        }
        add_columns<kKernel, kStride, kPartial, kWhole, 0>(
            args.rows[a], first, args.input_stride, block.mask, range, weights, sums);
    }
    apply_fused_activation<LanesAvx2>(args.activation, sums);
    float* output = args.output + x * args.output_stride + block.channel;
#pragma GCC unroll 8
    for (int n = 0; n < kOutputs; ++n) {
        if (!kWhole && n >= range.outputs) break;
        store<kPartial>(output, block.mask, sums[n]);
        output += args.output_stride;
    }
}

// Output columns x_begin .. x_end - 1.
template <int kKernel, int kStride, bool kPartial>
void compute_columns(const Block& block, int x_begin, int x_end) {
    const DepthwiseConvFp32Args& args = block.args;
    for (int x = x_begin; x < x_end; x += kOutputs) {
        const int outputs = x_end - x < kOutputs ? x_end - x : kOutputs;
        const int columns = (outputs - 1) * kStride + kKernel;
        const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(x) * kStride - args.pad_left;
        const std::ptrdiff_t right = args.input_width - left;
        const TileRange range = {
            left >= 0 ? 0 : -left < columns ? static_cast<int>(-left) : columns,
            right < columns ? static_cast<int>(right) : columns, outputs};
        if (outputs == kOutputs && range.begin == 0 && range.end == columns) {
            compute_tile<kKernel, kStride, kPartial, true>(block, x, range);
        } else {
            compute_tile<kKernel, kStride, kPartial, false>(block, x, range);
        }
    }
}

template <int kKernel, int kStride>
void convolve_row(const DepthwiseConvFp32Args& args, std::ptrdiff_t padded_channels) {
    for (int x = 0; x < args.output_width; x += kChunk) {
        const int x_end = args.output_width - x < kChunk ? args.output_width : x + kChunk;
        int channel = 0;
        for (; channel + kLanes <= args.channels; channel += kLanes) {
            const Block block = {args, padded_channels, channel, _mm256_setzero_si256()};
            compute_columns<kKernel, kStride, false>(block, x, x_end);
        }
        if (channel < args.channels) {
            const Block block = {args, padded_channels, channel,
                                 lane_mask_avx2(args.channels - channel)};
            compute_columns<kKernel, kStride, true>(block, x, x_end);
        }
    }
}

void convolve_row_any(const DepthwiseConvFp32Args& args, std::ptrdiff_t padded_channels) {
    for (int x = 0; x < args.output_width; ++x) {
        int channel = 0;
        for (; channel + kLanes <= args.channels; channel += kLanes) {
            compute_any<false>({args, padded_channels, channel, _mm256_setzero_si256()}, x);
        }
        if (channel < args.channels) {
            compute_any<true>(
                {args, padded_channels, channel, lane_mask_avx2(args.channels - channel)}, x);
        }
    }
}

}  // namespace

void depthwise_conv_fp32_avx2(const DepthwiseConvFp32Args& args) {
    const std::ptrdiff_t padded_channels = (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
    const int kernel = args.dilation_x == 1 ? args.kernel_width : 0;
    if (kernel == 3 && args.stride_x == 1) {
        convolve_row<3, 1>(args, padded_channels);
    } else if (kernel == 3 && args.stride_x == 2) {
        convolve_row<3, 2>(args, padded_channels);
    } else if (kernel == 5 && args.stride_x == 1) {
        convolve_row<5, 1>(args, padded_channels);
    } else if (kernel == 5 && args.stride_x == 2) {
        convolve_row<5, 2>(args, padded_channels);
    } else if (kernel == 2 && args.stride_x == 1) {
        convolve_row<2, 1>(args, padded_channels);
    } else if (kernel == 1 && args.stride_x == 1) {
        convolve_row<1, 1>(args, padded_channels);
    } else {
        convolve_row_any(args, padded_channels);
    }
}

}  // namespace fovea::ops
