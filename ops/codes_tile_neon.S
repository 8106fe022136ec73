// SPDX-License-Identifier: Apache-2.0
// Tiles of codes for every AArch64 CPU (codes_tile_neon.h), and the end of all tiles. In assembly, because compilers copy and spill
// where all registers are to hold something.
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#include "ops/codes_tile_neon.inc"

// The steps from sums to codes on the four rows from `first` on, one step after the other: an in-order core need not wait for results.
.macro on_row operation, low, high
    \operation \low, \high
.endm

.macro on_rows operation, first
    .set row, \first
    .rept 4
        on_row \operation, %(16 + 2 * row), %(17 + 2 * row)
        .set row, row + 1
    .endr
.endm

.macro to_float low, high
    scvtf v\low\().4s, v\low\().4s
    scvtf v\high\().4s, v\high\().4s
.endm

.macro times_multiplier low, high
    fmul v\low\().4s, v\low\().4s, v0.4s
    fmul v\high\().4s, v\high\().4s, v1.4s
.endm

.macro times_swish_multiplier low, high
    fmul v\low\().4s, v\low\().4s, v2.4s
    fmul v\high\().4s, v\high\().4s, v3.4s
.endm

// v7, v8, v9 are 3, 0, 6; v10 to v13 hold the factors of two rows.
.macro swish_two_rows a, b, c, d
    fadd v10.4s, v\a\().4s, v7.4s
    fadd v11.4s, v\b\().4s, v7.4s
    fadd v12.4s, v\c\().4s, v7.4s
    fadd v13.4s, v\d\().4s, v7.4s
    fmaxnm v10.4s, v10.4s, v8.4s
    fmaxnm v11.4s, v11.4s, v8.4s
    fmaxnm v12.4s, v12.4s, v8.4s
    fmaxnm v13.4s, v13.4s, v8.4s
    fminnm v10.4s, v10.4s, v9.4s
    fminnm v11.4s, v11.4s, v9.4s
    fminnm v12.4s, v12.4s, v9.4s
    fminnm v13.4s, v13.4s, v9.4s
    fmul v\a\().4s, v\a\().4s, v10.4s
    fmul v\b\().4s, v\b\().4s, v11.4s
    fmul v\c\().4s, v\c\().4s, v12.4s
    fmul v\d\().4s, v\d\().4s, v13.4s
.endm

.macro to_integer low, high
    fcvtns v\low\().4s, v\low\().4s
    fcvtns v\high\().4s, v\high\().4s
.endm

.macro to_unsigned low, high
    fcvtnu v\low\().4s, v\low\().4s
    fcvtnu v\high\().4s, v\high\().4s
.endm

.macro plus_zero low, high
    sqadd v\low\().4s, v\low\().4s, v4.4s
    sqadd v\high\().4s, v\high\().4s, v5.4s
.endm

.macro narrow_low low, high
    sqxtn v\low\().4h, v\low\().4s
.endm

.macro narrow_high low, high
    sqxtn2 v\low\().8h, v\high\().4s
.endm

// Where they fit.
.macro narrow_both low, high
    uzp1 v\low\().8h, v\low\().8h, v\high\().8h
.endm

.macro narrow_unsigned_low low, high
    uqxtn v\low\().4h, v\low\().4s
.endm

.macro narrow_unsigned_high low, high
    uqxtn2 v\low\().8h, v\high\().4s
.endm

.macro plus_zero_words low, high
    sqadd v\low\().8h, v\low\().8h, v6.8h
.endm

.macro to_bytes low, high
    sqxtun v\low\().8b, v\low\().8h
.endm

.macro unsigned_to_bytes low, high
    uqxtn v\low\().8b, v\low\().8h
.endm

// From the lowest code on, -32768.
.macro from_lowest_word low, high
    eor v\low\().16b, v\low\().16b, v6.16b
.endm

.macro store_bytes low, high
    branched_to
    st1 {v\low\().8b}, [x4], x5
.endm

.macro store_words low, high
    branched_to
    st1 {v\low\().8h}, [x4], x5
.endm

.macro store_sums low, high
    branched_to
    st1 {v\low\().4s, v\high\().4s}, [x4], x5
.endm

.macro make_swish_constants
    fmov v7.4s, #3.0
    movi v8.4s, #0
    fmov v9.4s, #6.0
.endm

.macro make_no_constants
.endm

.macro swish first
    .set row, \first
    .rept 2
        swish_two_rows %(16 + 2 * row), %(17 + 2 * row), %(18 + 2 * row), %(19 + 2 * row)
        .set row, row + 2
    .endr
    on_rows times_swish_multiplier, \first
.endm

.macro make_bytes first
    on_rows to_integer, \first
    on_rows narrow_low, \first
    on_rows narrow_high, \first
    on_rows plus_zero_words, \first
    on_rows to_bytes, \first
.endm

.macro make_bytes_of_words first
    on_rows to_integer, \first
    on_rows narrow_both, \first
    on_rows plus_zero_words, \first
    on_rows to_bytes, \first
.endm

.macro make_words first
    on_rows to_integer, \first
    on_rows plus_zero, \first
    on_rows narrow_low, \first
    on_rows narrow_high, \first
.endm

.macro finish_bytes first
    on_rows to_float, \first
    on_rows times_multiplier, \first
    make_bytes \first
.endm

.macro finish_swished_bytes first
    on_rows to_float, \first
    on_rows times_multiplier, \first
    swish \first
    make_bytes \first
.endm

.macro finish_bytes_of_words first
    on_rows to_float, \first
    on_rows times_multiplier, \first
    make_bytes_of_words \first
.endm

.macro finish_swished_bytes_of_words first
    on_rows to_float, \first
    on_rows times_multiplier, \first
    swish \first
    make_bytes_of_words \first
.endm

.macro finish_relu_bytes first
    on_rows to_float, \first
    on_rows times_multiplier, \first
    on_rows to_unsigned, \first
    on_rows narrow_both, \first
    on_rows unsigned_to_bytes, \first
.endm

.macro finish_relu_words first
    on_rows to_float, \first
    on_rows times_multiplier, \first
    on_rows to_unsigned, \first
    on_rows narrow_unsigned_low, \first
    on_rows narrow_unsigned_high, \first
    on_rows from_lowest_word, \first
.endm

.macro finish_words first
    on_rows to_float, \first
    on_rows times_multiplier, \first
    make_words \first
.endm

.macro finish_swished_words first
    on_rows to_float, \first
    on_rows times_multiplier, \first
    swish \first
    make_words \first
.endm

.macro finish_sums first
.endm

// One way for 8 rows, which goes on to that for the last 4.
.macro finish_way name, constants, store
.Lrows_\name:
    branched_to
    \constants
    finish_\name 0
    br x16
.Lstore_\name:
    on_rows \store, 0
.Llast_rows_\name:
    branched_to
    \constants
    finish_\name 4
    br x17
.Lstore_last_\name:
    on_rows \store, 4
    br x11
.endm

.macro finish_place name
    .word .Lrows_\name - finish_of_codes_neon, .Lstore_\name - finish_of_codes_neon
    .word .Llast_rows_\name - finish_of_codes_neon, .Lstore_last_\name - finish_of_codes_neon
.endm

    .text
    .balign 16
    .type finish_codes_neon, %function
finish_codes_neon:
    finish_way bytes, make_no_constants, store_bytes
    finish_way swished_bytes, make_swish_constants, store_bytes
    finish_way bytes_of_words, make_no_constants, store_bytes
    finish_way swished_bytes_of_words, make_swish_constants, store_bytes
    finish_way relu_bytes, make_no_constants, store_bytes
    finish_way words, make_no_constants, store_words
    finish_way swished_words, make_swish_constants, store_words
    finish_way relu_words, make_no_constants, store_words
    finish_way sums, make_no_constants, store_sums
    .size finish_codes_neon, . - finish_codes_neon
    .balign 4
    .global finish_of_codes_neon
    .hidden finish_of_codes_neon
finish_of_codes_neon:  // in the order of Finish
    finish_place bytes
    finish_place swished_bytes
    finish_place bytes_of_words
    finish_place swished_bytes_of_words
    finish_place relu_bytes
    finish_place words
    finish_place swished_words
    finish_place relu_words
    finish_place sums

// Of bytes, 4 rows: two products of an output fit 16 bits, so that 16 of them take an smull, an smlal and an sadalp.
//
//   v16 + 4r ..   pairs of sums of outputs 0 and 1, 2 and 3, 4 and 5, 6 and 7 of row r
//   v0 .. v3      weights of 8 inputs         v8, v9     4 inputs of a row, four times, each
//                                             v10 ..     products

.macro pair_row a, b, c, d
    ldp q8, q9, [x1], #32
    smull v10.8h, v0.8b, v8.8b
    smull2 v11.8h, v0.16b, v8.16b
    smull v12.8h, v1.8b, v8.8b
    smull2 v13.8h, v1.16b, v8.16b
    smlal v10.8h, v2.8b, v9.8b
    smlal2 v11.8h, v2.16b, v9.16b
    smlal v12.8h, v3.8b, v9.8b
    smlal2 v13.8h, v3.16b, v9.16b
    sadalp v\a\().4s, v10.8h
    sadalp v\b\().4s, v11.8h
    sadalp v\c\().4s, v12.8h
    sadalp v\d\().4s, v13.8h
.endm

.macro single_row a, b, c, d
    ldr q8, [x1], #32
    smull v10.8h, v0.8b, v8.8b
    smull2 v11.8h, v0.16b, v8.16b
    smull v12.8h, v1.8b, v8.8b
    smull2 v13.8h, v1.16b, v8.16b
    sadalp v\a\().4s, v10.8h
    sadalp v\b\().4s, v11.8h
    sadalp v\c\().4s, v12.8h
    sadalp v\d\().4s, v13.8h
.endm

.macro pair_rows operation
    \operation 16, 17, 18, 19
    \operation 20, 21, 22, 23
    \operation 24, 25, 26, 27
    \operation 28, 29, 30, 31
.endm

.macro load_pair_weights
    ldp q0, q1, [x12], #32
    ldp q2, q3, [x12], #32
.endm

.macro add_pairs to, low, high
    addp v\to\().4s, v\low\().4s, v\high\().4s
.endm

.macro add_to_sums to, from, other
    add v\to\().4s, v\from\().4s, v\other\().4s
.endm

    begin_function codes_pair_tiles_neon
    load_tiles
.Lpair_tile:
    mov x12, x2
    .set register, 16
    .rept 8
        load_zeros %register, %(register + 1)
        .set register, register + 2
    .endr
    cbz x6, .Lpair_left
    mov x13, x6
.Lpair_block:
    load_pair_weights
    pair_rows pair_row
    load_pair_weights
    pair_rows pair_row
    subs x13, x13, #1
    b.ne .Lpair_block
.Lpair_left:
    cbz x7, .Lpair_total
    ldp q0, q1, [x12], #32
    cmp x7, #2
    b.lo .Lpair_first
    ldp q2, q3, [x12], #32
    pair_rows pair_row
    b.eq .Lpair_half
    ldp q0, q1, [x12], #32
    pair_rows single_row
    b .Lpair_total
.Lpair_first:
    pair_rows single_row
.Lpair_half:
    add x1, x1, #128
.Lpair_total:
    .set register, 0
    .rept 8
        add_pairs %register, %(16 + 2 * register), %(17 + 2 * register)
        .set register, register + 1
    .endr
    begin_sums 4
    .set register, 0
    .rept 8
        add_to_sums %(24 + register), %register, %(24 + register)
        .set register, register + 1
    .endr
    finish_tile
    subs x9, x9, #1
    b.ne .Lpair_tile
    end_function codes_pair_tiles_neon

// Of 16 bits, 8 rows.
//
//   v0 .. v7    8 inputs of each row       v8 .. v11   weights of 4 inputs

.macro word_row low, high, weights, inputs, lane
    smlal v\low\().4s, v\weights\().4h, v\inputs\().h[\lane]
    smlal2 v\high\().4s, v\weights\().8h, v\inputs\().h[\lane]
.endm

.macro word_input weights, lane
    .set row, 0
    .rept 8
        word_row %(16 + 2 * row), %(17 + 2 * row), \weights, %row, \lane
        .set row, row + 1
    .endr
.endm

.macro load_word_inputs
    ldp q0, q1, [x1], #32
    ldp q2, q3, [x1], #32
    ldp q4, q5, [x1], #32
    ldp q6, q7, [x1], #32
.endm

// The weights of the next 4 inputs are loaded while those before are used.
.macro word_inputs first
    ldp q8, q9, [x12], #32
    ldp q10, q11, [x12], #32
    word_input 8, \first
    word_input 9, %(\first + 1)
    word_input 10, %(\first + 2)
    word_input 11, %(\first + 3)
.endm

    begin_function codes_word_tiles_neon
    load_tiles
.Lword_tile:
    mov x12, x2
    begin_sums 0
    cbz x6, .Lword_left
    mov x13, x6
.Lword_block:
    load_word_inputs
    word_inputs 0
    word_inputs 4
    subs x13, x13, #1
    b.ne .Lword_block
.Lword_left:
    cbz x7, .Lword_total
    load_word_inputs
    word_inputs 0
.Lword_total:
    finish_tile
    subs x9, x9, #1
    b.ne .Lword_tile
    end_function codes_word_tiles_neon
