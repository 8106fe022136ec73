// SPDX-License-Identifier: Apache-2.0
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
    int count;     // of channels: 16, or what is left
    bool whole_rows;  // none of the window's rows is padding
    __m256i pads;  // what lies outside the picture

    __m256i weights(int a, int b) const {
        if (b >= args.kernel_width) return _mm256_setzero_si256();
        const auto* const source = reinterpret_cast<const __m128i*>(
            args.weights + (static_cast<std::ptrdiff_t>(a) * args.kernel_width + b) * padded_channels + channel);
        return _mm256_cvtepi8_epi16(count > 8 ? _mm_loadu_si128(source) : _mm_loadl_epi64(source));
    }
    __m256i codes(int a, std::ptrdiff_t column) const {
        if (args.rows[a] == nullptr || column < 0 || column >= args.input_width) return pads;
        return load_words(args.rows[a] + column * args.input_stride + channel, count);
    }
};

// kCount: the channels of the block where none of the window is padding, so that codes are loaded without a question; 0 for any.
template <typename Input, int kColumns, int kCount>
inline void compute_tile(const Block<Input>& block, int first_column) {
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    __m256i low[kColumns], high[kColumns];
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) low[x] = high[x] = _mm256_setzero_si256();
    const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(first_column) * args.stride_x - args.pad_left;
    const std::ptrdiff_t step = args.stride_x * args.input_stride;
    for (int a = 0; a < args.kernel_height; ++a) {
        for (int b = 0; b < args.kernel_width; b += 2) {
            const __m256i first = block.weights(a, b), second = block.weights(a, b + 1);
            const __m256i weights_low = _mm256_unpacklo_epi16(first, second);
            const __m256i weights_high = _mm256_unpackhi_epi16(first, second);
            const bool alone = b + 1 == args.kernel_width;
            const std::ptrdiff_t column_of_first = left + static_cast<std::ptrdiff_t>(b) * args.dilation_x;
            const Input* const row = kCount != 0 ? args.rows[a] + column_of_first * args.input_stride + block.channel : nullptr;
            const std::ptrdiff_t to_next = alone ? 0 : args.dilation_x * args.input_stride;
#pragma GCC unroll 4
            for (int x = 0; x < kColumns; ++x) {
                __m256i here, next;
                if (kCount != 0) {
                    here = load_words(row + x * step, kCount);
                    next = load_words(row + x * step + to_next, kCount);
                } else {
                    const std::ptrdiff_t column = column_of_first + static_cast<std::ptrdiff_t>(x) * args.stride_x;
                    here = block.codes(a, column);
                    next = alone ? here : block.codes(a, column + args.dilation_x);
                }
                low[x] = _mm256_add_epi32(low[x], _mm256_madd_epi16(_mm256_unpacklo_epi16(here, next), weights_low));
                high[x] = _mm256_add_epi32(high[x], _mm256_madd_epi16(_mm256_unpackhi_epi16(here, next), weights_high));
            }
        }
    }
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) {
        const __m256i sums[2] = {_mm256_permute2x128_si256(low[x], high[x], 0x20),
                                 _mm256_permute2x128_si256(low[x], high[x], 0x31)};
        for (int half = 0; half * 8 < block.count; ++half) {
            const int channel = block.channel + half * 8;
            const __m256i bias = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(args.bias + channel));
            const __m256i codes =
                requantised(_mm256_add_epi32(sums[half], bias), channel, args.requantisation, args.output.type);
            const int count = block.count - half * 8;
            store_codes(args.output, static_cast<std::ptrdiff_t>(first_column + x) * args.output.stride + channel, codes,
                        count < 8 ? count : 8);
        }
    }
}

template <typename Input>
inline void compute_four(const Block<Input>& block, int first_column) {
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(first_column) * args.stride_x - args.pad_left;
    const std::ptrdiff_t reach = 3 * static_cast<std::ptrdiff_t>(args.stride_x) +
                                 (static_cast<std::ptrdiff_t>(args.kernel_width) - 1) * args.dilation_x;
    const bool inside = block.whole_rows && left >= 0 && left + reach < args.input_width;
    if (inside && block.count == kLanes) return compute_tile<Input, 4, kLanes>(block, first_column);
    if (inside && block.count == 8) return compute_tile<Input, 4, 8>(block, first_column);
    compute_tile<Input, 4, 0>(block, first_column);
}

template <typename Input>
inline void compute(const DepthwiseConvCodesArgs<Input>& args) {
    bool whole_rows = true;
    for (int a = 0; a < args.kernel_height; ++a) whole_rows = whole_rows && args.rows[a] != nullptr;
    const std::ptrdiff_t padded_channels = (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
    for (int channel = 0; channel < args.channels; channel += kLanes) {
        alignas(32) std::int16_t pads[kLanes] = {};
        const int count = args.channels - channel < kLanes ? args.channels - channel : kLanes;
        for (int lane = 0; lane < count; ++lane) pads[lane] = static_cast<std::int16_t>(args.input_zero[channel + lane]);
        const Block<Input> block = {args, padded_channels, channel, count, whole_rows,
                                    _mm256_load_si256(reinterpret_cast<const __m256i*>(pads))};
        int x = 0;
        for (; x + 4 <= args.output_width; x += 4) compute_four(block, x);
        for (; x < args.output_width; ++x) compute_tile<Input, 1, 0>(block, x);
    }
}

}  // namespace

void depthwise_conv_u8s8_avx2(const DepthwiseConvU8S8Args& args) {
    compute(args);
}

void depthwise_conv_s16s8_avx2(const DepthwiseConvS16S8Args& args) {
    compute(args);
}

}  // namespace fovea::ops
