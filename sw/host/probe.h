/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses of the kernel that may trap, and what the trap was.
 *
 * A probe does one access and returns. `cause` is CAUSE_NONE when it went through; otherwise scause, and `address` is stval.
 * Nothing else of the kernel may trap: any other kernel trap ends the run with a message.
 */
#ifndef YZ_HOST_PROBE_H
#define YZ_HOST_PROBE_H

#include <stdint.h>

#include "frame.h"
#include "riscv.h"

struct probe {
    uint32_t cause;
    uint32_t address;
    uint32_t value; /* loads: what was read; 0 after a trap */
};

struct probe probe_load8(uint32_t va);
struct probe probe_load16(uint32_t va);
struct probe probe_load32(uint32_t va);
struct probe probe_store8(uint32_t va, uint32_t value);
struct probe probe_store16(uint32_t va, uint32_t value);
struct probe probe_store32(uint32_t va, uint32_t value);
struct probe probe_amoadd(uint32_t va, uint32_t value);
struct probe probe_lr(uint32_t va);
/* Reserve reservation_va, then store-conditional to va; value: what sc wrote to rd (0 stored, other not). */
struct probe probe_sc(uint32_t reservation_va, uint32_t va, uint32_t value);
/* Jump to va. The code there must return. */
struct probe probe_fetch(uint32_t va);
struct probe probe_csrw_satp(uint32_t value);
struct probe probe_csrr_satp(void);
struct probe probe_csrw_mstatus(uint32_t value);
struct probe probe_csrr_pmpcfg0(void);
struct probe probe_csrw_pmpaddr0(uint32_t value);
struct probe probe_sfence(void);
struct probe probe_mret(void);

/* Called by entry.S for a trap taken in the kernel. */
void kernel_trap(struct frame *frame);

#endif
