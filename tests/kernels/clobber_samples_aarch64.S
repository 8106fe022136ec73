// SPDX-License-Identifier: Apache-2.0
// Functions that fail to keep one register each, for harness_selftest.cpp, which demands that each is found; and one that uses
// them all and gives them back. call_checked(function, name) calls one as its stub would.

    .section .data.rel.ro, "aw"
    .balign 8
    .global clobber_samples
    .hidden clobber_samples
clobber_samples:  // function, name of the register; ends with nulls

.macro sample name, instructions:vararg
    .section .rodata
.Lname_\name:
    .asciz "\name"
    .text
    .balign 4
.Lclobber_\name:
    hint #34
    \instructions
    ret
    .section .data.rel.ro, "aw"
    .quad .Lclobber_\name, .Lname_\name
.endm

    .irp number, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28
    sample x\number, add x\number, x\number, #1
    .endr
    .irp number, 8, 9, 10, 11, 12, 13, 14, 15
    sample d\number, fmov d\number, xzr
    .endr
    sample x29, mov x29, #0
    sample sp, sub sp, sp, #16
    sample fpcr, msr fpcr, x1
    .quad 0, 0

    .text
    .balign 16
    .global well_behaved_sample
    .hidden well_behaved_sample
    .type well_behaved_sample, %function
well_behaved_sample:
    hint #34
    stp x19, x28, [sp, #-32]!
    stp d8, d15, [sp, #16]
    mov x19, #1
    mov x28, #2
    movi v8.16b, #3
    movi v15.16b, #4
    ldp d8, d15, [sp, #16]
    ldp x19, x28, [sp], #32
    movi v0.16b, #5
    mov x9, #6
    mov x17, #7
    // What is above the low half of v8 to v15 is not the caller's.
    ins v10.d[1], x9
    ret
    .size well_behaved_sample, . - well_behaved_sample

    .global call_checked
    .hidden call_checked
    .type call_checked, %function
call_checked:
    hint #34
    mov x16, x0
    mov x17, x1
    mov x1, #0x00400000  // a rounding mode that is not the usual one, for the sample that sets it
    b checked_assembly_call
    .size call_checked, . - call_checked

    .section .note.GNU-stack, "", %progbits
