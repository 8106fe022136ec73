// SPDX-License-Identifier: Apache-2.0
#pragma once

#if !defined(__AVX512VNNI__) || !defined(__AVX512VL__)
#error "compile this file with -mavx512vnni -mavx512vl"
#endif

// A register of codes is 64 channels of bytes or 32 of words; half and quarter registers take what is left. Four rows of the window (of
// words two) are taken at a time: the codes of a column of all of them are interleaved once, and vpdpbusd (vpdpwssd) adds their products to
// the sums of each of the output columns that need the column. Rows that are missing in the last four have weights of 0; but where one row
// of five taps of bytes is left alone, four of its columns are interleaved, which two products then take instead of five. A tile is 4
// output columns x half of the channels (of words all of them): 8 registers of sums, 6 or 10 of weights, 2 of interleaved codes. Packing
// the sums of both halves undoes the order in which interleaving leaves the channels.
#include "ops/depthwise_conv/depthwise_conv_codes.h"
#include "ops/panel_product_codes_avx512_vnni.h"

namespace fovea::ops {
namespace {

// Registers 2 * kHalf and 2 * kHalf + 1 of four rows of bytes, or of two rows of words.
template <class R, int kHalf>
[[gnu::always_inline]] inline void interleave(const typename R::Integers (&rows)[4], typename R::Integers (&to)[2]) {
    const auto first = kHalf == 0 ? R::unpack_low_bytes(rows[0], rows[1]) : R::unpack_high_bytes(rows[0], rows[1]);
    const auto last = kHalf == 0 ? R::unpack_low_bytes(rows[2], rows[3]) : R::unpack_high_bytes(rows[2], rows[3]);
    to[0] = R::unpack_low_words(first, last);
    to[1] = R::unpack_high_words(first, last);
}
template <class R, int kHalf>
[[gnu::always_inline]] inline void interleave(const typename R::Integers (&rows)[2], typename R::Integers (&to)[2]) {
    to[0] = R::unpack_low_words(rows[0], rows[1]);
    to[1] = R::unpack_high_words(rows[0], rows[1]);
}
template <class R, int kRows>
inline void interleave_all(const typename R::Integers (&rows)[kRows], typename R::Integers* to) {
    using Pair = typename R::Integers[2];
    interleave<R, 0>(rows, *reinterpret_cast<Pair*>(to));
    if constexpr (kRows == 4) interleave<R, 1>(rows, *reinterpret_cast<Pair*>(to + 2));
}

// A block of channels of a row of the picture.
template <class R, typename Input>
struct Block {
    using Integers = typename R::Integers;
    static constexpr int kChannels = R::kBytes / static_cast<int>(sizeof(Input));
    static constexpr int kRows = 4 / static_cast<int>(sizeof(Input));  // of the window, taken at a time
    static constexpr int kMostHeight = 7, kMostWidth = 5;

    const DepthwiseConvCodesArgs<Input>& args;
    int channel;
    Epilogue<R, kRows, kRows == 4 ? Order::kUnpackedBytes : Order::kUnpackedWords> epilogue;
    Integers outside, pads[kRows];  // what lies outside the picture, and interleaved
    // The window's rows that are of the picture; what the others add is in the bias.
    const Input* rows[kMostHeight + kRows];
    int row_count = 0;   // of those that are taken kRows at a time
    bool is_one_left;    // then rows[row_count] goes along its columns
    Integers weights[(kMostHeight + kRows - 1) / kRows * kMostWidth * kRows];

    Block(const DepthwiseConvCodesArgs<Input>& of, int first)
        : args(of), channel(first), epilogue(of.bias, first, kChannels, of.requantisation, of.output.type,
                                             of.kernel_height * of.kernel_width, kGreatestProduct<Input>) {
        epilogue.codes.load(pads, args.input_zero + channel);
        if constexpr (kRows == 4) {
            outside = R::pack_bytes(R::pack_words(pads[0], pads[1]), R::pack_words(pads[2], pads[3]));
        } else {
            outside = R::pack_words(pads[0], pads[1]);
        }
        Integers columns[kRows];
        for (Integers& column : columns) column = outside;
        interleave_all<R>(columns, pads);

        const std::ptrdiff_t step = (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
        const auto load_weights = [&](int a, int b) {
            const std::int8_t* const from = args.weights + (static_cast<std::ptrdiff_t>(a) * args.kernel_width + b) * step + channel;
            return kRows == 4 ? R::load(from) : R::widened_bytes(from);
        };
        int of_row[kMostHeight];
        for (int a = 0; a < args.kernel_height; ++a) {
            if (args.rows[a] != nullptr) {
                rows[row_count] = args.rows[a] + channel;
                of_row[row_count++] = a;
            } else {
                for (int b = 0; b < args.kernel_width; ++b) {
                    Integers only[kRows] = {load_weights(a, b)}, products[kRows];
                    for (int k = 1; k < kRows; ++k) only[k] = R::all_words(0);
                    interleave_all<R>(only, products);
                    for (int v = 0; v < kRows; ++v) epilogue.bias[v] = add_products(epilogue.bias[v], pads[v], products[v], args.rows[a]);
                }
            }
        }
        is_one_left = kRows == 4 && args.kernel_width == 5 && row_count % kRows == 1;
        if (is_one_left) --row_count;
        Integers* to = weights;
        for (int first_row = 0; first_row < row_count; first_row += kRows) {
            for (int b = 0; b < args.kernel_width; ++b, to += kRows) {
                Integers taps[kRows];
                for (int k = 0; k < kRows; ++k) {
                    taps[k] = first_row + k < row_count ? load_weights(of_row[first_row + k], b) : R::all_words(0);
                }
                interleave_all<R>(taps, to);
            }
        }
        if constexpr (kRows == 4) {
            if (is_one_left) {
                const int a = of_row[row_count];
                const Integers first[4] = {load_weights(a, 0), load_weights(a, 1), load_weights(a, 2), load_weights(a, 3)};
                const Integers last[4] = {load_weights(a, 4), R::all_words(0), R::all_words(0), R::all_words(0)};
                interleave_all<R>(first, to);
                interleave_all<R>(last, to + 4);
                return;
            }
        }
        for (int missing = row_count; row_count != 0 && missing % kRows != 0; ++missing) rows[missing] = rows[row_count - 1];
    }
};

// The products of kRows rows of the window, of which kLoaded are there, for half of the registers of bytes, or all of words.
template <class R, typename Input, int kWidth, int kStride, int kColumns, int kHalf, int kLoaded>
[[gnu::always_inline]] inline void add_rows(const Block<R, Input>& block, int row, std::ptrdiff_t left, const typename R::Integers* of_taps,
                                            typename R::Integers (&sums)[kColumns][2]) {
    using Integers = typename R::Integers;
    constexpr int kRows = Block<R, Input>::kRows;
    const DepthwiseConvCodesArgs<Input>& args = block.args;
    const Input* rows[kLoaded];
#pragma GCC unroll 4
    for (int k = 0; k < kLoaded; ++k) rows[k] = block.rows[row + k] + left * args.input_stride;
    Integers weights[kWidth][2];
#pragma GCC unroll 5
    for (int b = 0; b < kWidth; ++b) {
        weights[b][0] = of_taps[b * kRows + 2 * kHalf];
        weights[b][1] = of_taps[b * kRows + 2 * kHalf + 1];
    }
    constexpr int kReach = (kColumns - 1) * kStride + kWidth;
#pragma GCC unroll 16
    for (int j = 0; j < kReach; ++j) {
        Integers codes[2];
        if (static_cast<std::size_t>(left + j) < static_cast<std::size_t>(args.input_width)) {
            Integers column[kRows];
#pragma GCC unroll 4
            for (int k = 0; k < kLoaded; ++k) column[k] = R::load(rows[k] + j * args.input_stride);
#pragma GCC unroll 4
            for (int k = kLoaded; k < kRows; ++k) column[k] = column[kLoaded - 1];  // their weights are 0
            interleave<R, kHalf>(column, codes);
        } else {
            codes[0] = block.pads[2 * kHalf];
            codes[1] = block.pads[2 * kHalf + 1];
        }
#pragma GCC unroll 4
        for (int x = 0; x < kColumns; ++x) {
            const int b = j - x * kStride;
            if (b < 0 || b >= kWidth) continue;
            sums[x][0] = add_products(sums[x][0], codes[0], weights[b][0], rows[0]);
            sums[x][1] = add_products(sums[x][1], codes[1], weights[b][1], rows[0]);
        }
    }
}

// Those of a row of five taps, four columns interleaved: those from column j on are the first four of one output column and the last of
// another.
template <class R, int kStride, int kColumns, int kHalf>
[[gnu::always_inline]] inline void add_row(const Block<R, std::uint8_t>& block, std::ptrdiff_t left, const typename R::Integers* of_taps,
                                           typename R::Integers (&sums)[kColumns][2]) {
    using Integers = typename R::Integers;
    const DepthwiseConvU8S8Args& args = block.args;
    const std::uint8_t* const row = block.rows[block.row_count] + left * args.input_stride;
    const Integers first[2] = {of_taps[2 * kHalf], of_taps[2 * kHalf + 1]}, last[2] = {of_taps[4 + 2 * kHalf], of_taps[5 + 2 * kHalf]};
    constexpr int kLast = (kColumns - 1) * kStride + 4;
#pragma GCC unroll 16
    for (int j = 0; j <= kLast; j += kStride) {
        const bool is_first = j / kStride < kColumns;
        Integers columns[4], codes[2];
#pragma GCC unroll 4
        for (int k = 0; k < 4; ++k) {
            if (k > 0 && !is_first) {
                columns[k] = columns[0];  // their weights are 0
            } else if (static_cast<std::size_t>(left + j + k) < static_cast<std::size_t>(args.input_width)) {
                columns[k] = R::load(row + (j + k) * args.input_stride);
            } else {
                columns[k] = block.outside;
            }
        }
        interleave<R, kHalf>(columns, codes);
#pragma GCC unroll 2
        for (int v = 0; v < 2; ++v) {
            if (is_first) sums[j / kStride][v] = add_products(sums[j / kStride][v], codes[v], first[v], row);
            if (j >= 4) sums[(j - 4) / kStride][v] = add_products(sums[(j - 4) / kStride][v], codes[v], last[v], row);
        }
    }
}

template <class R, typename Input, int kWidth, int kStride, int kColumns, int kHalf>
[[gnu::always_inline]] inline void add_window(const Block<R, Input>& block, std::ptrdiff_t left,
                                              typename R::Integers (&sums)[kColumns][Block<R, Input>::kRows]) {
    constexpr int kRows = Block<R, Input>::kRows;
    constexpr int kMissing = kRows == 4 && kWidth == 3 ? 3 : kRows / 2;  // rows that are often left
    typename R::Integers half[kColumns][2];
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) {
        half[x][0] = block.epilogue.bias[2 * kHalf];
        half[x][1] = block.epilogue.bias[2 * kHalf + 1];
    }
    const typename R::Integers* weights = block.weights;
    for (int row = 0; row < block.row_count; row += kRows, weights += kWidth * kRows) {
        if (block.row_count - row <= kMissing) {
            add_rows<R, Input, kWidth, kStride, kColumns, kHalf, kMissing>(block, row, left, weights, half);
        } else {
            add_rows<R, Input, kWidth, kStride, kColumns, kHalf, kRows>(block, row, left, weights, half);
        }
    }
    if constexpr (kRows == 4 && kWidth == 5) {
        if (block.is_one_left) add_row<R, kStride, kColumns, kHalf>(block, left, weights, half);
    }
#pragma GCC unroll 4
    for (int x = 0; x < kColumns; ++x) {
        sums[x][2 * kHalf] = half[x][0];
        sums[x][2 * kHalf + 1] = half[x][1];
    }
}

// Windows of kWidth taps beside each other.
template <class R, typename Input, int kWidth, int kStride, int kColumns>
[[gnu::always_inline]] inline void compute_tile(const Block<R, Input>& block, int first_column) {
    constexpr int kRows = Block<R, Input>::kRows;
    const std::ptrdiff_t left = static_cast<std::ptrdiff_t>(first_column) * kStride - block.args.pad_left;
    typename R::Integers sums[kColumns][kRows];
    add_window<R, Input, kWidth, kStride, kColumns, 0>(block, left, sums);
    if constexpr (kRows == 4) add_window<R, Input, kWidth, kStride, kColumns, 1>(block, left, sums);
    block.epilogue.template store<kColumns>(block.args.output, first_column * block.args.output.stride + block.channel, sums);
}

// All columns: the last four again where columns % 4 are left.
template <class R, typename Input, int kWidth, int kStride>
[[gnu::noinline]] void compute_row(const Block<R, Input>& block) {
    const int columns = block.args.output_width;
    const int last = columns < 4 ? 0 : columns - 4;
    for (int x = 0; columns >= 4; x = x + 4 < last ? x + 4 : last) {
        compute_tile<R, Input, kWidth, kStride, 4>(block, x);
        if (x == last) return;
    }
    for (int x = 0; x < columns; ++x) compute_tile<R, Input, kWidth, kStride, 1>(block, x);
}

template <class R, typename Input>
inline void compute_block(const DepthwiseConvCodesArgs<Input>& args, int channel) {
    const Block<R, Input> block(args, channel);
    if (args.kernel_width == 3) {
        args.stride_x == 1 ? compute_row<R, Input, 3, 1>(block) : compute_row<R, Input, 3, 2>(block);
    } else {
        args.stride_x == 1 ? compute_row<R, Input, 5, 1>(block) : compute_row<R, Input, 5, 2>(block);
    }
}

// Any window and number of channels, of which 16 are taken at a time.
template <typename Input>
[[gnu::noinline]] void compute_any(const DepthwiseConvCodesArgs<Input>& args) {
    const std::ptrdiff_t padded_channels = (static_cast<std::ptrdiff_t>(args.channels) + 7) / 8 * 8;
    for (int channel = 0; channel < args.channels; channel += 16) {
        const int count = args.channels - channel < 16 ? args.channels - channel : 16;
        const auto mask = static_cast<__mmask16>((1u << count) - 1u);
        const auto codes_at = [&](const Input* from) {
            if constexpr (sizeof(Input) == 1) {
                return _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, from + channel));
            } else {
                return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(mask, from + channel));
            }
        };
        const __m512i pads = _mm512_maskz_loadu_epi32(mask, args.input_zero + channel);
        for (int x = 0; x < args.output_width; ++x) {
            __m512i sums = _mm512_maskz_loadu_epi32(mask, args.bias + channel);
            const std::int8_t* weights = args.weights + channel;
            for (int a = 0; a < args.kernel_height; ++a) {
                for (int b = 0; b < args.kernel_width; ++b, weights += padded_channels) {
                    const std::ptrdiff_t column =
                        static_cast<std::ptrdiff_t>(x) * args.stride_x + static_cast<std::ptrdiff_t>(b) * args.dilation_x - args.pad_left;
                    const bool is_inside = args.rows[a] != nullptr && column >= 0 && column < args.input_width;
                    const __m512i codes = is_inside ? codes_at(args.rows[a] + column * args.input_stride) : pads;
                    const __m512i taps = _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, weights));
                    sums = _mm512_add_epi32(sums, _mm512_mullo_epi32(codes, taps));
                }
            }
            alignas(64) std::int32_t lanes[16];
            _mm512_store_si512(lanes, sums);
            store_any(args.output, x * args.output.stride + channel, lanes, args.requantisation, channel, count);
        }
    }
}

// Blocks of channels, the last of them again where some of its channels are left: in the narrowest registers that hold them.
template <typename Input>
inline void compute(const DepthwiseConvCodesArgs<Input>& args) {
    constexpr int kWide = 64 / static_cast<int>(sizeof(Input)), kHalf = kWide / 2, kQuarter = kWide / 4;
    constexpr int kMostHeight = Block<Register<64>, Input>::kMostHeight;
    const bool is_usual = args.channels >= kQuarter && args.dilation_x == 1 && args.kernel_height <= kMostHeight &&
                          (args.stride_x == 1 || args.stride_x == 2) && (args.kernel_width == 3 || args.kernel_width == 5);
    if (!is_usual) return compute_any(args);
    int channel = 0;
    for (; channel + kWide <= args.channels; channel += kWide) compute_block<Register<64>>(args, channel);
    int left = args.channels - channel;
    if (left > kHalf && channel > 0) {
        return compute_block<Register<64>>(args, args.channels - kWide);
    }
    if (left >= kHalf || (left > kQuarter && args.channels >= kHalf)) {
        channel = left >= kHalf ? channel : args.channels - kHalf;
        compute_block<Register<32>>(args, channel);
        channel += kHalf;
        left = args.channels - channel;
    }
    for (; left > 0; left -= kQuarter) {
        compute_block<Register<16>>(args, args.channels - (left >= kQuarter ? left : kQuarter));
    }
}

}  // namespace
}  // namespace fovea::ops
