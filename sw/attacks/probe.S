/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making one access in another mode, and coming back from whatever happens.
 *
 *   enter(struct outcome *out, uint32_t pc, uint32_t a0, uint32_t a1)    runs pc in the mode that mstatus.MPP names
 *   enter_mprv(struct outcome *out, uint32_t pc, uint32_t a0, uint32_t a1)  the same, with MPRV set just before mret
 *   under_mprv(struct outcome *out, uint32_t pc, uint32_t a0, uint32_t a1)  runs pc in M-mode with MPRV set
 *
 * All return when a trap comes (an ecall is one): *out = mcause, mtval, mepc, a0 and mstatus as the trap found them.
 * While they run, mscratch points to the saved context. A trap without a context is reported by the runtime.
 */
#include <yz_save.h>

    .text
    .globl enter, enter_mprv, under_mprv, attack_trap
under_mprv:
    li t2, 1 << 17
    li t3, 0
    j 1f
enter_mprv:
    li t2, 0
    li t3, 1 << 17
    j 1f
enter:
    li t2, 0
    li t3, 0
1:  save_registers
    sw a0, 52(sp)
    csrw mscratch, sp
    mv t0, a1
    mv a0, a2
    mv a1, a3
    bnez t2, 2f
    csrw mepc, t0
    csrs mstatus, t3
    mret
2:  csrs mstatus, t2
    jr t0

    .balign 64
attack_trap:
    csrrw sp, mscratch, sp
    beqz sp, 3f
    /* The handler's own stores must be plain machine-mode ones even if MPRV was set (MPP is M then). */
    lw t0, 52(sp)
    csrr t1, mcause
    sw t1, 0(t0)
    csrr t1, mtval
    sw t1, 4(t0)
    csrr t1, mepc
    sw t1, 8(t0)
    sw a0, 12(t0)
    csrr t1, mstatus
    sw t1, 16(t0)
    li t1, 1 << 17
    csrc mstatus, t1
    csrw mscratch, zero
    restore_registers
    ret
3:  csrr sp, mscratch
    csrw mscratch, zero
    csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
    call bare_trap

/* One page of code, mapped for S- and U-mode. a0: address, a1: value to store. */
    .section .text.stubs, "ax"
    .balign 4096
    .globl stub_page
stub_page:
    .globl stub_LOAD, stub_LOAD_BYTE, stub_LOAD_RESERVED, stub_STORE, stub_STORE_BYTE, stub_STORE_HALF
    .globl stub_STORE_CONDITIONAL, stub_AMO, stub_FETCH, stub_LR_SC, stub_SQUASHED
stub_LOAD:
    lw a0, 0(a0)
    ecall
stub_LOAD_BYTE:
    lb a0, 0(a0)
    ecall
stub_LOAD_RESERVED:
    lr.w a0, (a0)
    ecall
stub_STORE:
    sw a1, 0(a0)
    ecall
stub_STORE_BYTE:
    sb a1, 0(a0)
    ecall
stub_STORE_HALF:
    sh a1, 0(a0)
    ecall
stub_STORE_CONDITIONAL:
    sc.w a0, a1, (a0)
    ecall
stub_AMO:
    amoswap.w a0, a1, (a0)
    ecall
stub_FETCH:
    jr a0
stub_LR_SC:
    lr.w t0, (a0)
    sc.w a0, a1, (a0)
    ecall
    /* The branch is taken and waits for three divisions to know it. Three copies: no predictor knows them. */
    .balign 64
stub_SQUASHED:
    .rept 3
    .balign 64
    li t0, 7
    li t1, 1
    div t0, t0, t1
    div t0, t0, t1
    div t0, t0, t1
    bnez t0, 1f
    lw t2, 0(a0)
1:  ecall
    .endr
    .balign 4096
