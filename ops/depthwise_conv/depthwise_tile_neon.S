// SPDX-License-Identifier: Apache-2.0
// depthwise_tile_neon.h's tiles: 8 output columns x two registers of channels of a K x K kernel of stride S,
// 8 floats or, where depthwise_tile_neon_fp16.S includes this file, 16 halves. In assembly, because
// compilers copy and spill where so many sums are to stay in registers.
//
//   v0 .. v15    sums, two an output column
//   v16 .. v25   weights of the current kernel row, two a tap (to v21 for 3 x 3)
//   v26 .. v31   input columns, two registers each: the next two are loaded before the current one is used
//
// A column is loaded once and given to every output whose window holds it; going from left to right each
// output gets its taps of a row in ascending order. One ld1 loads both registers and steps to the next
// column. A 5 x 5 row of stride 1 takes 80 FMAs, 12 loads of columns and 5 of weights. The 16 sums are
// more chains than the 8 that a Cortex-A76 needs (latency 4, two a cycle).
//
// There are two versions of each tile: all columns, or only those whose bits are set in a mask.
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#include "ops/assembly_neon.inc"
#include "ops/depthwise_conv/depthwise_tile_neon.inc"

#define OUTPUTS 8
#define COLUMN_COUNT(kernel, stride) ((OUTPUTS - 1) * stride + kernel)

//   x0   DepthwiseTile                 x7        kernel rows left, then outputs left
//   x1   next row                      x8        output of the block
//   x2   offset of the first column    x9, x10   input, scratch
//   x3   column step                   x11       blocks of channels left
//   x4   mask of columns               x12, x16  where the activation is applied, where to go on
//   x5   weights of the next tap       x13       the first row
//   x6   weight step                   x14, x17  weights and bias of the block
.macro load_sums first, second
    ldp q\first, q\second, [x17]
.endm

.macro load_tap first, second
    ld1 {v\first\()LANES, v\second\()LANES}, [x5], x6
.endm

.macro load_column_pair first, second
    ld1 {v\first\()LANES, v\second\()LANES}, [x9], x3
.endm

.macro add_product sum, column, weights
    fmla v\sum\()LANES, v\column\()LANES, v\weights\()LANES
.endm

.macro store_pair first, second
    st1 {v\first\()LANES, v\second\()LANES}, [x9], x10
.endm

.macro load_column column
    load_column_pair %(26 + 2 * (\column - \column / 3 * 3)), %(27 + 2 * (\column - \column / 3 * 3))
.endm

// Gives a column to the outputs whose windows hold it.
.macro add_column kernel, stride, column
    .set value, 26 + 2 * (\column - \column / 3 * 3)
    .set output, 0
    .rept OUTPUTS
        .set tap, \column - output * \stride
        .if (tap >= 0) && (tap < \kernel)
            add_product %(2 * output), %value, %(16 + 2 * tap)
            add_product %(2 * output + 1), %(value + 1), %(17 + 2 * tap)
        .endif
        .set output, output + 1
    .endr
.endm

.macro masked_column kernel, stride, column
    tbz x4, #\column, .Lpadding\@
    load_column \column
    add_column \kernel, \stride, \column
.Lpadding\@:
.endm

.macro all_columns kernel, stride
    load_column 0
    load_column 1
    .set column, 0
    .rept COLUMN_COUNT(\kernel, \stride)
        .if column + 2 < COLUMN_COUNT(\kernel, \stride)
            load_column %(column + 2)
        .endif
        add_column \kernel, \stride, %column
        .set column, column + 1
    .endr
.endm

.macro masked_columns kernel, stride
    .set column, 0
    .rept COLUMN_COUNT(\kernel, \stride)
        masked_column \kernel, \stride, %column
        .set column, column + 1
    .endr
.endm

.macro depthwise_tile kernel, stride, columns
begin_function depthwise_\kernel\()x\kernel\()s\stride\()_\columns\()SUFFIX
    ldp x13, x2, [x0, #ROWS]
    ldp x3, x14, [x0, #COLUMN_STEP]
    ldp x6, x17, [x0, #WEIGHT_STEP]
    ldr x8, [x0, #OUTPUT]
    ldr x11, [x0, #BLOCKS]
    .ifc \columns, masked_columns
    ldr x4, [x0, #MASK]
    .endif
    ldr x9, [x0, #ACTIVATION]
    find_activation 12, 9, depthwise
    adr x16, .Lactivated\@
.Lblock\@:
    mov x1, x13
    mov x5, x14
    .set sum, 0
    .rept OUTPUTS
        load_sums %sum, %(sum + 1)
        .set sum, sum + 2
    .endr
    mov x7, #\kernel
.Lrow\@:
    ldr x9, [x1], #8
    cbz x9, .Lpadding_row\@
    add x9, x9, x2
    .set tap, 0
    .rept \kernel
        load_tap %(16 + 2 * tap), %(17 + 2 * tap)
        .set tap, tap + 1
    .endr
    \columns \kernel, \stride
.Lrow_done\@:
    subs x7, x7, #1
    b.ne .Lrow\@

    br x12
.Lactivated\@:
    branched_to
    ldr x10, [x0, #OUTPUT + 8]
    mov x9, x8
    .ifc \columns, masked_columns
    ldr x7, [x0, #MASK + 8]
    .endif
    .set sum, 0
    .rept OUTPUTS
        store_pair %sum, %(sum + 1)
        .ifc \columns, masked_columns
        subs x7, x7, #1
        b.eq .Lstored\@
        .endif
        .set sum, sum + 2
    .endr
.Lstored\@:
    add x2, x2, #32
    add x8, x8, #32
    add x14, x14, #32
    add x17, x17, #32
    subs x11, x11, #1
    b.ne .Lblock\@
end_function depthwise_\kernel\()x\kernel\()s\stride\()_\columns\()SUFFIX

.Lpadding_row\@:
    mov x10, #\kernel
    madd x5, x6, x10, x5
    b .Lrow_done\@
.endm

    depthwise_tile 3, 1, all_columns
    depthwise_tile 3, 2, all_columns
    depthwise_tile 5, 1, all_columns
    depthwise_tile 5, 2, all_columns
    depthwise_tile 3, 1, masked_columns
    depthwise_tile 3, 2, masked_columns
    depthwise_tile 5, 1, masked_columns
    depthwise_tile 5, 2, masked_columns

    shared_activations depthwise, 16, 16
    publish_activations depthwise

    .section .note.GNU-stack, "", %progbits
