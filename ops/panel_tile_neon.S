// SPDX-License-Identifier: Apache-2.0
// panel_tile_neon.h's tiles of P pixels x Q weight panels of 8 channels. In assembly, because compilers
// copy and spill where all registers are to hold something. A function for each size takes any runs; those
// of 4 pixels have a second one for a single run of at least 8 channels (a pointwise convolution), which
// keeps its pointers from tile to tile and passes 16 channels a loop.
//
//   v0 .. v(2PQ - 1)     sums, two a pixel and panel: 16 of 4 x 2
//   v16 .. v(16 + 2P)    eight input channels of each pixel, used lane by lane
//   v24 .. v27, v28 ..   two rows of a panel each: the next two are loaded before these are used, so that
//                        an in-order core (Cortex-A53, A55) need not wait for them
//
// 4 x 2 takes 128 FMAs, 4 paired loads of input and 8 loads of four registers of weights for 8 input
// channels, and 2 instructions of the loop: 1.10 for each FMA where the loop passes 16 channels. A larger
// tile could hold neither eight channels nor weights ahead, and takes 1.19. Around the sums of a tile of one
// run there are 19 instructions, and the activation. The 16 sums are twice the chains that a Cortex-A76 needs
// (latency 4, two a cycle), the 8 of 4 x 1 just as many.
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
//   x3, x4   length, pixel step    x14       where the activation is applied
//   x5, x6   weights of a panel    x15       channels left of the run
//   x7       bias                  x16, x17  offset of the tile's first pixel, tiles left
//   x8       offset from tile to tile

// One or two panels of a pixel: 2 or 4 registers from `first` on and memory.
.macro load_bias panels, step, first, second, third, fourth
    .if \panels == 2
    ld1 {v\first\().4s, v\second\().4s, v\third\().4s, v\fourth\().4s}, [x7]
    .else
    ld1 {v\first\().4s, v\second\().4s}, [x7]
    .endif
.endm

.macro add_residual panels, step, first, second, third, fourth
    .if \panels == 2
    ld1 {v24.4s, v25.4s, v26.4s, v27.4s}, [x5], x\step
    .else
    ld1 {v24.4s, v25.4s}, [x5], x\step
    .endif
    fadd v\first\().4s, v\first\().4s, v24.4s
    fadd v\second\().4s, v\second\().4s, v25.4s
    .if \panels == 2
    fadd v\third\().4s, v\third\().4s, v26.4s
    fadd v\fourth\().4s, v\fourth\().4s, v27.4s
    .endif
.endm

.macro store_output panels, step, first, second, third, fourth
    .if \panels == 2
    st1 {v\first\().4s, v\second\().4s, v\third\().4s, v\fourth\().4s}, [x9], x\step
    .else
    st1 {v\first\().4s, v\second\().4s}, [x9], x\step
    .endif
.endm

.macro for_each_pixel operation, pixels, panels, step
    .set sum, 0
    .rept \pixels
        \operation \panels, \step, %sum, %(sum + 1), %(sum + 2), %(sum + 3)
        .set sum, sum + 2 * \panels
    .endr
.endm

.macro load_input first, second, address
    ldp q\first, q\second, [x\address], #32
.endm

.macro load_input_channel first, second, address
    ldr s\first, [x\address], #4
.endm

.macro for_each_input operation, pixels
    .set pixel, 0
    .rept \pixels
        \operation %(16 + 2 * pixel), %(17 + 2 * pixel), %(10 + pixel)
        .set pixel, pixel + 1
    .endr
.endm

.macro load_two_rows first, second, third, fourth, address
    ld1 {v\first\().4s, v\second\().4s, v\third\().4s, v\fourth\().4s}, [x\address], #64
.endm

.macro load_one_row address
    ldp q24, q25, [x\address], #32
.endm

.macro add_product sum, weights, input, lane
    fmla v\sum\().4s, v\weights\().4s, v\input\().s[\lane]
.endm

// Two rows of a panel: `group` counts through pairs of channels and in each through the panels.
.macro load_group panels, group
    .set weights, 24 + 4 * (\group - \group / 2 * 2)
    load_two_rows %weights, %(weights + 1), %(weights + 2), %(weights + 3), %(5 + \group - \group / \panels * \panels)
.endm

// A row in v(weights) and the next register times channel `channel` (0 to 7) of each pixel.
.macro add_row pixels, panels, panel, weights, channel
    .set pixel, 0
    .rept \pixels
        add_product %(2 * (pixel * \panels + \panel)), \weights, %(16 + 2 * pixel + \channel / 4), %(\channel - \channel / 4 * 4)
        add_product %(2 * (pixel * \panels + \panel) + 1), %(\weights + 1), %(16 + 2 * pixel + \channel / 4), %(\channel - \channel / 4 * 4)
        .set pixel, pixel + 1
    .endr
.endm

.macro add_group pixels, panels, group
    add_row \pixels, \panels, %(\group - \group / \panels * \panels), %(24 + 4 * (\group - \group / 2 * 2)), %(2 * (\group / \panels))
    add_row \pixels, \panels, %(\group - \group / \panels * \panels), %(26 + 4 * (\group - \group / 2 * 2)), %(2 * (\group / \panels) + 1)
.endm

.macro step_pointer to, from, step
    add x\to, x\from, x\step
.endm

.macro eight_channels pixels, panels
    load_group \panels, 0
    for_each_input load_input, \pixels
    .set group, 0
    .rept 4 * \panels
        .if group + 1 < 4 * \panels
            load_group \panels, %(group + 1)
        .endif
        add_group \pixels, \panels, %group
        .set group, group + 1
    .endr
.endm

.macro one_channel pixels, panels
    for_each_input load_input_channel, \pixels
    .set panel, 0
    .rept \panels
        load_one_row %(5 + panel)
        add_row \pixels, \panels, %panel, 24, 0
        .set panel, panel + 1
    .endr
.endm

.macro panel_tile pixels, panels
begin_function panel_tile_\pixels\()x\panels\()_neon
    ldp x3, x4, [x0, #LENGTH]
    ldp x16, x17, [x0, #OFFSET]
    ldr x7, [x0, #BIAS]
    ldr x9, [x0, #ACTIVATION]
    find_activation 14, 9, \pixels\()x\panels
    mov x8, #\pixels
    mul x8, x8, x4
.Ltile\@:
    ldp x1, x2, [x0, #RUNS]
    for_each_pixel load_bias, \pixels, \panels
    ldp x5, x6, [x0, #WEIGHTS]

.Lrun\@:
    ldr x10, [x1], #8
    cbz x10, .Lpadding\@
    add x10, x10, x16
    .set pixel, 1
    .rept \pixels - 1
        step_pointer %(10 + pixel), %(9 + pixel), 4
        .set pixel, pixel + 1
    .endr
    subs x15, x3, #8
    b.lt .Lrest\@
.Leight_channels\@:
    eight_channels \pixels, \panels
    subs x15, x15, #8
    b.ge .Leight_channels\@
.Lrest\@:
    adds x15, x15, #8
    b.eq .Lrun_done\@
.Lone_channel\@:
    one_channel \pixels, \panels
    subs x15, x15, #1
    b.ne .Lone_channel\@
.Lrun_done\@:
    subs x2, x2, #1
    b.ne .Lrun\@

    ldp x5, x6, [x0, #RESIDUAL]
    cbz x5, .Lsummed\@
    for_each_pixel add_residual, \pixels, \panels, 6
    str x5, [x0, #RESIDUAL]
.Lsummed\@:
    br x14
    fused_activations \pixels\()x\panels, %(2 * \pixels * \panels)
    ldp x9, x10, [x0, #OUTPUT]
    for_each_pixel store_output, \pixels, \panels, 10
    str x9, [x0, #OUTPUT]
    add x16, x16, x8
    subs x17, x17, #1
    b.ne .Ltile\@
    stp x16, x17, [x0, #OFFSET]
end_function panel_tile_\pixels\()x\panels\()_neon

.Lpadding\@:
    add x5, x5, x3, lsl #5
    add x6, x6, x3, lsl #5
    b .Lrun_done\@
    activation_places \pixels\()x\panels
.endm

// For one run, the registers of panel_tile but:
//
//   x1, x2   eight channels in a run, channels over   x8        input from tile to tile, from pixel's end
//   x3       pairs of eight channels, rounded up      x9, x10   output and its step (x16)
//   x4       where the sums go on (x14, or the residual before)
.macro one_run_tile pixels, panels
begin_function panel_tile_\pixels\()x\panels\()_one_run_neon
    ldr x10, [x0, #RUNS]
    ldp x2, x5, [x0, #LENGTH]
    ldp x16, x17, [x0, #OFFSET]
    ldr x7, [x0, #BIAS]
    ldr x10, [x10]
    add x10, x10, x16
    mov x8, #\pixels
    mul x8, x8, x5
    madd x16, x8, x17, x16
    str x16, [x0, #OFFSET]              // behind the tiles
    sub x8, x8, x2, lsl #2
    .set pixel, 1
    .rept \pixels - 1
        step_pointer %(10 + pixel), %(9 + pixel), 5
        .set pixel, pixel + 1
    .endr
    lsr x1, x2, #3
    and x2, x2, #7
    add x3, x1, #1
    lsr x3, x3, #1
    ldr x9, [x0, #ACTIVATION]
    find_activation 14, 9, \pixels\()x\panels\()_one_run
    adr x4, .Lresidual\@
    ldr x9, [x0, #RESIDUAL]
    cmp x9, #0
    csel x4, x14, x4, eq
    ldp x9, x16, [x0, #OUTPUT]
.Ltile\@:
    for_each_pixel load_bias, \pixels, \panels
    ldp x5, x6, [x0, #WEIGHTS]
    mov x15, x3
    tbnz x1, #0, .Leight_channels\@
.Lsixteen_channels\@:
    eight_channels \pixels, \panels
.Leight_channels\@:
    eight_channels \pixels, \panels
    subs x15, x15, #1
    b.ne .Lsixteen_channels\@
    cbnz x2, .Lrest\@
.Lsummed\@:
    .set pixel, 0
    .rept \pixels
        step_pointer %(10 + pixel), %(10 + pixel), 8
        .set pixel, pixel + 1
    .endr
    br x4
    fused_activations \pixels\()x\panels\()_one_run, %(2 * \pixels * \panels)
    for_each_pixel store_output, \pixels, \panels, 16
    subs x17, x17, #1
    b.ne .Ltile\@
    str x9, [x0, #OUTPUT]
end_function panel_tile_\pixels\()x\panels\()_one_run_neon

.Lrest\@:
    mov x15, x2
.Lone_channel\@:
    one_channel \pixels, \panels
    subs x15, x15, #1
    b.ne .Lone_channel\@
    b .Lsummed\@
.Lresidual\@:
    ldp x5, x6, [x0, #RESIDUAL]
    for_each_pixel add_residual, \pixels, \panels, 6
    str x5, [x0, #RESIDUAL]
    br x14
    activation_places \pixels\()x\panels\()_one_run
.endm

    panel_tile 1, 1
    panel_tile 2, 1
    panel_tile 3, 1
    panel_tile 4, 1
    panel_tile 1, 2
    panel_tile 2, 2
    panel_tile 3, 2
    panel_tile 4, 2
    one_run_tile 4, 1
    one_run_tile 4, 2

    .section .note.GNU-stack, "", %progbits
