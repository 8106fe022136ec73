// SPDX-License-Identifier: Apache-2.0
// The same tiles where the CPU has dot products: four rows of a column lie beside each other, [column][8 channels][4 rows] and
// [tap][8][4], so that two sdot make 32 products. A fifth row is as 16 bits.
//
//   v0 .. v9      weights of the window's columns, two registers each
//   v10 .. v15    the input's columns, two registers each
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#include "ops/codes_tile_neon.inc"

.macro quad_product low, high, codes_low, codes_high, weights_low, weights_high
    sdot v\low\().4s, v\codes_low\().16b, v\weights_low\().16b
    sdot v\high\().4s, v\codes_high\().16b, v\weights_high\().16b
.endm

.macro quad_column column, codes, width, stride, count
    .set slot, 0
    .rept \count
        .set tap, \column - slot * \stride
        .if tap >= 0
        .if tap < \width
            quad_product %(32 - 2 * \count + 2 * slot), %(33 - 2 * \count + 2 * slot), \codes, %(\codes + 1), %(2 * tap), %(2 * tap + 1)
        .endif
        .endif
        .set slot, slot + 1
    .endr
.endm

.macro load_quad_weights width
    ldp q0, q1, [x12], #32
    ldp q2, q3, [x12], #32
    ldp q4, q5, [x12], #32
    .if \width == 5
    ldp q6, q7, [x12], #32
    ldp q8, q9, [x12], #32
    .endif
.endm

// x6: whether there is a fifth row, whose words lie x7 bytes behind the quads, half as far apart.
.macro quad_window name, width, stride, count
    begin_function depthwise_quads_\name\()_neon_dotprod
    load_tiles
    ldr x14, [x0, #TILES_ALL_INPUTS]
    sub x14, x1, x14
    add x15, x1, x7
    sub x15, x15, x14, lsr #1
.Ltile_\name:
    mov x12, x2
    begin_sums %(8 - \count)
    load_quad_weights \width
    .set column, 0
    .set codes, 10
    .rept (\count - 1) * \stride + \width
        load_columns %codes, %(codes + 1), 1, %(32 * column)
        quad_column %column, %codes, \width, \stride, \count
        .set column, column + 1
        .set codes, codes + 2
        .if codes == 16
            .set codes, 10
        .endif
    .endr
    cbz x6, .Ltotal_\name
    load_row_weights \width
    word_window_row \width, \stride, \count, 15
.Ltotal_\name:
    finish_tile
    add x1, x1, #(32 * \count * \stride)
    add x15, x15, #(16 * \count * \stride)
    subs x9, x9, #1
    b.ne .Ltile_\name
    end_function depthwise_quads_\name\()_neon_dotprod
.endm

    quad_window 3_s1_8, 3, 1, 8
    quad_window 3_s1_7, 3, 1, 7
    quad_window 3_s2_8, 3, 2, 8
    quad_window 3_s2_7, 3, 2, 7
    quad_window 5_s1_8, 5, 1, 8
    quad_window 5_s1_7, 5, 1, 7
    quad_window 5_s2_8, 5, 2, 8
    quad_window 5_s2_7, 5, 2, 7
