/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traps into machine mode.
 *
 * entry.S saves the registers a C function may change and calls trap_handle. C keeps the others intact, so only when
 * trap_handle asks for them (it returns true) are they saved too, trap_switch called, and all of them restored.
 * A SET_PTE thus moves 16 registers, an entry into an enclave 31.
 *
 * Invariants:
 * - mscratch is the address of the frame while S or U runs, and 0 while the monitor runs: a trap that finds 0 comes
 *   from the monitor itself. If its instruction is in the fixup table it goes on there, otherwise the machine stops.
 * - mstatus.MIE is 0 and mstatus.MPRV is 0 in the monitor: nothing interrupts it, and its accesses are machine-mode
 *   ones.
 * - frame.status is what mstatus will be after the return; entry.S writes it only when status_changed is set.
 */
#ifndef YZ_MONITOR_TRAP_H
#define YZ_MONITOR_TRAP_H

/* Word offsets in the frame, shared with entry.S. */
#define FRAME_CAUSE 32
#define FRAME_STATUS 33
#define FRAME_STATUS_CHANGED 34
#define FRAME_BYTES 144
#define MONITOR_STACK_BYTES 8192

/* Exit code of a run that the monitor had to stop. */
#define STOP_FATAL 70

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stdint.h>

enum { REG_RA = 1, REG_SP = 2, REG_A0 = 10, REG_A1, REG_A2, REG_A3, REG_A4, REG_A5, REG_A6, REG_A7 };

struct frame {
    uint32_t x[32]; /* x[0] holds the program counter */
    uint32_t cause;
    uint32_t status;
    uint32_t status_changed;
    uint32_t reserved;
};
_Static_assert(sizeof(struct frame) == FRAME_BYTES, "entry.S and struct frame disagree");

/*
 * Handles the trap with ra, sp, t0-t6, a0-a7 of the frame. True: nothing was done yet, call trap_switch with all
 * registers.
 */
bool trap_handle(struct frame *frame);

/* Handles the traps that read or replace any register: world switches and emulated CSR instructions. */
void trap_switch(struct frame *frame);

/* A trap of the monitor itself that no fixup covers. Says so on the console and stops the machine. */
void trap_fatal(uint32_t cause, uint32_t pc, uint32_t tval);
#endif

#endif
