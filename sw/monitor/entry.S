/* SPDX-License-Identifier: Apache-2.0 */
/* Reset and trap entry. trap.h is the contract. */
#include "csr.h"
#include "trap.h"

.macro caller_saved op
    \op ra, 4(sp)
    \op t0, 20(sp)
    \op t1, 24(sp)
    \op t2, 28(sp)
    \op a0, 40(sp)
    \op a1, 44(sp)
    \op a2, 48(sp)
    \op a3, 52(sp)
    \op a4, 56(sp)
    \op a5, 60(sp)
    \op a6, 64(sp)
    \op a7, 68(sp)
    \op t3, 112(sp)
    \op t4, 116(sp)
    \op t5, 120(sp)
    \op t6, 124(sp)
.endm

.macro callee_saved op
    \op gp, 12(sp)
    \op tp, 16(sp)
    \op s0, 32(sp)
    \op s1, 36(sp)
    \op s2, 72(sp)
    \op s3, 76(sp)
    \op s4, 80(sp)
    \op s5, 84(sp)
    \op s6, 88(sp)
    \op s7, 92(sp)
    \op s8, 96(sp)
    \op s9, 100(sp)
    \op s10, 104(sp)
    \op s11, 108(sp)
.endm

    .section .text.reset, "ax"
    .globl _start
_start:
    csrr t0, CSR_MHARTID
    bnez t0, park
    csrw CSR_MSCRATCH, zero
    la t0, trap_entry
    csrw CSR_MTVEC, t0
    la t0, __bss_start
    la t1, __bss_end
1:  beq t0, t1, 2f
    sw zero, 0(t0)
    addi t0, t0, 4
    j 1b
2:  la sp, __frame
    mv a0, sp
    call boot
    la sp, __frame
    callee_saved lw
    j trap_return

/* Harts other than 0 wait here for ever; this is where they would wait for the IPI that starts them (SBI HSM). */
park:
    wfi
    j park

    .section .text.trap, "ax"
    .balign 64
    .globl trap_entry
trap_entry:
    csrrw sp, CSR_MSCRATCH, sp
    beqz sp, trap_nested
    caller_saved sw
    csrrw t0, CSR_MSCRATCH, zero
    csrr t1, CSR_MEPC
    csrr t2, CSR_MCAUSE
    csrr t3, CSR_MSTATUS
    sw t0, 8(sp)
    sw t1, 0(sp)
    sw t2, 4 * FRAME_CAUSE(sp)
    sw t3, 4 * FRAME_STATUS(sp)
    sw zero, 4 * FRAME_STATUS_CHANGED(sp)
    mv a0, sp
    call trap_handle
    beqz a0, trap_return
    callee_saved sw
    mv a0, sp
    call trap_switch
    callee_saved lw
trap_return:
    lw t0, 0(sp)
    lw t1, 4 * FRAME_STATUS_CHANGED(sp)
    csrw CSR_MEPC, t0
    beqz t1, 1f
    lw t2, 4 * FRAME_STATUS(sp)
    csrw CSR_MSTATUS, t2
1:  csrw CSR_MSCRATCH, sp
    caller_saved lw
    lw sp, 8(sp)
    mret

/* From the monitor itself: sp is 0 and mscratch holds the monitor's sp. */
trap_nested:
    csrrw sp, CSR_MSCRATCH, sp
    addi sp, sp, -16
    sw t0, 0(sp)
    sw t1, 4(sp)
    sw t2, 8(sp)
    sw t3, 12(sp)
    csrr t0, CSR_MCAUSE
    li t1, CAUSE_LOAD_ACCESS
    beq t0, t1, 1f
    li t1, CAUSE_STORE_ACCESS
    bne t0, t1, 4f
1:  csrr t0, CSR_MEPC
    la t1, __fixup_start
    la t2, __fixup_end
2:  beq t1, t2, 4f
    lw t3, 0(t1)
    beq t3, t0, 3f
    addi t1, t1, 8
    j 2b
3:  lw t0, 4(t1)
    csrw CSR_MEPC, t0
    /* This trap has overwritten mstatus.MPP of the one being handled: write it again on the way out. */
    la t0, __frame
    li t1, 1
    sw t1, 4 * FRAME_STATUS_CHANGED(t0)
    lw t0, 0(sp)
    lw t1, 4(sp)
    lw t2, 8(sp)
    lw t3, 12(sp)
    addi sp, sp, 16
    mret
4:  csrr a0, CSR_MCAUSE
    csrr a1, CSR_MEPC
    csrr a2, CSR_MTVAL
    tail trap_fatal
