/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uint32_t preempted(void (*work)(void), uint32_t deadline_low, uint32_t deadline_high)
 *
 * Calls `work`, and comes back when it returns (result 1) or when the machine timer fires (result 0): then what it was
 * doing is abandoned, as a host does that never resumes an enclave. Any other trap goes to the runtime.
 */
#include <yz/memory_map.h>
#include <yz_save.h>

#define MTIMECMP (YZ_CLINT_BASE + 0x4000)
#define TIMER 7

    .text
    .globl preempted
preempted:
    save_registers
    csrr t0, mtvec
    sw t0, 52(sp)
    csrw mscratch, sp
    la t0, fired
    csrw mtvec, t0
    li t1, MTIMECMP
    li t2, -1
    sw t2, 0(t1)
    sw a2, 4(t1)
    sw a1, 0(t1)
    li t0, 1 << TIMER
    csrs mie, t0
    csrsi mstatus, 8
    jalr a0
    csrci mstatus, 8
    li a0, 1
1:  li t0, 1 << TIMER
    csrc mie, t0
    lw t0, 52(sp)
    csrw mtvec, t0
    restore_registers
    ret

    .balign 64
fired:
    csrr t0, mcause
    li t1, 1 << 31 | TIMER
    bne t0, t1, 2f
    csrr sp, mscratch
    li a0, 0
    j 1b
2:  csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
    call bare_trap
