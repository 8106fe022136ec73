// SPDX-License-Identifier: Apache-2.0
// depthwise_tile_neon.h's tiles of 4 output columns x four registers of channels, for 5 x 5 kernels of stride
// 1 and 2: 16 floats or, where depthwise_wide_5x5_neon_fp16.S includes this file, 32 halves. In assembly,
// because compilers copy and spill where so many sums are to stay in registers.
//
//   v0 .. v15    sums, four an output column
//   v16 .. v31   four places of four registers, each for a column or a tap's weights
//
// Five taps and a column would not fit, but going through a row each is needed for a while only. At stride 1
// a column that comes when the first taps are done takes the place of one, and waits there for the last
// taps: 80 FMAs, 8 loads of columns and 5 of weights, where 8 columns x two registers would take 12 and 5. At
// stride 2 the weights of taps 1, 3 and 4 are loaded again: 11 loads of columns and 10 of weights, not 19
// and 5. Every output gets its taps in ascending order.
//
// The masked version tests only the first and the last two columns: the others have to be there.
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#include "ops/depthwise_conv/depthwise_wide_neon.inc"

// What follows is left out up to the label column(number) of this row if it is masked and the column's bit
// is not set.
.macro if_column masked, column, label
    .if \masked
    tbz x3, #\column, .Lcolumn\column\()_\label
    .endif
.endm

.macro end_column column, label
.Lcolumn\column\()_\label:
.endm

// The comments name what a place holds from there on.
.macro row_1 masked, row, last_column, last_weight, label
    load_block 16, 5, 6                 // tap 0
    load_block 20, 5, 6                 // tap 1
    if_column \masked, 0, \label
    load_block 28, \row, 4              // column 0
    add_tap 0, 28, 16
    end_column 0, \label
    if_column \masked, 1, \label
    load_block 24, \row, 4              // column 1
    add_tap 0, 24, 20
    add_tap 1, 24, 16
    end_column 1, \label
    load_block 28, \row, 4              // column 2
    load_block 24, 5, 6                 // tap 2
    add_tap 2, 28, 16
    add_tap 1, 28, 20
    add_tap 0, 28, 24
    load_block 28, \row, 4              // column 3
    add_tap 3, 28, 16
    load_block 16, \row, 4              // column 4
    add_tap 2, 28, 20
    add_tap 1, 28, 24
    add_tap 3, 16, 20
    load_block 20, \row, 4              // column 5
    add_tap 2, 16, 24
    add_tap 3, 20, 24
    load_block 24, 5, 6                 // tap 3
    add_tap 0, 28, 24
    load_block 28, 5, \last_weight      // tap 4
    add_tap 1, 16, 24
    add_tap 2, 20, 24
    add_tap 0, 16, 28
    add_tap 1, 20, 28
    if_column \masked, 6, \label
    load_block 16, \row, 4              // column 6
    add_tap 3, 16, 24
    add_tap 2, 16, 28
    end_column 6, \label
    if_column \masked, 7, \label
    load_block 20, \row, \last_column   // column 7
    add_tap 3, 20, 28
    end_column 7, \label
.endm

.macro row_2 masked, row, last_column, last_weight, label
    load_block 16, 5, 6                 // tap 0
    load_block 20, 5, 6                 // tap 1
    if_column \masked, 0, \label
    load_block 28, \row, 4              // column 0
    add_tap 0, 28, 16
    end_column 0, \label
    if_column \masked, 1, \label
    load_block 24, \row, 4              // column 1
    add_tap 0, 24, 20
    end_column 1, \label
    load_block 28, \row, 4              // column 2
    load_block 24, 5, 6                 // tap 2
    add_tap 1, 28, 16
    add_tap 0, 28, 24
    load_block 28, \row, 4              // column 3
    add_tap 1, 28, 20
    load_block 20, 5, 6                 // tap 3
    add_tap 0, 28, 20
    load_block 28, \row, 4              // column 4
    load_block 20, 5, 26                // tap 4
    add_tap 2, 28, 16
    add_tap 1, 28, 24
    add_tap 0, 28, 20
    load_block 28, \row, 4              // column 5
    load_block 20, 5, 25                // tap 1
    add_tap 2, 28, 20
    load_block 20, 5, 6                 // tap 3
    add_tap 1, 28, 20
    load_block 28, \row, 4              // column 6
    load_block 20, 5, 26                // tap 4
    add_tap 3, 28, 16
    load_block 16, 5, 25                // tap 1
    add_tap 2, 28, 24
    add_tap 1, 28, 20
    load_block 28, \row, 4              // column 7
    add_tap 3, 28, 16
    load_block 16, 5, \last_weight      // tap 3
    add_tap 2, 28, 16
    load_block 28, \row, 4              // column 8
    add_tap 3, 28, 24
    add_tap 2, 28, 20
    if_column \masked, 9, \label
    load_block 24, \row, 4              // column 9
    add_tap 3, 24, 16
    end_column 9, \label
    if_column \masked, 10, \label
    load_block 28, \row, \last_column   // column 10
    add_tap 3, 28, 20
    end_column 10, \label
.endm

.macro whole_row_5_1 row, last_weight
    row_1 0, \row, 13, \last_weight, \@
.endm

.macro whole_row_5_2 row, last_weight
    row_2 0, \row, 13, \last_weight, \@
.endm

.macro masked_row_5_1
    row_1 1, 9, 4, 6, \@
.endm

.macro masked_row_5_2
    row_2 1, 9, 4, 25, \@
.endm

    whole_tile 5, 1, 4
    whole_tile 5, 2, 3
    masked_tile 5, 1
    masked_tile 5, 2

    .section .note.GNU-stack, "", %progbits
