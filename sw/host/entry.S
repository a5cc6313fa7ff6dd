/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entry of the kernel, the way to user mode and back, and traps of the kernel itself.
 *
 * sscratch is the running process's frame in user mode and 0 in the kernel: a trap that finds 0 came from the kernel.
 */
#include "frame.h"

.macro registers op, base
    \op x3, 12(\base)
    \op x4, 16(\base)
    \op x5, 20(\base)
    \op x6, 24(\base)
    \op x7, 28(\base)
    \op x8, 32(\base)
    \op x9, 36(\base)
    \op x11, 44(\base)
    \op x12, 48(\base)
    \op x13, 52(\base)
    \op x14, 56(\base)
    \op x15, 60(\base)
    \op x16, 64(\base)
    \op x17, 68(\base)
    \op x18, 72(\base)
    \op x19, 76(\base)
    \op x20, 80(\base)
    \op x21, 84(\base)
    \op x22, 88(\base)
    \op x23, 92(\base)
    \op x24, 96(\base)
    \op x25, 100(\base)
    \op x26, 104(\base)
    \op x27, 108(\base)
    \op x28, 112(\base)
    \op x29, 116(\base)
    \op x30, 120(\base)
    \op x31, 124(\base)
.endm

/* What a C caller expects back: ra, s0..s11, gp, tp. */
.macro callee op
    \op ra, 0(sp)
    \op gp, 4(sp)
    \op tp, 8(sp)
    \op s0, 12(sp)
    \op s1, 16(sp)
    \op s2, 20(sp)
    \op s3, 24(sp)
    \op s4, 28(sp)
    \op s5, 32(sp)
    \op s6, 36(sp)
    \op s7, 40(sp)
    \op s8, 44(sp)
    \op s9, 48(sp)
    \op s10, 52(sp)
    \op s11, 56(sp)
.endm

    .section .text.start, "ax"
    .globl _start
_start:
    csrw sie, zero
    csrw sscratch, zero
    la t0, trap
    csrw stvec, t0
    la sp, __stack_top
    la t0, __bss_start
    la t1, __bss_end
1:  bgeu t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  call kernel_main
3:  j 3b

    .section .text.trap, "ax"
    .globl enter_user
enter_user:
    addi sp, sp, -64
    callee sw
    sw sp, FRAME_KERNEL_SP(a0)
    csrw sscratch, a0
    lw t0, 0(a0)
    csrw sepc, t0
    lw x1, 4(a0)
    lw x2, 8(a0)
    registers lw, a0
    lw a0, 40(a0)
    sret

    .balign 64
trap:
    csrrw a0, sscratch, a0
    beqz a0, kernel_trap_entry
    sw x1, 4(a0)
    sw x2, 8(a0)
    registers sw, a0
    csrrw t0, sscratch, zero
    csrr t1, sepc
    sw t0, 40(a0)
    sw t1, 0(a0)
    lw sp, FRAME_KERNEL_SP(a0)
    callee lw
    addi sp, sp, 64
    ret

/* The kernel's a0 is in sscratch, and a0 is 0. */
kernel_trap_entry:
    csrrw a0, sscratch, zero
    addi sp, sp, -FRAME_BYTES
    sw x1, 4(sp)
    registers sw, sp
    sw a0, 40(sp)
    addi t0, sp, FRAME_BYTES
    sw t0, 8(sp)
    csrr t0, sepc
    sw t0, 0(sp)
    mv a0, sp
    call kernel_trap
    lw t0, 0(sp)
    csrw sepc, t0
    lw x1, 4(sp)
    registers lw, sp
    lw a0, 40(sp)
    addi sp, sp, FRAME_BYTES
    sret
