// SPDX-License-Identifier: Apache-2.0
// stem_tile_neon.h's tiles: 4 output pixels x 16 channels of a 3 x 3 kernel of stride 2 on 3 channels. In
// assembly, because compilers copy and spill where all registers are to hold something.
//
//   v0 .. v15            sums, four a pixel
//   v16 .. v22           27 floats of a row: the windows of the four pixels overlap, so that 4 loads give
//                        what 12 would pixel by pixel. v22 begins at float 23, to end with the window.
//   v24 .. v27, v28 ..   two taps of a panel each: the next are loaded before these are used
//
// A row takes 144 FMAs, 4 loads of input, 10 of weights and a test for padding.
#if !defined(__aarch64__)
#error "for AArch64"
#endif

#include "ops/assembly_neon.inc"

// Offsets in StemTile; stem_tile_neon.h asserts them.
#define ROWS 0
#define WEIGHTS 24
#define BIAS 40
#define OUTPUT 48
#define ACTIVATION 64
#define TILES 72

#define PIXEL_FLOATS 6                  // from one pixel's window to the next
#define TILE_BYTES (4 * 4 * PIXEL_FLOATS)
#define ROW_WEIGHT_BYTES (9 * 32)

//   x0           StemTile                       x9, x16   output and its step
//   x1, x2, x3   rows, 64 bytes on; then null   x14       where the activation is applied
//   x5, x6       weights of a panel             x17       tiles left
//   x7           bias
.macro load_sums first, second, third, fourth
    ld1 {v\first\().4s, v\second\().4s, v\third\().4s, v\fourth\().4s}, [x7]
.endm

.macro store_sums first, second, third, fourth
    st1 {v\first\().4s, v\second\().4s, v\third\().4s, v\fourth\().4s}, [x9], x16
.endm

.macro for_each_pixel operation
    .set sum, 0
    .rept 4
        \operation %sum, %(sum + 1), %(sum + 2), %(sum + 3)
        .set sum, sum + 4
    .endr
.endm

.macro add_product sum, weights, input, lane
    fmla v\sum\().4s, v\weights\().4s, v\input\().s[\lane]
.endm

// Tap `tap` (0 to 8) of the row, whose weights of panel `panel` are v(weights) and the next, to each pixel.
.macro add_tap panel, weights, tap
    .set pixel, 0
    .rept 4
        .set place, PIXEL_FLOATS * pixel + \tap
        .if place >= 24
            .set place, place + 1
        .endif
        .set sum, 4 * pixel + 2 * \panel
        add_product %sum, \weights, %(16 + place / 4), %(place - place / 4 * 4)
        add_product %(sum + 1), %(\weights + 1), %(16 + place / 4), %(place - place / 4 * 4)
        .set pixel, pixel + 1
    .endr
.endm

.macro two_taps panel, weights, tap
    add_tap \panel, \weights, \tap
    add_tap \panel, %(\weights + 2), %(\tap + 1)
.endm

.macro load_first_two
    ld1 {v24.4s, v25.4s, v26.4s, v27.4s}, [x5], #64
.endm

.macro load_second_two
    ld1 {v28.4s, v29.4s, v30.4s, v31.4s}, [x6], #64
.endm

.macro kernel_row row
    cbnz x\row, .Lrow\@
    add x5, x5, #ROW_WEIGHT_BYTES
    add x6, x6, #ROW_WEIGHT_BYTES
    b .Lrow_done\@
.Lrow\@:
    load_first_two
    ldp q16, q17, [x\row, #-64]
    ldp q18, q19, [x\row, #-32]
    ldur q22, [x\row, #28]
    ldp q20, q21, [x\row], #TILE_BYTES
    .set tap, 0
    .rept 4
        load_second_two
        two_taps 0, 24, %tap
        .if tap < 6
            load_first_two
        .else
            ldp q24, q25, [x5], #32
        .endif
        two_taps 1, 28, %tap
        .set tap, tap + 2
    .endr
    ldp q28, q29, [x6], #32
    add_tap 0, 24, 8
    add_tap 1, 28, 8
.Lrow_done\@:
.endm

begin_function stem_tile_neon
    ldp x1, x2, [x0, #ROWS]
    ldr x3, [x0, #ROWS + 16]
    .irp row, 1, 2, 3
        add x9, x\row, #64
        cmp x\row, #0
        csel x\row, xzr, x9, eq
    .endr
    ldr x7, [x0, #BIAS]
    ldr x9, [x0, #ACTIVATION]
    find_activation 14, 9, stem
    ldp x9, x16, [x0, #OUTPUT]
    ldr x17, [x0, #TILES]
.Ltile:
    for_each_pixel load_sums
    ldp x5, x6, [x0, #WEIGHTS]
    kernel_row 1
    kernel_row 2
    kernel_row 3
    br x14
    fused_activations stem, 16
    for_each_pixel store_sums
    subs x17, x17, #1
    b.ne .Ltile
end_function stem_tile_neon
    activation_places stem

    .section .note.GNU-stack, "", %progbits
