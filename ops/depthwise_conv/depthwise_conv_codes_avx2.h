// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with -mavx2 -mfma"
#endif

// A tile is 4 output columns x 16 channels. Taps are taken two at a time: their codes and their weights, as 16 bits, are
// interleaved, so that a vpmaddwd adds both products. 8 registers of sums, 2 of weights, which the columns share.
// unpacklo and unpackhi work within halves of a register: the low sums are of channels 0 to 3 and 8 to 11, the high ones of the rest.
#include "ops/codes_avx2.h"
#include "ops/depthwise_conv/depthwise_conv_codes.h"

namespace fovea::ops {
namespace {

constexpr int kLanes = 16;

// `count` (1 to 16) codes as 16 bits, the other lanes 0.
inline __m256i load_words(const std::uint8_t* codes, int count) {
    if (count == kLanes) return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
    if (count == 8) return _mm256_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes)));
    alignas(16) std::uint8_t lanes[kLanes] = {};
    for (int lane = 0; lane < count; ++lane) lanes[lane] = codes[lane];
    return _mm256_cvtepu8_epi16(_mm_load_si128(reinterpret_cast<const __m128i*>(lanes)));
}
inline __m256i load_words(const std::int16_t* codes, int count) {
    if (count == kLanes) return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
    if (count == 8) return _mm256_zextsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes)));
    alignas(32) std::int16_t lanes[kLanes] = {};
    for (int lane = 0; lane < count; ++lane) lanes[lane] = codes[lane];
    return _mm256_load_si256(reinterpret_cast<const __m256i*>(lanes));
}

// A block of channels of a row.
template <typename Input>
struct Block {
    const DepthwiseConvCodesArgs<Input>& args;
    std::ptrdiff_t padded_channels;
    int channel;
    int count;                  // of channels: 16, or what is left
    const Input* pads;          // [16]: what lies outside the picture
    const Epilogue* epilogues;  // of 8 channels each

    __m256i weights(int a, int b) const {
        if (b >= args.kernel_width) return _mm256_setzero_si256();
        const auto* const source = reinterpret_cast<const __m128i*>(
            args.weights + (static_cast<std::ptrdiff_t>(a) * args.kernel_width + b) * padded_channels + channel);
        return _mm256_cvtepi8_epi16(count > 8 ? _mm_loadu_si128(source) : _mm_loadl_epi64(source));
    }
};

// kCount: the channels of the block, 16 or 8; 0 for another number. kInside: none of the window is padding; otherwise the codes of a
// position come from the row or from the pads, without a branch.
template <typename Input, int kColumns, int kCount, bool kInside>
inline void compute_tile(const Block<Input>& block, int first_column) {
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    const int count = kCount != 0 ? kCount : block.count;
    const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(first_column) * args.stride_x - args.pad_left;
    const std::ptrdiff_t step = args.stride_x * args.input_stride;
    __m256i low[kColumns], high[kColumns];
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) low[x] = high[x] = _mm256_setzero_si256();
    for (int a = 0; a < args.kernel_height; ++a) {
        const bool whole = kInside || args.rows[a] != nullptr;
        const Input* const row = whole ? args.rows[a] + block.channel : block.pads;
        const auto width = static_cast<std::size_t>(whole ? args.input_width : 0);
        const auto codes = [&](std::ptrdiff_t column) {
            const bool inside = static_cast<std::size_t>(column) < width;
            return load_words(inside ? row + column * args.input_stride : block.pads, count);
        };
        for (int b = 0; b < args.kernel_width; b += 2) {
            const __m256i first = block.weights(a, b), second = block.weights(a, b + 1);
            const __m256i weights_low = _mm256_unpacklo_epi16(first, second);
            const __m256i weights_high = _mm256_unpackhi_epi16(first, second);
            const std::ptrdiff_t column = left + static_cast<std::ptrdiff_t>(b) * args.dilation_x;
            // The second of a pair that is none has weights of 0: any codes do.
            const std::ptrdiff_t to_next = b + 1 == args.kernel_width ? 0 : args.dilation_x;
            const Input* const here_of_first = kInside ? row + column * args.input_stride : nullptr;
#pragma GCC unroll 4
            for (int x = 0; x < kColumns; ++x) {
                const std::ptrdiff_t at = column + static_cast<std::ptrdiff_t>(x) * args.stride_x;
                const __m256i here = kInside ? load_words(here_of_first + x * step, count) : codes(at);
                const __m256i next =
                    kInside ? load_words(here_of_first + x * step + to_next * args.input_stride, count) : codes(at + to_next);
                low[x] = _mm256_add_epi32(low[x], _mm256_madd_epi16(_mm256_unpacklo_epi16(here, next), weights_low));
                high[x] = _mm256_add_epi32(high[x], _mm256_madd_epi16(_mm256_unpackhi_epi16(here, next), weights_high));
            }
        }
    }
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) {
        const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(first_column + x) * args.output.stride + block.channel;
        const __m256i sums = _mm256_permute2x128_si256(low[x], high[x], 0x20);
        store_codes(args.output, at, block.epilogues[0].codes(sums), count < 8 ? count : 8);
        if (count > 8) {
            const __m256i others = _mm256_permute2x128_si256(low[x], high[x], 0x31);
            store_codes(args.output, at + 8, block.epilogues[1].codes(others), count - 8);
        }
    }
}

template <typename Input, int kCount>
inline void compute_block(const Block<Input>& block, bool whole_rows) {
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    const std::ptrdiff_t reach = 3 * static_cast<std::ptrdiff_t>(args.stride_x) +
                                 (static_cast<std::ptrdiff_t>(args.kernel_width) - 1) * args.dilation_x;
    int x = 0;
    for (; x + 4 <= args.output_width; x += 4) {
        const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(x) * args.stride_x - args.pad_left;
        if (whole_rows && left >= 0 && left + reach < args.input_width) {
            compute_tile<Input, 4, kCount, true>(block, x);
        } else {
            compute_tile<Input, 4, kCount, false>(block, x);
        }
    }
    const int columns = args.output_width - x;
    if (columns == 3) return compute_tile<Input, 3, kCount, false>(block, x);
    if (columns == 2) return compute_tile<Input, 2, kCount, false>(block, x);
    if (columns == 1) compute_tile<Input, 1, kCount, false>(block, x);
}

template <typename Input>
inline void compute(const DepthwiseConvCodesArgs<Input>& args) {
    bool whole_rows = true;
    for (int a = 0; a < args.kernel_height; ++a) whole_rows = whole_rows && args.rows[a] != nullptr;
    const std::ptrdiff_t padded_channels = (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
    for (int channel = 0; channel < args.channels; channel += kLanes) {
        alignas(32) Input pads[kLanes] = {};
        const int count = args.channels - channel < kLanes ? args.channels - channel : kLanes;
        for (int lane = 0; lane < count; ++lane) pads[lane] = static_cast<Input>(args.input_zero[channel + lane]);
        const Epilogue epilogues[2] = {
            Epilogue(args.bias, channel, args.requantisation, args.output.type),
            Epilogue(args.bias, count > 8 ? channel + 8 : channel, args.requantisation, args.output.type),
        };
        const Block<Input> block = {args, padded_channels, channel, count, pads, epilogues};
        if (count == kLanes) {
            compute_block<Input, kLanes>(block, whole_rows);
        } else if (count == 8) {
            compute_block<Input, 8>(block, whole_rows);
        } else {
            compute_block<Input, 0>(block, whole_rows);
        }
    }
}

}  // namespace
}  // namespace fovea::ops
