// SPDX-License-Identifier: Apache-2.0
// Tiles of codes for CPUs with dot products (codes_tile_neon.h).
//
//   v0 .. v7      16 inputs of each row, used four at a time
//   v8 .. v11     weights of 4 inputs each two: the next are loaded before these are used
//
// 8 rows take 64 sdot, 4 paired loads of inputs, 4 of weights and 2 instructions of the loop for 16 inputs.
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#include "ops/codes_tile_neon.inc"

.macro dot_row low, high, weights_low, weights_high, inputs, lane
    sdot v\low\().4s, v\weights_low\().16b, v\inputs\().4b[\lane]
    sdot v\high\().4s, v\weights_high\().16b, v\inputs\().4b[\lane]
.endm

.macro dot_quad first, weights_low, weights_high, lane
    .set row, \first
    .rept 8 - \first
        dot_row %(16 + 2 * row), %(17 + 2 * row), \weights_low, \weights_high, %row, \lane
        .set row, row + 1
    .endr
.endm

.macro load_dot_inputs first
    .if \first == 0
    ldp q0, q1, [x1], #32
    ldp q2, q3, [x1], #32
    .endif
    ldp q4, q5, [x1], #32
    ldp q6, q7, [x1], #32
.endm

.macro load_quad low, high
    ldp q\low, q\high, [x12], #32
.endm

// All rows from `first` on, of what is in v0 to v7.
.macro dot_inputs name, first
    cbz x6, .Lleft_\name
    mov x13, x6
.Lblock_\name:
    load_dot_inputs \first
    load_quad 8, 9
    load_quad 10, 11
    dot_quad \first, 8, 9, 0
    load_quad 8, 9
    dot_quad \first, 10, 11, 1
    load_quad 10, 11
    dot_quad \first, 8, 9, 2
    dot_quad \first, 10, 11, 3
    subs x13, x13, #1
    b.ne .Lblock_\name
.Lleft_\name:
    cbz x7, .Ltotal_\name
    load_dot_inputs \first
    load_quad 8, 9
    cmp x7, #2
    dot_quad \first, 8, 9, 0
    b.lo .Ltotal_\name
    load_quad 10, 11
    dot_quad \first, 10, 11, 1
    b.eq .Ltotal_\name
    load_quad 8, 9
    dot_quad \first, 8, 9, 2
.Ltotal_\name:
.endm

.macro dot_tiles name, first
    begin_function codes_dot_tiles_\name\()_neon_dotprod
    load_tiles
.Ltile_\name:
    mov x12, x2
    begin_sums \first
    dot_inputs \name, \first
    finish_tile
    subs x9, x9, #1
    b.ne .Ltile_\name
    end_function codes_dot_tiles_\name\()_neon_dotprod
.endm

    dot_tiles 8, 0
    dot_tiles 4, 4

.macro add_upper sum, upper
    mla v\sum\().4s, v\upper\().4s, v0.4s
.endm

// The first four rows are the sums of the upper bytes of the last four.
    begin_function codes_dot_tiles_planes_neon_dotprod
    load_tiles
.Ltile_planes:
    mov x12, x2
    .set register, 16
    .rept 4
        load_zeros %register, %(register + 1)
        .set register, register + 2
    .endr
    begin_sums 4
    dot_inputs planes, 0
    movi v0.4s, #1, lsl #8
    .set register, 16
    .rept 8
        add_upper %(register + 8), %register
        .set register, register + 1
    .endr
    finish_tile
    subs x9, x9, #1
    b.ne .Ltile_planes
    end_function codes_dot_tiles_planes_neon_dotprod
