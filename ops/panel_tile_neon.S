// SPDX-License-Identifier: Apache-2.0
// panel_tile_neon.h's tiles of P pixels x Q weight panels of 8 channels. In assembly, because compilers
// copy and spill where all registers are to hold something. A function for each size takes any runs; those
// of the most pixels have a second one for a single run of 16, 24, 32 and so on channels (a pointwise
// convolution), which keeps its pointers from tile to tile and passes 16 channels a loop.
//
//   v0 .. v(2PQ - 1)     sums, two a pixel and panel: 16 of 4 x 2
//   v16 .. v(16 + 2P)    eight input channels of each pixel, used lane by lane
//   v24 .. v27, v28 ..   two rows of a panel each: the next two are loaded before these are used, so that
//                        an in-order core (Cortex-A53, A55) need not wait for them
//
// 4 x 2 takes 128 FMAs, 4 paired loads of input and 8 loads of four registers of weights for 8 input
// channels, and 2 instructions of the loop: 1.10 for each FMA where the loop passes 16 channels. A larger
// tile could hold neither eight channels nor weights ahead, and takes 1.19. Around the sums of a tile of one
// run there are 14 instructions, and the activation. The 16 sums are twice the chains that a Cortex-A76 needs
// (latency 4, two a cycle), the 8 of 4 x 1 just as many.
//
// Of halves, where panel_tile_neon_fp16.S includes this file, a pixel and panel takes one register, and so do
// eight channels and a row: 8 x 2 fills the registers, and takes as many instructions.
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#if defined(HALVES)
#define REGISTERS 1  // of a pixel and panel, of eight input channels, and of a row
#define LANE_COUNT 8
#define LANE .h
#define ELEMENT h    // the scalar register of one
#define ELEMENT_SHIFT 1
#define MOST_PIXELS 8
#define SUMS 16
#define INPUTS 0     // a lane of a half can be taken from v0 .. v15 only
#define WEIGHTS_READ 8
#define TEMPORARIES 0
#define LEFT 19      // x registers behind those of the pixels' input, to be kept for the caller
#define AT 20
#define TILES_LEFT 21
#define ACTIVATE 22
#else
#define REGISTERS 2
#define LANE_COUNT 4
#define LANE .s
#define ELEMENT s
#define ELEMENT_SHIFT 2
#define MOST_PIXELS 4
#define SUMS 0
#define INPUTS 16
#define WEIGHTS_READ 24
#define TEMPORARIES 24
#define LEFT 15
#define AT 16
#define TILES_LEFT 17
#define ACTIVATE 14
#endif
#define SCRATCH LEFT
#define X_(number) x##number
#define X(number) X_(number)
#define GROUP_ROWS (4 / REGISTERS)  // whose weights one load takes
#define GROUPS (8 / GROUP_ROWS)     // of eight input channels, a panel

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
#define SUMS_SO_FAR 112

//   x0       PanelTile             x9          scratch, where to go on after the activation
//   x1, x2   next run, runs left   x10 ..      input of each pixel
//   x3, x4   length, pixel step    ACTIVATE    where the activation is applied
//   x5, x6   weights of a panel    LEFT        channels left of the run, then the residual
//   x7       bias                  AT          offset of the tile's first pixel
//   x8       offset to next tile   TILES_LEFT

// One or two panels of a pixel: `count` registers (1, 2 or 4) from v`first` on and memory.
.macro move_registers operation, count, first, second, third, fourth, address:vararg
    .if \count == 4
    \operation {v\first\()LANES, v\second\()LANES, v\third\()LANES, v\fourth\()LANES}, \address
    .elseif \count == 2
    \operation {v\first\()LANES, v\second\()LANES}, \address
    .else
    \operation {v\first\()LANES}, \address
    .endif
.endm

.macro load_bias count, step, first, second, third, fourth
    move_registers ld1, \count, \first, \second, \third, \fourth, [x7]
.endm

.macro add_residual_part sum, part
    fadd v\sum\()LANES, v\sum\()LANES, v\part\()LANES
.endm

.macro add_residual count, step, first, second, third, fourth
    move_registers ld1, \count, %TEMPORARIES, %(TEMPORARIES + 1), %(TEMPORARIES + 2), %(TEMPORARIES + 3), [X(LEFT)], x\step
    .set part, 0
    .rept \count
        add_residual_part %(\first + part), %(TEMPORARIES + part)
        .set part, part + 1
    .endr
.endm

// To the sums, in this order: those so far, of a sum in blocks (of halves only), and the residual.
.macro add_residuals pixels, panels
#if defined(HALVES)
    ldp X(LEFT), x6, [x0, #SUMS_SO_FAR]
    cbz X(LEFT), .Lno_sums\@
    for_each_pixel add_residual, \pixels, \panels, 6
    str X(LEFT), [x0, #SUMS_SO_FAR]
.Lno_sums\@:
#endif
    ldp X(LEFT), x6, [x0, #RESIDUAL]
    cbz X(LEFT), .Lno_residual\@
    for_each_pixel add_residual, \pixels, \panels, 6
    str X(LEFT), [x0, #RESIDUAL]
.Lno_residual\@:
.endm

.macro store_output count, step, first, second, third, fourth
    move_registers st1, \count, \first, \second, \third, \fourth, [x9], x\step
.endm

.macro for_each_pixel operation, pixels, panels, step
    .set sum, SUMS
    .rept \pixels
        \operation %(REGISTERS * \panels), \step, %sum, %(sum + 1), %(sum + 2), %(sum + 3)
        .set sum, sum + REGISTERS * \panels
    .endr
.endm

.macro load_input first, second, address
#if defined(HALVES)
    ldr q\first, [x\address], #16
#else
    ldp q\first, q\second, [x\address], #32
#endif
.endm

.macro load_input_channel first, second, address
    ldr ELEMENT\first, [x\address], #(1 << ELEMENT_SHIFT)
.endm

.macro for_each_input operation, pixels
    .set pixel, 0
    .rept \pixels
        \operation %(INPUTS + REGISTERS * pixel), %(INPUTS + 1 + REGISTERS * pixel), %(10 + pixel)
        .set pixel, pixel + 1
    .endr
.endm

.macro load_rows first, second, third, fourth, address
    ld1 {v\first\()LANES, v\second\()LANES, v\third\()LANES, v\fourth\()LANES}, [x\address], #64
.endm

.macro add_product sum, weights, input, lane
    fmla v\sum\()LANES, v\weights\()LANES, v\input\()LANE[\lane]
.endm

// Some rows of a panel: `group` counts through groups of channels and in each through the panels.
.macro load_group panels, group
    .set weights, WEIGHTS_READ + 4 * (\group - \group / 2 * 2)
    load_rows %weights, %(weights + 1), %(weights + 2), %(weights + 3), %(5 + \group - \group / \panels * \panels)
.endm

// A row in v`weights` (and the next register) times channel `channel` (0 to 7) of each pixel.
.macro add_row pixels, panels, panel, weights, channel
    .set pixel, 0
    .rept \pixels
        .set sum, SUMS + REGISTERS * (pixel * \panels + \panel)
        .set input, INPUTS + REGISTERS * pixel + \channel / LANE_COUNT
        .set part, 0
        .rept REGISTERS
            add_product %(sum + part), %(\weights + part), %input, %(\channel - \channel / LANE_COUNT * LANE_COUNT)
            .set part, part + 1
        .endr
        .set pixel, pixel + 1
    .endr
.endm

.macro add_group pixels, panels, group
    .set row, 0
    .rept GROUP_ROWS
        .set weights, WEIGHTS_READ + 4 * (\group - \group / 2 * 2) + REGISTERS * row
        add_row \pixels, \panels, %(\group - \group / \panels * \panels), %weights, %(GROUP_ROWS * (\group / \panels) + row)
        .set row, row + 1
    .endr
.endm

.macro step_pointer to, from, step
    add x\to, x\from, x\step
.endm

.macro eight_channels pixels, panels
    load_group \panels, 0
    for_each_input load_input, \pixels
    .set group, 0
    .rept GROUPS * \panels
        .if group + 1 < GROUPS * \panels
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
        load_input %WEIGHTS_READ, %(WEIGHTS_READ + 1), %(5 + panel)
        add_row \pixels, \panels, %panel, %WEIGHTS_READ, 0
        .set panel, panel + 1
    .endr
.endm

.macro keep_registers
#if defined(HALVES)
    stp x19, x20, [sp, #-32]!
    stp x21, x22, [sp, #16]
#endif
.endm

.macro restore_registers
#if defined(HALVES)
    ldp x21, x22, [sp, #16]
    ldp x19, x20, [sp], #32
#endif
.endm

.macro panel_tile pixels, panels
begin_function panel_tile_\pixels\()x\panels\()SUFFIX
    keep_registers
    ldp x3, x4, [x0, #LENGTH]
    ldp X(AT), X(TILES_LEFT), [x0, #OFFSET]
    ldr x7, [x0, #BIAS]
    ldr x9, [x0, #ACTIVATION]
    .if REGISTERS * \pixels * \panels > 8
    find_activation ACTIVATE, 9, sixteen
    .else
    find_activation ACTIVATE, 9, eight
    .endif
    mov x8, #\pixels
    mul x8, x8, x4
.Ltile\@:
    ldp x1, x2, [x0, #RUNS]
    for_each_pixel load_bias, \pixels, \panels
    ldp x5, x6, [x0, #WEIGHTS]

.Lrun\@:
    ldr x10, [x1], #8
    cbz x10, .Lpadding\@
    add x10, x10, X(AT)
    .set pixel, 1
    .rept \pixels - 1
        step_pointer %(10 + pixel), %(9 + pixel), 4
        .set pixel, pixel + 1
    .endr
    subs X(LEFT), x3, #8
    b.lt .Lrest\@
.Leight_channels\@:
    eight_channels \pixels, \panels
    subs X(LEFT), X(LEFT), #8
    b.ge .Leight_channels\@
.Lrest\@:
    adds X(LEFT), X(LEFT), #8
    b.eq .Lrun_done\@
.Lone_channel\@:
    one_channel \pixels, \panels
    subs X(LEFT), X(LEFT), #1
    b.ne .Lone_channel\@
.Lrun_done\@:
    subs x2, x2, #1
    b.ne .Lrun\@

    add_residuals \pixels, \panels
    adr x9, .Lactivated\@
    br X(ACTIVATE)
.Lactivated\@:
    branched_to
    ldp x9, x10, [x0, #OUTPUT]
    for_each_pixel store_output, \pixels, \panels, 10
    str x9, [x0, #OUTPUT]
    add X(AT), X(AT), x8
    subs X(TILES_LEFT), X(TILES_LEFT), #1
    b.ne .Ltile\@
    stp X(AT), X(TILES_LEFT), [x0, #OFFSET]
    restore_registers
end_function panel_tile_\pixels\()x\panels\()SUFFIX

.Lpadding\@:
    add x5, x5, x3, lsl #(3 + ELEMENT_SHIFT)
    add x6, x6, x3, lsl #(3 + ELEMENT_SHIFT)
    b .Lrun_done\@
.endm

// The last eight channels: each pointer's last load takes it to where the next tile begins.
.macro load_last_input first, second, address
    move_registers ld1, REGISTERS, \first, \second, 0, 0, [x\address], x8
.endm

.macro load_last_rows first, second, third, fourth, address
    move_registers ld1, 4, \first, \second, \third, \fourth, [x\address], x4
.endm

.macro load_last_group panels, group
    .set weights, WEIGHTS_READ + 4 * (\group - \group / 2 * 2)
    load_last_rows %weights, %(weights + 1), %(weights + 2), %(weights + 3), %(5 + \group - \group / \panels * \panels)
.endm

.macro last_eight_channels pixels, panels
    load_group \panels, 0
    for_each_input load_last_input, \pixels
    .set group, 0
    .rept GROUPS * \panels
        .if group + 1 < (GROUPS - 1) * \panels
            load_group \panels, %(group + 1)
        .elseif group + 1 < GROUPS * \panels
            load_last_group \panels, %(group + 1)
        .endif
        add_group \pixels, \panels, %group
        .set group, group + 1
    .endr
.endm

// For one run, the registers of panel_tile but:
//
//   x1      eights of channels before the last   x9, AT    output and its step
//   x2      where the sums go on: ACTIVATE, or   x8, x4    steps of input and weights from tile to tile
//           the residuals before                 LEFT      pairs of eights left
//   x3      pairs of eights, rounded up
.macro one_run_tile pixels, panels
begin_function panel_tile_\pixels\()x\panels\()_one_run\()SUFFIX
    keep_registers
    ldr x10, [x0, #RUNS]
    ldp x2, x3, [x0, #LENGTH]
    ldp X(AT), X(TILES_LEFT), [x0, #OFFSET]
    ldp x5, x6, [x0, #WEIGHTS]
    ldr x7, [x0, #BIAS]
    ldr x10, [x10]
    add x10, x10, X(AT)
    mov x8, #\pixels
    mul x8, x8, x3
    madd X(AT), x8, X(TILES_LEFT), X(AT)
    str X(AT), [x0, #OFFSET]            // behind the tiles
    sub x8, x8, x2, lsl #ELEMENT_SHIFT
    add x8, x8, #(8 << ELEMENT_SHIFT)
    mov x4, #64
    sub x4, x4, x2, lsl #(3 + ELEMENT_SHIFT)
    .set pixel, 1
    .rept \pixels - 1
        step_pointer %(10 + pixel), %(9 + pixel), 3
        .set pixel, pixel + 1
    .endr
    lsr x1, x2, #3
    lsr x3, x1, #1
    sub x1, x1, #1
    ldr x9, [x0, #ACTIVATION]
    find_activation ACTIVATE, 9, \pixels\()x\panels\()_one_run
    adr x2, .Lresidual\@
    ldr x9, [x0, #RESIDUAL]
#if defined(HALVES)
    ldr X(LEFT), [x0, #SUMS_SO_FAR]
    orr x9, x9, X(LEFT)
#endif
    cmp x9, #0
    csel x2, X(ACTIVATE), x2, eq
    ldp x9, X(AT), [x0, #OUTPUT]
.Ltile\@:
    for_each_pixel load_bias, \pixels, \panels
    mov X(LEFT), x3
    tbnz x1, #0, .Leight_channels\@
.Lsixteen_channels\@:
    eight_channels \pixels, \panels
.Leight_channels\@:
    eight_channels \pixels, \panels
    subs X(LEFT), X(LEFT), #1
    b.ne .Lsixteen_channels\@
    last_eight_channels \pixels, \panels
    br x2
    fused_activations \pixels\()x\panels\()_one_run, %(REGISTERS * \pixels * \panels)
    for_each_pixel store_output, \pixels, \panels, AT
    subs X(TILES_LEFT), X(TILES_LEFT), #1
    b.ne .Ltile\@
    str x9, [x0, #OUTPUT]
    restore_registers
end_function panel_tile_\pixels\()x\panels\()_one_run\()SUFFIX

.Lresidual\@:
    branched_to
    add_residuals \pixels, \panels
    ldr x6, [x0, #WEIGHTS + 8]          // where the tile left it
    br X(ACTIVATE)
    activation_places \pixels\()x\panels\()_one_run
.endm

    .set count, 1
    .rept MOST_PIXELS
        .if MOST_PIXELS == 4 || count == 1 || count == 2 || count == 4 || count == 8
        panel_tile %count, 1
        .endif
        .if MOST_PIXELS == 4 || count == 1 || count == 2 || count == 4 || count == 7 || count == 8
        panel_tile %count, 2
        .endif
        .set count, count + 1
    .endr
    one_run_tile %MOST_PIXELS, 1
    one_run_tile %MOST_PIXELS, 2

    // Of any runs, whichever sums a tile has.
    shared_activations eight, 8, 9
    shared_activations sixteen, 16, 9

    .section .note.GNU-stack, "", %progbits
