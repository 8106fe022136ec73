// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// 16 channels, codes and weights as 16 bits. Two rows of the window are taken at a time: the codes of a column of both are interleaved
// once, and a vpmaddwd adds their two products for each of the output columns that need the column. The odd row is taken two columns at
// a time. A tile is 4 output columns: 8 registers of sums, the interleaved codes, a product; weights are read from memory.
// unpacklo and unpackhi work within halves of a register: the low sums are of channels 0 to 3 and 8 to 11, the high ones of the rest.
#include "ops/codes_avx2.h"
#include "ops/depthwise_conv/depthwise_conv_codes.h"

namespace fovea::ops {
namespace {

constexpr int kLanes = 16;

// `count` (1 to 16) codes as 16 bits, the other lanes 0.
inline __m256i load_words(const std::uint8_t* codes, int count) {
    if (count == kLanes) return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
    alignas(16) std::uint8_t lanes[kLanes] = {};
    for (int lane = 0; lane < count; ++lane) lanes[lane] = codes[lane];
    return _mm256_cvtepu8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(lanes)));
}
inline __m256i load_words(const std::int16_t* codes, int count) {
    if (count == kLanes) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
    alignas(32) std::int16_t lanes[kLanes] = {};
    for (int lane = 0; lane < count; ++lane) lanes[lane] = codes[lane];
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(lanes));
}

// A block of channels of a row of the picture.
template <typename Input>
struct Block {
    static constexpr int kMostHeight = 7, kMostWidth = 5;

    const DepthwiseConvCodesArgs<Input>& args;
    std::ptrdiff_t padded_channels;
    int channel;
    int count;     // of channels: 16, or all where there are fewer
    __m256i pads;  // what lies outside the picture
    Epilogue<2, Order::kInterleaved> epilogue;
    // The window's rows that are of the picture; what the others add is in the bias.
    const Input* rows[kMostHeight];
    int row_count = 0;
    __m256i weights[(kMostHeight / 2 * kMostWidth + kMostWidth / 2 + 1) * 2];

    Block(const DepthwiseConvCodesArgs<Input>& of, int first, int channels)
        : args(of), padded_channels((static_cast<std::ptrdiff_t>(of.channels) + 7) / 8 * 8), channel(first), count(channels),
          epilogue(of.bias, first, channels, of.requantisation, of.output.type) {
        alignas(32) std::int16_t lanes[kLanes] = {};
        for (int lane = 0; lane < count; ++lane) lanes[lane] = static_cast<std::int16_t>(args.input_zero[channel + lane]);
        pads = _mm256_load_si256(reinterpret_cast<const __m256i*>(lanes));
    }
    __m256i weights_of(int a, int b) const {
        const auto* const source = reinterpret_cast<const __m128i*>(
            args.weights + (static_cast<std::ptrdiff_t>(a) * args.kernel_width + b) * padded_channels + channel);
        return _mm256_cvtepi8_epi16(count > 8 ? _mm_loadu_si128(source) : _mm_loadl_epi64(source));
    }
    // For windows that the members above have room for.
    void prepare() {
        int of_row[kMostHeight];
        const __m256i none = _mm256_setzero_si256();
        for (int a = 0; a < args.kernel_height; ++a) {
            if (args.rows[a] != nullptr) {
                rows[row_count] = args.rows[a] + channel;
                of_row[row_count++] = a;
            } else {
                const __m256i low = _mm256_unpacklo_epi16(pads, none), high = _mm256_unpackhi_epi16(pads, none);
                for (int b = 0; b < args.kernel_width; ++b) {
                    add(epilogue.bias[0], low, _mm256_unpacklo_epi16(weights_of(a, b), none));
                    add(epilogue.bias[1], high, _mm256_unpackhi_epi16(weights_of(a, b), none));
                }
            }
        }
        const int width = args.kernel_width, pairs = row_count / 2;
        const std::ptrdiff_t step = padded_channels, row_bytes = width * step;
        const std::int8_t* const first_row = args.weights + channel;
        const auto words = [](const std::int8_t* from) {
            return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
        };
        __m256i* to = weights;
        const auto put = [&](__m256i first, __m256i second) {
            to[0] = _mm256_unpacklo_epi16(first, second);
            to[1] = _mm256_unpackhi_epi16(first, second);
            to += 2;
        };
        for (int pair = 0; pair < pairs; ++pair) {
            const std::int8_t* upper = first_row + of_row[2 * pair] * row_bytes;
            const std::int8_t* lower = first_row + of_row[2 * pair + 1] * row_bytes;
            for (int b = 0; b < width; ++b, upper += step, lower += step) put(words(upper), words(lower));
        }
        if (row_count % 2 == 0) return;
        const std::int8_t* only = first_row + of_row[row_count - 1] * row_bytes;
        int b = 0;
        for (; b + 2 <= width; b += 2, only += 2 * step) put(words(only), words(only + step));
        if (b < width) put(words(only), none);
    }
    static void add(__m256i& sums, __m256i codes, __m256i weights) {
        __m256i added = _mm256_add_epi32(sums, _mm256_madd_epi16(codes, weights));
        // Otherwise the compiler adds products of several columns first, for which there are no registers.
        __asm__("" : "+x"(added));
        sums = added;
    }
};

// Windows of kWidth taps beside each other.
template <typename Input, int kWidth, int kStride, int kColumns>
inline void compute_tile(const Block<Input>& block, int first_column) {
    constexpr int kReach = (kColumns - 1) * kStride + kWidth;
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(first_column) * kStride - args.pad_left;
    const std::ptrdiff_t offset = left * args.input_stride;
    const auto is_inside = [&](int j) { return static_cast<std::size_t>(left + j) < static_cast<std::size_t>(args.input_width); };
    const __m256i* weights = block.weights;
    __m256i sums[kColumns][2];
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) {
        sums[x][0] = block.epilogue.bias[0];
        sums[x][1] = block.epilogue.bias[1];
    }
    int row = 0;
    for (; row + 2 <= block.row_count; row += 2, weights += 2 * kWidth) {
        const Input* const upper = block.rows[row] + offset;
        const Input* const lower = block.rows[row + 1] + offset;
#pragma GCC unroll 16
        for (int j = 0; j < kReach; ++j) {
            __m256i above = block.pads, below = block.pads;
            if (is_inside(j)) {
                above = load_words(upper + j * args.input_stride, kLanes);
                below = load_words(lower + j * args.input_stride, kLanes);
            }
            const __m256i low = _mm256_unpacklo_epi16(above, below), high = _mm256_unpackhi_epi16(above, below);
            __asm__("" : "+r"(weights));  // read again rather than kept
#pragma GCC unroll 4
            for (int x = 0; x < kColumns; ++x) {
                const int b = j - x * kStride;
                if (b < 0 || b >= kWidth) continue;
                Block<Input>::add(sums[x][0], low, weights[2 * b]);
                Block<Input>::add(sums[x][1], high, weights[2 * b + 1]);
            }
        }
    }
    if (row < block.row_count) {
        const Input* const only = block.rows[row] + offset;
        const auto codes = [&](int j) { return is_inside(j) ? load_words(only + j * args.input_stride, kLanes) : block.pads; };
        __m256i here = codes(0);
#pragma GCC unroll 16
        for (int j = 0; j < kReach; ++j) {
            const __m256i next = j + 1 < kReach ? codes(j + 1) : here;  // behind the last weights are 0
            const __m256i low = _mm256_unpacklo_epi16(here, next), high = _mm256_unpackhi_epi16(here, next);
            here = next;
            __asm__("" : "+r"(weights));
#pragma GCC unroll 4
            for (int x = 0; x < kColumns; ++x) {
                const int b = j - x * kStride;
                if (b < 0 || b >= kWidth || b % 2 != 0) continue;
                Block<Input>::add(sums[x][0], low, weights[b]);
                Block<Input>::add(sums[x][1], high, weights[b + 1]);
            }
        }
    }
    block.epilogue.template store<kColumns>(args.output, first_column * args.output.stride + block.channel, sums);
}

// All columns: the last four again where columns % 4 are left.
template <typename Input, int kWidth, int kStride>
inline void compute_row(const Block<Input>& block) {
    const int columns = block.args.output_width;
    int x = 0;
    for (; x + 4 <= columns; x += 4) compute_tile<Input, kWidth, kStride, 4>(block, x);
    if (x == columns) return;
    if (columns >= 4) return compute_tile<Input, kWidth, kStride, 4>(block, columns - 4);
    for (; x < columns; ++x) compute_tile<Input, kWidth, kStride, 1>(block, x);
}

// Any window, and fewer channels than 16.
template <typename Input>
inline void compute_any(const Block<Input>& block) {
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    const __m256i none = _mm256_setzero_si256();
    for (int x = 0; x < args.output_width; ++x) {
        __m256i sums[1][2] = {{block.epilogue.bias[0], block.epilogue.bias[1]}};
        for (int a = 0; a < args.kernel_height; ++a) {
            for (int b = 0; b < args.kernel_width; ++b) {
                const std::ptrdiff_t column =
                    static_cast<std::ptrdiff_t>(x) * args.stride_x + static_cast<std::ptrdiff_t>(b) * args.dilation_x - args.pad_left;
                const bool is_inside = args.rows[a] != nullptr && column >= 0 && column < args.input_width;
                const __m256i codes =
                    is_inside ? load_words(args.rows[a] + column * args.input_stride + block.channel, block.count) : block.pads;
                const __m256i weights = block.weights_of(a, b);
                Block<Input>::add(sums[0][0], _mm256_unpacklo_epi16(codes, none), _mm256_unpacklo_epi16(weights, none));
                Block<Input>::add(sums[0][1], _mm256_unpackhi_epi16(codes, none), _mm256_unpackhi_epi16(weights, none));
            }
        }
        block.epilogue.template store<1>(args.output, x * args.output.stride + block.channel, sums);
    }
}

template <typename Input>
inline void compute_block(const DepthwiseConvCodesArgs<Input>& args, int channel, int count) {
    Block<Input> block(args, channel, count);
    const bool is_usual = count == kLanes && args.dilation_x == 1 && args.kernel_height <= Block<Input>::kMostHeight &&
                          (args.stride_x == 1 || args.stride_x == 2) && (args.kernel_width == 3 || args.kernel_width == 5);
    if (!is_usual) return compute_any(block);
    block.prepare();
    if (args.kernel_width == 3) {
        args.stride_x == 1 ? compute_row<Input, 3, 1>(block) : compute_row<Input, 3, 2>(block);
    } else {
        args.stride_x == 1 ? compute_row<Input, 5, 1>(block) : compute_row<Input, 5, 2>(block);
    }
}

// Blocks of 16 channels, the last of them again where channels % 16 are left.
template <typename Input>
inline void compute(const DepthwiseConvCodesArgs<Input>& args) {
    if (args.channels < kLanes) return compute_block(args, 0, args.channels);
    int channel = 0;
    for (; channel + kLanes <= args.channels; channel += kLanes) compute_block(args, channel, kLanes);
    if (channel < args.channels) compute_block(args, args.channels - kLanes, kLanes);
}

}  // namespace
}  // namespace fovea::ops
