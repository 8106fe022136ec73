// SPDX-License-Identifier: Apache-2.0
// depthwise_tile_neon.h's tiles of 4 output columns x four registers of channels, for 3 x 3 kernels of stride
// 1 and 2: 16 floats or, where depthwise_wide_3x3_neon_fp16.S includes this file, 32 halves. In assembly,
// because compilers copy and spill where so many sums are to stay in registers.
//
//   v0 .. v15    sums, four an output column
//   v16 .. v27   weights of the current kernel row, four a tap
//   v28 .. v31   an input column
//
// One ld1 loads four registers of a column and steps to the next. A row of stride 1 takes 48 FMAs, 6 loads of
// columns and 3 of weights, where 8 columns x two registers would take 10 and 3; one of stride 2 takes 9 and 3
// instead of 17 and 3. There is no register for a column ahead, except in the row of stride 1, where a
// tap's registers are free before its weights are needed and after they were.
//
// The masked version of a tile takes only those columns whose bits are set.
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#include "ops/depthwise_conv/depthwise_wide_neon.inc"

// Gives column `column`, in v28 and on, to the outputs whose windows hold it.
.macro add_column stride, column
    .set output, 0
    .rept OUTPUTS
        .set tap, \column - output * \stride
        .if (tap >= 0) && (tap < 3)
            add_tap %output, 28, %(16 + 4 * tap)
        .endif
        .set output, output + 1
    .endr
.endm

.macro whole_row_3_1 row, last_weight
    load_block 16, 5, 6                 // tap 0
    load_block 28, \row, 4              // column 0
    load_block 20, 5, 6                 // tap 1
    load_block 24, \row, 4              // column 1, where tap 2 will be
    add_tap 0, 28, 16
    load_block 28, \row, 4              // column 2
    add_tap 0, 24, 20
    add_tap 1, 24, 16
    load_block 24, 5, \last_weight      // tap 2
    add_tap 2, 28, 16
    add_tap 1, 28, 20
    add_tap 0, 28, 24
    load_block 28, \row, 4              // column 3
    add_tap 3, 28, 16
    load_block 16, \row, 4              // column 4, where tap 0 was
    add_tap 2, 28, 20
    add_tap 1, 28, 24
    load_block 28, \row, 13             // column 5
    add_tap 3, 16, 20
    add_tap 2, 16, 24
    add_tap 3, 28, 24
.endm

.macro whole_row_3_2 row, last_weight
    load_block 28, \row, 4
    load_block 16, 5, 6
    load_block 20, 5, 6
    load_block 24, 5, \last_weight
    add_column 2, 0
    .set column, 1
    .rept COLUMN_COUNT(3, 2) - 2
        load_block 28, \row, 4
        add_column 2, %column
        .set column, column + 1
    .endr
    load_block 28, \row, 13
    add_column 2, %column
.endm

.macro masked_column stride, column
    tbz x3, #\column, .Lpadding\@
    load_block 28, 9, 4
    add_column \stride, \column
.Lpadding\@:
.endm

.macro masked_row stride
    load_block 16, 5, 6
    load_block 20, 5, 6
    load_block 24, 5, 6
    .set column, 0
    .rept COLUMN_COUNT(3, \stride)
        masked_column \stride, %column
        .set column, column + 1
    .endr
.endm

.macro masked_row_3_1
    masked_row 1
.endm

.macro masked_row_3_2
    masked_row 2
.endm

    whole_tile 3, 1, 2
    whole_tile 3, 2, 2
    masked_tile 3, 1
    masked_tile 3, 2

    .section .note.GNU-stack, "", %progbits
