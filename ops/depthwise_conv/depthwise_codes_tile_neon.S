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

// What tiles take: x2 columns of a row, x0, which lie x1 bytes apart, to x3, as words; or x3 columns of four rows, x0 pointing at four
// pointers, from byte x1 of each on and x2 apart, to x4, as quads of bytes less 128. Loads that step to the next column are why these are
// assembly.
.macro begin_leaf name
    .balign 16
    .global \name
    .hidden \name
    .type \name, %function
\name:
    called_by_pointer
.endm

.macro end_leaf name
    ret
    .size \name, . - \name
.endm

.macro load_bytes register
    ld1 {v\register\().8b}, [x0], x1
.endm

.macro widen_bytes register
    ushll v\register\().8h, v\register\().8b, #0
.endm

.macro load_words register
    ld1 {v\register\().8h}, [x0], x1
.endm

.macro keep_words register
.endm

.macro take_columns name, load, widen
    begin_leaf depthwise_take_\name\()_neon
    subs x2, x2, #4
    b.lt .Lrest_\name
.Lfour_\name:
    \load 0
    \load 1
    \load 2
    \load 3
    \widen 0
    \widen 1
    \widen 2
    \widen 3
    stp q0, q1, [x3], #32
    stp q2, q3, [x3], #32
    subs x2, x2, #4
    b.ge .Lfour_\name
.Lrest_\name:
    adds x2, x2, #4
    b.eq .Ldone_\name
.Lone_\name:
    \load 0
    \widen 0
    str q0, [x3], #16
    subs x2, x2, #1
    b.ne .Lone_\name
.Ldone_\name:
    end_leaf depthwise_take_\name\()_neon
.endm

    take_columns bytes, load_bytes, widen_bytes
    take_columns words, load_words, keep_words

    begin_leaf depthwise_take_quads_neon
    cbz x3, .Lno_quads
    ldp x5, x6, [x0]
    ldp x7, x8, [x0, #16]
    add x5, x5, x1
    add x6, x6, x1
    add x7, x7, x1
    add x8, x8, x1
    movi v7.16b, #0x80
.Lquad:
    ld1 {v0.8b}, [x5], x2
    ld1 {v1.8b}, [x6], x2
    ld1 {v2.8b}, [x7], x2
    ld1 {v3.8b}, [x8], x2
    zip1 v0.16b, v0.16b, v1.16b
    zip1 v2.16b, v2.16b, v3.16b
    zip1 v4.8h, v0.8h, v2.8h
    zip2 v5.8h, v0.8h, v2.8h
    eor v4.16b, v4.16b, v7.16b
    eor v5.16b, v5.16b, v7.16b
    stp q4, q5, [x4], #32
    subs x3, x3, #1
    b.ne .Lquad
.Lno_quads:
    end_leaf depthwise_take_quads_neon
