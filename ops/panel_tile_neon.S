// SPDX-License-Identifier: Apache-2.0
// panel_tile_neon.h's tiles of P pixels x Q weight panels of 8 channels. In assembly, because compilers
// copy and spill where so many sums are to stay in registers.
//
//   v0 .. v(2PQ - 1)   sums, two a pixel and panel: 20 of 5 x 2, 24 of 4 x 3
//   v(2PQ) and on      four input channels of each pixel, used lane by lane
//   v28 .. v31         two rows of a panel: the next is loaded before this one is used, so that an
//                      in-order core (Cortex-A53, A55) need not wait for it
//
// 5 x 2 takes 80 FMAs, 5 loads of input, 8 paired loads of weights and 2 instructions of the loop for 4
// input channels. Its 20 sums are more chains than the 8 that a Cortex-A76 needs (latency 4, two a cycle).
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#include "ops/assembly_neon.inc"

// Offsets in PanelTile; panel_tile_neon.h asserts them.
#define RUNS 0
#define LENGTH 16
#define WEIGHTS 32
#define BIAS 48
#define OUTPUT 56
#define RESIDUAL 72
#define ACTIVATION 88
#define OFFSET 96

//   x0       PanelTile             x9        scratch
//   x1, x2   next run, runs left   x10 ..    input of each pixel
//   x3, x4   length, pixel step    x15       channels left of the run
//   x5 ..    weights of each panel x16, x17  offset of the tile's first pixel, tiles left
//   x8       offset from tile to tile
.macro load_pair first, second, address, step
    ldp q\first, q\second, [x\address], #\step
.endm

.macro load_sums first, second, offset
    ldp q\first, q\second, [x7, #\offset]
.endm

.macro load_input number, address
    ldr q\number, [x\address], #16
.endm

.macro load_input_channel number, address
    ldr s\number, [x\address], #4
.endm

.macro add_product sum, weights, input, lane
    fmla v\sum\().4s, v\weights\().4s, v\input\().s[\lane]
.endm

// Row `group` of the panels, counted through the lanes and in each through the panels.
.macro load_row panels, group
    load_pair %(28 + 2 * (\group - \group / 2 * 2)), %(29 + 2 * (\group - \group / 2 * 2)), %(5 + \group - \group / \panels * \panels), 32
.endm

.macro add_row pixels, panels, group
    .set pixel, 0
    .rept \pixels
        .set sum, 2 * (pixel * \panels + \group - \group / \panels * \panels)
        .set row, 28 + 2 * (\group - \group / 2 * 2)
        add_product %sum, %row, %(2 * \pixels * \panels + pixel), %(\group / \panels)
        add_product %(sum + 1), %(row + 1), %(2 * \pixels * \panels + pixel), %(\group / \panels)
        .set pixel, pixel + 1
    .endr
.endm

.macro for_each_input operation, pixels, panels
    .set pixel, 0
    .rept \pixels
        \operation %(2 * \pixels * \panels + pixel), %(10 + pixel)
        .set pixel, pixel + 1
    .endr
.endm

// The sums to memory, or `operation` between memory and sums: x9 is the first pixel's, x10 the step.
.macro add_pair first, second, offset
    ldp q24, q25, [x9, #\offset]
    fadd v\first\().4s, v\first\().4s, v24.4s
    fadd v\second\().4s, v\second\().4s, v25.4s
.endm

.macro store_pair first, second, offset
    stp q\first, q\second, [x9, #\offset]
.endm

.macro for_each_pair operation, pixels, panels
    .set sum, 0
    .rept \pixels
        .set panel, 0
        .rept \panels
            \operation %sum, %(sum + 1), %(32 * panel)
            .set sum, sum + 2
            .set panel, panel + 1
        .endr
        add x9, x9, x10
    .endr
.endm

.macro step_pointer to, from, step
    add x\to, x\from, x\step
.endm

.macro panel_tile pixels, panels
begin_function panel_tile_\pixels\()x\panels\()_neon
    ldp x3, x4, [x0, #LENGTH]
    ldp x16, x17, [x0, #OFFSET]
    mov x8, #\pixels
    mul x8, x8, x4
.Ltile\@:
    ldp x1, x2, [x0, #RUNS]
    ldr x7, [x0, #BIAS]
    .set sum, 0
    .rept \pixels
        .set panel, 0
        .rept \panels
            load_sums %sum, %(sum + 1), %(32 * panel)
            .set sum, sum + 2
            .set panel, panel + 1
        .endr
    .endr
    ldp x5, x9, [x0, #WEIGHTS]
    add x6, x5, x9
    add x7, x6, x9

.Lrun\@:
    ldr x10, [x1], #8
    cbz x10, .Lpadding\@
    add x10, x10, x16
    .set pixel, 1
    .rept \pixels - 1
        step_pointer %(10 + pixel), %(9 + pixel), 4
        .set pixel, pixel + 1
    .endr
    subs x15, x3, #4
    b.lt .Lrest\@
.Lfour_channels\@:
    load_row \panels, 0
    for_each_input load_input, \pixels, \panels
    .set group, 0
    .rept 4 * \panels
        .if group + 1 < 4 * \panels
            load_row \panels, %(group + 1)
        .endif
        add_row \pixels, \panels, %group
        .set group, group + 1
    .endr
    subs x15, x15, #4
    b.ge .Lfour_channels\@
.Lrest\@:
    adds x15, x15, #4
    b.eq .Lrun_done\@
.Lone_channel\@:
    for_each_input load_input_channel, \pixels, \panels
    .set group, 0
    .rept \panels
        load_row \panels, %group
        add_row \pixels, \panels, %group
        .set group, group + 1
    .endr
    subs x15, x15, #1
    b.ne .Lone_channel\@
.Lrun_done\@:
    subs x2, x2, #1
    b.ne .Lrun\@

    ldp x9, x10, [x0, #RESIDUAL]
    cbz x9, .Lsummed\@
    for_each_pair add_pair, \pixels, \panels
    str x9, [x0, #RESIDUAL]
.Lsummed\@:
    ldr x9, [x0, #ACTIVATION]
    fused_activation 9, %(2 * \pixels * \panels)
    ldp x9, x10, [x0, #OUTPUT]
    for_each_pair store_pair, \pixels, \panels
    str x9, [x0, #OUTPUT]
    add x16, x16, x8
    subs x17, x17, #1
    b.ne .Ltile\@
    stp x16, x17, [x0, #OFFSET]
end_function panel_tile_\pixels\()x\panels\()_neon

.Lpadding\@:
    add x5, x5, x3, lsl #5
    add x6, x6, x3, lsl #5
    add x7, x7, x3, lsl #5
    b .Lrun_done\@
.endm

    panel_tile 1, 1
    panel_tile 2, 1
    panel_tile 3, 1
    panel_tile 4, 1
    panel_tile 5, 1
    panel_tile 1, 2
    panel_tile 2, 2
    panel_tile 3, 2
    panel_tile 4, 2
    panel_tile 5, 2
    panel_tile 1, 3
    panel_tile 2, 3
    panel_tile 3, 3
    panel_tile 4, 3

    .section .note.GNU-stack, "", %progbits
