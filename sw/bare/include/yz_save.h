/* SPDX-License-Identifier: Apache-2.0 */
/* For assembly: registers that a function must leave as it found them, in 64 bytes of stack. */
#ifndef YZ_SAVE_H
#define YZ_SAVE_H

.macro callee_saved op
    \op ra, 0(sp)
    \op s0, 4(sp)
    \op s1, 8(sp)
    \op s2, 12(sp)
    \op s3, 16(sp)
    \op s4, 20(sp)
    \op s5, 24(sp)
    \op s6, 28(sp)
    \op s7, 32(sp)
    \op s8, 36(sp)
    \op s9, 40(sp)
    \op s10, 44(sp)
    \op s11, 48(sp)
.endm

/* Takes the stack; its words from 52(sp) on are the caller's to use. */
.macro save_registers
    addi sp, sp, -64
    callee_saved sw
.endm

/* Gives the stack back. */
.macro restore_registers
    callee_saved lw
    addi sp, sp, 64
.endm

#endif
