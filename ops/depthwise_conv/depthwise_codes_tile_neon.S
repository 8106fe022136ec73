// SPDX-License-Identifier: Apache-2.0
// Tiles of 8 output columns, or 7, x 8 channels of codes and weights as 16 bits (depthwise_conv_codes_neon.h): two smlal for 8 products.
//
//   v0 .. v4     weights of a row of the window
//   v8 .. v15    the input's columns, each loaded once
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#include "ops/codes_tile_neon.inc"

// x6 rows, x7 bytes apart.
.macro word_window name, width, stride, count
    begin_function depthwise_words_\name\()_neon
    load_tiles
.Ltile_\name:
    mov x12, x2
    mov x14, x1
    begin_sums %(8 - \count)
    cbz x6, .Ltotal_\name
    mov x13, x6
.Lrow_\name:
    load_row_weights \width
    word_window_row \width, \stride, \count, 14
    add x14, x14, x7
    subs x13, x13, #1
    b.ne .Lrow_\name
.Ltotal_\name:
    finish_tile
    add x1, x1, #(16 * \count * \stride)
    subs x9, x9, #1
    b.ne .Ltile_\name
    end_function depthwise_words_\name\()_neon
.endm

    word_window 3_s1_8, 3, 1, 8
    word_window 3_s1_7, 3, 1, 7
    word_window 3_s2_8, 3, 2, 8
    word_window 3_s2_7, 3, 2, 7
    word_window 5_s1_8, 5, 1, 8
    word_window 5_s1_7, 5, 1, 7
    word_window 5_s2_8, 5, 2, 8
    word_window 5_s2_7, 5, 2, 7
