// SPDX-License-Identifier: Apache-2.0
// Tiles of codes for CPUs that multiply matrices of bytes (codes_tile_neon.h): two rows x 8 inputs by 8 inputs x two outputs make four
// sums with one instruction. Inputs are bytes without a sign, but the upper bytes of codes of 16 bits.
//
//   v0 .. v7, v16 .. v23     sums of two rows x two outputs: rows 0 and 1, outputs 0 and 1, 2 and 3, 4 and 5, 6 and 7; rows 2 and 3 ..
//   v8 .. v11, v24 .. v27    weights of 8 inputs, two outputs each
//   v12 .. v15, v28 .. v31   8 inputs of two rows each
//
// 8 rows take 32 products, 4 paired loads of inputs, 4 of weights and 2 instructions of the loop for 16 inputs; then 16 to set the
// sums in rows. Tiles of 4 rows have rows 4 to 7; of two planes, the upper bytes are in the place of the first four.
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#include "ops/codes_tile_neon.inc"

.macro load_pair first, second, address
    ldp q\first, q\second, [x\address], #32
.endm

.macro load_block kind, weights, inputs
    load_pair \weights, %(\weights + 1), 12
    load_pair %(\weights + 2), %(\weights + 3), 12
    .ifnc \kind, 4
    load_pair \inputs, %(\inputs + 1), 1
    .endif
    load_pair %(\inputs + 2), %(\inputs + 3), 1
.endm

.macro matrix_product operation, sum, inputs, weights
    \operation v\sum\().4s, v\inputs\().16b, v\weights\().16b
.endm

// Two rows by four matrices of weights.
.macro two_rows operation, first, inputs, weights
    matrix_product \operation, \first, \inputs, \weights
    matrix_product \operation, %(\first + 1), \inputs, %(\weights + 1)
    matrix_product \operation, %(\first + 2), \inputs, %(\weights + 2)
    matrix_product \operation, %(\first + 3), \inputs, %(\weights + 3)
.endm

.macro multiply_block kind, weights, inputs
    .ifc \kind, planes
    two_rows smmla, 0, \inputs, \weights
    two_rows smmla, 4, %(\inputs + 1), \weights
    .endif
    .ifc \kind, 8
    two_rows usmmla, 0, \inputs, \weights
    two_rows usmmla, 4, %(\inputs + 1), \weights
    .endif
    two_rows usmmla, 16, %(\inputs + 2), \weights
    two_rows usmmla, 20, %(\inputs + 3), \weights
.endm

.macro load_biases a, b, c, d
    ld4r {v\a\().2d, v\b\().2d, v\c\().2d, v\d\().2d}, [x3]
.endm

.macro load_sums_of_pair a, b, c, d, offset
    ldp q24, q25, [x8, #\offset]
    ldp q26, q27, [x8, #\offset + 32]
    zip1 v\a\().2d, v24.2d, v26.2d
    zip2 v\b\().2d, v24.2d, v26.2d
    zip1 v\c\().2d, v25.2d, v27.2d
    zip2 v\d\().2d, v25.2d, v27.2d
.endm

// The bias, which is first in the constants, or the sums so far, in rows.
.macro begin_matrices kind
    cbnz x8, .Lso_far_\kind
    .ifc \kind, 8
    load_biases 0, 1, 2, 3
    load_biases 4, 5, 6, 7
    .endif
    load_biases 16, 17, 18, 19
    load_biases 20, 21, 22, 23
.Lbegun_\kind:
    .pushsection .text
    .subsection 1
.Lso_far_\kind:
    .ifc \kind, 8
    load_sums_of_pair 0, 1, 2, 3, 0
    load_sums_of_pair 4, 5, 6, 7, 64
    load_sums_of_pair 16, 17, 18, 19, 128
    load_sums_of_pair 20, 21, 22, 23, 192
    .else
    load_sums_of_pair 16, 17, 18, 19, 0
    load_sums_of_pair 20, 21, 22, 23, 64
    .endif
    b .Lbegun_\kind
    .popsection
.endm

.macro add_upper sum, upper
    mla v\sum\().4s, v\upper\().4s, v8.4s
.endm

// From sums of two rows to rows.
.macro set_two_rows a, b, c, d, first_low, first_high, second_low, second_high
    zip1 v\first_low\().2d, v\a\().2d, v\b\().2d
    zip1 v\first_high\().2d, v\c\().2d, v\d\().2d
    zip2 v\second_low\().2d, v\a\().2d, v\b\().2d
    zip2 v\second_high\().2d, v\c\().2d, v\d\().2d
.endm

.macro matrix_tiles kind
    begin_function codes_matrix_tiles_\kind\()_neon_i8mm
    load_tiles
    add x6, x6, x7  // a block that is half there has zeros among its weights
.Ltile_\kind:
    mov x12, x2
    .ifc \kind, planes
    .set register, 0
    .rept 4
        load_zeros %register, %(register + 1)
        .set register, register + 2
    .endr
    .endif
    begin_matrices \kind
    lsr x13, x6, #1
    cbz x13, .Lleft_\kind
.Lblocks_\kind:
    load_block \kind, 8, 12
    load_block \kind, 24, 28
    multiply_block \kind, 8, 12
    multiply_block \kind, 24, 28
    subs x13, x13, #1
    b.ne .Lblocks_\kind
.Lleft_\kind:
    tbz x6, #0, .Ltotal_\kind
    load_block \kind, 8, 12
    multiply_block \kind, 8, 12
.Ltotal_\kind:
    .ifc \kind, planes
    movi v8.4s, #1, lsl #8
    .set register, 0
    .rept 8
        add_upper %(register + 16), %register
        .set register, register + 1
    .endr
    .endif
    set_two_rows 16, 17, 18, 19, 24, 25, 26, 27
    set_two_rows 20, 21, 22, 23, 28, 29, 30, 31
    .ifc \kind, 8
    set_two_rows 0, 1, 2, 3, 16, 17, 18, 19
    set_two_rows 4, 5, 6, 7, 20, 21, 22, 23
    .endif
    finish_tile
    subs x9, x9, #1
    b.ne .Ltile_\kind
    end_function codes_matrix_tiles_\kind\()_neon_i8mm
.endm

    matrix_tiles 8
    matrix_tiles 4
    matrix_tiles planes
