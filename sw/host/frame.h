/* SPDX-License-Identifier: Apache-2.0 */
/* Saved registers of a user process and of a kernel trap; offsets are shared with entry.S. */
#ifndef YZ_HOST_FRAME_H
#define YZ_HOST_FRAME_H

#define FRAME_KERNEL_SP 128
#define FRAME_BYTES 144

#ifndef __ASSEMBLER__
#include <stdint.h>

struct frame {
    uint32_t x[32];     /* x[0] holds the program counter */
    uint32_t kernel_sp; /* kernel stack to come back to */
    uint32_t reserved[3];
};
_Static_assert(sizeof(struct frame) == FRAME_BYTES, "entry.S and struct frame disagree");

enum { REG_RA = 1, REG_SP = 2, REG_A0 = 10, REG_A1, REG_A2, REG_A3, REG_A4, REG_A5, REG_A6, REG_A7 };

/*
 * Run user mode with the registers of *frame until the next trap, whose cause, address and value are then in scause, sepc
 * (also in x[0]) and stval. Interrupts are taken in user mode only: the kernel is never preempted.
 */
void enter_user(struct frame *frame);
#endif

#endif
