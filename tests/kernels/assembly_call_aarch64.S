// SPDX-License-Identifier: Apache-2.0
// Calls a function of assembly and looks whether it kept what it must keep for its caller: compilers keep their word, people
// who count registers may not, and a caller that happens to use none of them never tells.
//
// make_assembly_wraps.py sends every call of such a function here, with its address in x16 and its name in x17; the
// arguments stay where they are. Kept must be x19 to x28, the frame in x29, the stack, the low halves of v8 to v15, and
// the rounding mode. What is found first goes to assembly_damage.

#define FRAME 192
#define NAME_PLACE 160
#define MODE_PLACE 168

    .section .rodata
    .balign 16
.Lpatterns:  // of x19 .. x28, then of d8 .. d15
    .set number, 0
    .rept 18
    .quad 0x5a19c0de00000000 + number * 0x0101010101
    .set number, number + 1
    .endr

    .bss
    .balign 16
.Lframe:
    .skip 8
    .balign 16
    .global assembly_damage
    .hidden assembly_damage
assembly_damage:  // name of the function, number of the register
    .skip 16

    .global assembly_calls
    .hidden assembly_calls
assembly_calls:
    .skip 8

    .text
.macro expect number, value, pattern
    cmp \value, \pattern
    mov x15, #\number
    csel x13, x15, x13, ne
.endm

.macro expect_general number, register
    ldr x12, [x11, #8 * \number]
    expect \number, \register, x12
.endm

.macro expect_vector number, register
    ldr x12, [x11, #8 * \number]
    fmov x14, \register
    expect \number, x14, x12
.endm

    .balign 16
    .global checked_assembly_call
    .hidden checked_assembly_call
    .type checked_assembly_call, %function
checked_assembly_call:
    stp x29, x30, [sp, #-FRAME]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    str x17, [sp, #NAME_PLACE]
    mrs x10, fpcr
    str x10, [sp, #MODE_PLACE]
    adrp x9, assembly_calls
    ldr x10, [x9, #:lo12:assembly_calls]
    add x10, x10, #1
    str x10, [x9, #:lo12:assembly_calls]
    mov x29, sp
    adrp x9, .Lframe
    str x29, [x9, #:lo12:.Lframe]
    adrp x11, .Lpatterns
    add x11, x11, #:lo12:.Lpatterns
    ldp x19, x20, [x11]
    ldp x21, x22, [x11, #16]
    ldp x23, x24, [x11, #32]
    ldp x25, x26, [x11, #48]
    ldp x27, x28, [x11, #64]
    ldp d8, d9, [x11, #80]
    ldp d10, d11, [x11, #96]
    ldp d12, d13, [x11, #112]
    ldp d14, d15, [x11, #128]
    blr x16

    mov x13, #-1
    adrp x11, .Lpatterns
    add x11, x11, #:lo12:.Lpatterns
    expect_vector 17, d15
    expect_vector 16, d14
    expect_vector 15, d13
    expect_vector 14, d12
    expect_vector 13, d11
    expect_vector 12, d10
    expect_vector 11, d9
    expect_vector 10, d8
    expect_general 9, x28
    expect_general 8, x27
    expect_general 7, x26
    expect_general 6, x25
    expect_general 5, x24
    expect_general 4, x23
    expect_general 3, x22
    expect_general 2, x21
    expect_general 1, x20
    expect_general 0, x19
    adrp x9, .Lframe
    ldr x10, [x9, #:lo12:.Lframe]
    expect 18, x29, x10
    mov x12, sp
    expect 19, x12, x10
    mov sp, x10
    mrs x12, fpcr
    ldr x14, [sp, #MODE_PLACE]
    expect 20, x12, x14

    tbnz x13, #63, .Lkept
    adrp x9, assembly_damage
    add x9, x9, #:lo12:assembly_damage
    ldr x12, [x9]
    cbnz x12, .Lkept  // the first one counts
    ldr x12, [sp, #NAME_PLACE]
    stp x12, x13, [x9]
.Lkept:
    ldr x10, [sp, #MODE_PLACE]
    msr fpcr, x10
    ldp x19, x20, [sp, #16]
    ldp x21, x22, [sp, #32]
    ldp x23, x24, [sp, #48]
    ldp x25, x26, [sp, #64]
    ldp x27, x28, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    ldp x29, x30, [sp], #FRAME
    ret
    .size checked_assembly_call, . - checked_assembly_call

    .section .note.GNU-stack, "", %progbits
