// SPDX-License-Identifier: Apache-2.0
// depthwise_tile_neon.h's tiles of 4 output columns x 16 channels, for 3 x 3 kernels of stride 1 and 2. In
// assembly, because compilers copy and spill where so many sums are to stay in registers.
//
//   v0 .. v15    sums, four an output column
//   v16 .. v27   weights of the current kernel row, four a tap
//   v28 .. v31   an input column
//
// One ld1 loads 16 channels of a column and steps to the next. A row of stride 1 takes 48 FMAs, 6 loads of
// columns and 3 of weights, where 8 columns x 8 channels would take 10 and 3; one of stride 2 takes 9 and 3
// instead of 17 and 3. There is no register for a column ahead, except in the row of stride 1, where a
// tap's registers are free before its weights are needed and after they were.
//
// There are two versions of each tile: one of whole windows, tile after tile along the row, whose pointers
// step by the last load or store that uses them; and one of the columns whose bits are set in a mask.
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#include "ops/assembly_neon.inc"
#include "ops/depthwise_conv/depthwise_tile_neon.inc"

#define OUTPUTS 4
#define COLUMN_COUNT(stride) (3 + (OUTPUTS - 1) * stride)
#define BLOCK_BYTES 64

//   x0          DepthwiseTile         x10        output step
//   x1, x2, x3  kernel rows           x11        blocks of channels left
//   x4          column step           x12, x16   where the activation is applied, where to go on
//   x5, x6      weights, their step   x13, x14   last steps of a row's columns and of the weights
//   x7          bias                  x17        last step of the output
//   x8          output                x19        bits of the rows that are padding
//   x9          tiles left            x20, x21   steps of rows and output from tile to tile
//   x15         scratch               x22        bytes of all blocks
//
// Masked: x1 next row, x2 offset of the first column, x3 mask, x7 rows or outputs left, x9 input, x13 first
// row, x14 and x17 weights and bias of the block.
.macro load_registers first, second, third, fourth, address, step
    ld1 {v\first\().4s, v\second\().4s, v\third\().4s, v\fourth\().4s}, [x\address], x\step
.endm

.macro load_block first, address, step
    load_registers \first, %(\first + 1), %(\first + 2), %(\first + 3), \address, \step
.endm

.macro load_bias first, second, third, fourth, address
    ld1 {v\first\().4s, v\second\().4s, v\third\().4s, v\fourth\().4s}, [x\address]
.endm

.macro load_last_bias first, second, third, fourth, address
    ld1 {v\first\().4s, v\second\().4s, v\third\().4s, v\fourth\().4s}, [x\address], #BLOCK_BYTES
.endm

.macro store_registers first, second, third, fourth, address, step
    st1 {v\first\().4s, v\second\().4s, v\third\().4s, v\fourth\().4s}, [x\address], x\step
.endm

.macro add_product sum, column, weights
    fmla v\sum\().4s, v\column\().4s, v\weights\().4s
.endm

// An output's sums take the column in v(column) and on times the weights in v(weights) and on.
.macro add_tap output, column, weights
    .set lane, 0
    .rept 4
        add_product %(4 * \output + lane), %(\column + lane), %(\weights + lane)
        .set lane, lane + 1
    .endr
.endm

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

.macro whole_row_1 row, last_weight
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

.macro whole_row_2 row, last_weight
    load_block 28, \row, 4
    load_block 16, 5, 6
    load_block 20, 5, 6
    load_block 24, 5, \last_weight
    add_column 2, 0
    .set column, 1
    .rept COLUMN_COUNT(2) - 2
        load_block 28, \row, 4
        add_column 2, %column
        .set column, column + 1
    .endr
    load_block 28, \row, 13
    add_column 2, %column
.endm

.macro kernel_row stride, row, last_weight
    tbz x19, #(\row - 1), .Lrow\@
    add x5, x5, x6, lsl #1
    add x5, x5, x\last_weight
    b .Lrow_done\@
.Lrow\@:
    whole_row_\stride \row, \last_weight
.Lrow_done\@:
.endm

// x\row, read from memory, gets the offset of the first column; x19 its bit if it is padding.
.macro start_row row, offset
    cmp x\row, #0
    cset x9, eq
    orr x19, x19, x9, lsl #(\row - 1)
    add x\row, x\row, x\offset
.endm

.macro whole_tile stride
begin_function depthwise16_3x3s\stride\()_whole_neon
    stp x19, x20, [sp, #-32]!
    stp x21, x22, [sp, #16]
    ldp x9, x15, [x0, #ROWS]
    ldp x1, x2, [x9]
    ldr x3, [x9, #16]
    mov x19, #0
    start_row 1, 15
    start_row 2, 15
    start_row 3, 15
    ldp x4, x5, [x0, #COLUMN_STEP]
    ldp x6, x7, [x0, #WEIGHT_STEP]
    ldp x8, x10, [x0, #OUTPUT]
    ldr x9, [x0, #ACTIVATION]
    find_activation 12, 9, depthwise16
    adr x16, .Lactivated\@
    ldp x11, x9, [x0, #BLOCKS]
    lsl x22, x11, #6
    mov x15, #(COLUMN_COUNT(\stride) - 1)
    mul x13, x4, x15
    mov x15, #BLOCK_BYTES
    sub x13, x15, x13
    sub x14, x15, x6, lsl #3
    sub x17, x15, x10
    sub x17, x17, x10, lsl #1
    mov x15, #(OUTPUTS * \stride)
    mul x20, x4, x15
    sub x20, x20, x22
    lsl x21, x10, #2
    sub x21, x21, x22
.Lblock\@:
    load_bias 0, 1, 2, 3, 7
    load_bias 4, 5, 6, 7, 7
    load_bias 8, 9, 10, 11, 7
    load_last_bias 12, 13, 14, 15, 7
    kernel_row \stride, 1, 6
    kernel_row \stride, 2, 6
    kernel_row \stride, 3, 14
    br x12
.Lactivated\@:
    store_registers 0, 1, 2, 3, 8, 10
    store_registers 4, 5, 6, 7, 8, 10
    store_registers 8, 9, 10, 11, 8, 10
    store_registers 12, 13, 14, 15, 8, 17
    subs x11, x11, #1
    b.ne .Lblock\@
    lsr x11, x22, #6
    sub x5, x5, x22
    sub x7, x7, x22
    add x1, x1, x20
    add x2, x2, x20
    add x3, x3, x20
    add x8, x8, x21
    subs x9, x9, #1
    b.ne .Lblock\@
    ldp x21, x22, [sp, #16]
    ldp x19, x20, [sp], #32
end_function depthwise16_3x3s\stride\()_whole_neon
.endm

.macro masked_column stride, column
    tbz x3, #\column, .Lpadding\@
    load_block 28, 9, 4
    add_column \stride, \column
.Lpadding\@:
.endm

.macro masked_tile stride
begin_function depthwise16_3x3s\stride\()_masked_neon
    ldp x13, x2, [x0, #ROWS]
    ldp x4, x14, [x0, #COLUMN_STEP]
    ldp x6, x17, [x0, #WEIGHT_STEP]
    ldr x3, [x0, #MASK]
    ldr x8, [x0, #OUTPUT]
    ldr x9, [x0, #ACTIVATION]
    find_activation 12, 9, depthwise16
    adr x16, .Lactivated\@
    ldr x11, [x0, #BLOCKS]
.Lblock\@:
    mov x1, x13
    mov x5, x14
    load_bias 0, 1, 2, 3, 17
    load_bias 4, 5, 6, 7, 17
    load_bias 8, 9, 10, 11, 17
    load_last_bias 12, 13, 14, 15, 17
    mov x7, #3
.Lrow\@:
    ldr x9, [x1], #8
    cbz x9, .Lpadding_row\@
    add x9, x9, x2
    load_block 16, 5, 6
    load_block 20, 5, 6
    load_block 24, 5, 6
    .set column, 0
    .rept COLUMN_COUNT(\stride)
        masked_column \stride, %column
        .set column, column + 1
    .endr
.Lrow_done\@:
    subs x7, x7, #1
    b.ne .Lrow\@

    br x12
.Lactivated\@:
    ldr x10, [x0, #OUTPUT_STEP]
    mov x9, x8
    ldr x7, [x0, #OUTPUTS_STORED]
    .set sum, 0
    .rept OUTPUTS
        store_registers %sum, %(sum + 1), %(sum + 2), %(sum + 3), 9, 10
        subs x7, x7, #1
        b.eq .Lstored\@
        .set sum, sum + 4
    .endr
.Lstored\@:
    add x2, x2, #BLOCK_BYTES
    add x8, x8, #BLOCK_BYTES
    add x14, x14, #BLOCK_BYTES
    subs x11, x11, #1
    b.ne .Lblock\@
end_function depthwise16_3x3s\stride\()_masked_neon

.Lpadding_row\@:
    add x5, x5, x6, lsl #1
    add x5, x5, x6
    b .Lrow_done\@
.endm

    whole_tile 1
    whole_tile 2
    masked_tile 1
    masked_tile 2
    fused_activations depthwise16, 16, 16
    activation_places depthwise16

    .section .note.GNU-stack, "", %progbits
