// SPDX-License-Identifier: Apache-2.0
// Depthwise convolution, 4 channels a register, NEON.
//
// 3x3 and 5x5, stride 1 and 2: a tile is 8 output columns of one block of 8 channels.
//   v  16  sums, two an output column
//   v  10  (6 for 3x3) weights of the current kernel row
//   v   2  the current input column, loaded once and given to every output whose window holds it
// Going through the columns from left to right gives each output its taps of a row in ascending
// order, so the window slides without changing the order of summation. 28 of the 32 registers hold
// it; a 3x3 row costs 20 column loads and 6 weight loads for 48 FMAs, which matters on Cortex-A53,
// where a load takes a slot that an FMA could have had. 16 independent sums hide an FMA latency of
// 4 cycles at 2 a cycle (Cortex-A76) twice over. Rows are walked in chunks of 16 outputs, so that
// the cache lines that two neighbouring blocks of channels share are still in L1 for the second
// one. The last 4 to 7 channels take a tile of 4 of them; the last 1 to 3 are loaded and stored
// lane by lane. Outputs whose window leaves the row, and every other kernel size or dilation, take
// their taps one by one from memory.
#if !defined(__aarch64__)
#error "for AArch64, whose baseline has NEON"
#endif

#include <arm_neon.h>

#include "ops/activation_neon.h"
#include "ops/depthwise_conv/depthwise_conv.h"

namespace fovea::ops {
namespace {

constexpr int kChunk = 16;

// Some neighbouring channels of the row: what does not change from output to output.
struct Block {
    const DepthwiseConvFp32Args& args;
    std::ptrdiff_t padded_channels;
    int channel;
    int lanes;  // 1 to 3, used where kPartial
};

template <bool kPartial>
inline float32x4_t load(const float* source, int lanes) {
    if constexpr (kPartial) {
        return load_partial_neon(source, lanes);
    } else {
        return vld1q_f32(source);
    }
}

template <bool kPartial>
inline void store(float* target, float32x4_t value, int lanes) {
    if constexpr (kPartial) {
        store_partial_neon(target, value, lanes);
    } else {
        vst1q_f32(target, value);
    }
}

// One output column from the taps whose columns lie in the row, for any kernel.
template <int kVectors, bool kPartial>
inline void compute_any(const Block& block, int x) {
    const DepthwiseConvFp32Args& args = block.args;
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left;
    float32x4_t sums[kVectors];
    for (int v = 0; v < kVectors; ++v) sums[v] = vld1q_f32(args.bias + block.channel + 4 * v);
    for (int a = 0; a < args.kernel_height; ++a) {
        if (args.rows[a] == nullptr) continue;
        const float* weights =
            args.weights +
            static_cast<std::ptrdiff_t>(a) * args.kernel_width * block.padded_channels +
            block.channel;
        for (int b = 0; b < args.kernel_width; ++b) {
            const std::ptrdiff_t column = first + static_cast<std::ptrdiff_t>(b) * args.dilation_x;
            if (column < 0 || column >= args.input_width) continue;
            const float* input = args.rows[a] + column * args.input_stride + block.channel;
            for (int v = 0; v < kVectors; ++v) {
                sums[v] = vfmaq_f32(sums[v], load<kPartial>(input + 4 * v, block.lanes),
                                    vld1q_f32(weights + b * block.padded_channels + 4 * v));
            }
        }
    }
    apply_fused_activation(args.activation, sums);
    float* output = args.output + x * args.output_stride + block.channel;
    for (int v = 0; v < kVectors; ++v) store<kPartial>(output + 4 * v, sums[v], block.lanes);
}

// Gives input column kColumn of a tile to the outputs kOutput and up whose windows hold it.
template <int kKernel, int kStride, int kColumn, int kOutput, int kOutputs>
inline void add_column(float32x4_t value, const float32x4_t (&weights)[kKernel],
                       float32x4_t (&sums)[kOutputs]) {
    if constexpr (kOutput < kOutputs) {
        constexpr int kTap = kColumn - kOutput * kStride;
        if constexpr (kTap >= 0 && kTap < kKernel) {
            sums[kOutput] = vfmaq_f32(sums[kOutput], value, weights[kTap]);
        }
        add_column<kKernel, kStride, kColumn, kOutput + 1>(value, weights, sums);
    }
}

template <int kKernel, int kStride, bool kPartial, int kColumn, int kVectors, int kOutputs>
inline void add_columns(const float* input, std::ptrdiff_t stride, int lanes,
                        const float32x4_t (&weights)[kVectors][kKernel],
                        float32x4_t (&sums)[kVectors][kOutputs]) {
    if constexpr (kColumn < (kOutputs - 1) * kStride + kKernel) {
        const float* column = input + kColumn * stride;
        add_column<kKernel, kStride, kColumn, 0>(load<kPartial>(column, lanes), weights[0],
                                                 sums[0]);
        if constexpr (kVectors == 2) {
            add_column<kKernel, kStride, kColumn, 0>(vld1q_f32(column + 4), weights[1], sums[1]);
        }
        add_columns<kKernel, kStride, kPartial, kColumn + 1>(input, stride, lanes, weights, sums);
    }
}

// kOutputs output columns from x, all of whose windows lie in the row.
template <int kKernel, int kStride, int kVectors, bool kPartial, int kOutputs>
inline void compute_tile(const Block& block, int x) {
    const DepthwiseConvFp32Args& args = block.args;
    const std::ptrdiff_t first =
        (static_cast<std::ptrdiff_t>(x) * kStride - args.pad_left) * args.input_stride +
        block.channel;
    float32x4_t sums[kVectors][kOutputs];
    for (int v = 0; v < kVectors; ++v) {
        const float32x4_t bias = vld1q_f32(args.bias + block.channel + 4 * v);
        for (float32x4_t& sum : sums[v]) sum = bias;
    }
    const float* row_weights = args.weights + block.channel;
    for (int a = 0; a < kKernel; ++a, row_weights += kKernel * block.padded_channels) {
        if (args.rows[a] == nullptr) continue;
        float32x4_t weights[kVectors][kKernel];
        for (int v = 0; v < kVectors; ++v) {
            for (int b = 0; b < kKernel; ++b) {
                weights[v][b] = vld1q_f32(row_weights + b * block.padded_channels + 4 * v);
            }
        }
        add_columns<kKernel, kStride, kPartial, 0>(args.rows[a] + first, args.input_stride,
                                                   block.lanes, weights, sums);
    }
    for (int v = 0; v < kVectors; ++v) apply_fused_activation(args.activation, sums[v]);
    float* output = args.output + x * args.output_stride + block.channel;
    for (int n = 0; n < kOutputs; ++n, output += args.output_stride) {
        for (int v = 0; v < kVectors; ++v) {
            store<kPartial>(output + 4 * v, sums[v][n], block.lanes);
        }
    }
}

// Output columns x_begin .. x_end - 1, of which those from inner_begin to inner_end - 1 see nothing
// but the row.
template <int kKernel, int kStride, int kVectors, bool kPartial>
void compute_columns(const Block& block, int x_begin, int x_end, int inner_begin, int inner_end) {
    int x = x_begin;
    for (; x < x_end && x < inner_begin; ++x) compute_any<kVectors, kPartial>(block, x);
    const int inner = x_end < inner_end ? x_end : inner_end;
    for (; x + 8 <= inner; x += 8) compute_tile<kKernel, kStride, kVectors, kPartial, 8>(block, x);
    if (x + 4 <= inner) {
        compute_tile<kKernel, kStride, kVectors, kPartial, 4>(block, x);
        x += 4;
    }
    for (; x < inner; ++x) compute_tile<kKernel, kStride, kVectors, kPartial, 1>(block, x);
    for (; x < x_end; ++x) compute_any<kVectors, kPartial>(block, x);
}

template <int kKernel, int kStride>
void convolve_row(const DepthwiseConvFp32Args& args, std::ptrdiff_t padded_channels) {
    // The outputs x with x * stride >= pad_left and x * stride - pad_left + kernel <= input_width.
    int inner_begin = args.pad_left > 0 ? (args.pad_left + kStride - 1) / kStride : 0;
    const int room = args.input_width + args.pad_left - kKernel;
    int inner_end = room < 0 ? 0 : room / kStride + 1;
    if (inner_end > args.output_width) inner_end = args.output_width;
    if (inner_begin > inner_end) inner_begin = inner_end;

    // The first chunk has the left border besides, so that every other one is whole tiles.
    for (int x = 0, x_end = 0; x < args.output_width; x = x_end) {
        const int length = x == 0 ? inner_begin + kChunk : kChunk;
        x_end = args.output_width - x < length ? args.output_width : x + length;
        int c = 0;
        for (; c + 8 <= args.channels; c += 8) {
            compute_columns<kKernel, kStride, 2, false>({args, padded_channels, c, 0}, x, x_end,
                                                        inner_begin, inner_end);
        }
        for (; c + 4 <= args.channels; c += 4) {
            compute_columns<kKernel, kStride, 1, false>({args, padded_channels, c, 0}, x, x_end,
                                                        inner_begin, inner_end);
        }
        if (c < args.channels) {
            compute_columns<kKernel, kStride, 1, true>(
                {args, padded_channels, c, args.channels - c}, x, x_end, inner_begin, inner_end);
        }
    }
}

void convolve_row_any(const DepthwiseConvFp32Args& args, std::ptrdiff_t padded_channels) {
    for (int x = 0; x < args.output_width; ++x) {
        int c = 0;
        for (; c + 8 <= args.channels; c += 8) {
            compute_any<2, false>({args, padded_channels, c, 0}, x);
        }
        for (; c + 4 <= args.channels; c += 4) {
            compute_any<1, false>({args, padded_channels, c, 0}, x);
        }
        if (c < args.channels) {
            compute_any<1, true>({args, padded_channels, c, args.channels - c}, x);
        }
    }
}

}  // namespace

void depthwise_conv_fp32_neon(const DepthwiseConvFp32Args& args) {
    const std::ptrdiff_t padded_channels = (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
    const bool square = args.kernel_height == args.kernel_width && args.dilation_x == 1;
    if (square && args.kernel_width == 3 && args.stride_x == 1) {
        convolve_row<3, 1>(args, padded_channels);
    } else if (square && args.kernel_width == 3 && args.stride_x == 2) {
        convolve_row<3, 2>(args, padded_channels);
    } else if (square && args.kernel_width == 5 && args.stride_x == 1) {
        convolve_row<5, 1>(args, padded_channels);
    } else if (square && args.kernel_width == 5 && args.stride_x == 2) {
        convolve_row<5, 2>(args, padded_channels);
    } else {
        convolve_row_any(args, padded_channels);
    }
}

}  // namespace fovea::ops
