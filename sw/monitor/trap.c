/* SPDX-License-Identifier: Apache-2.0 */
#include "trap.h"

#include "console.h"
#include "hal.h"
#include "sbi.h"
#include "world.h"

/* Give an exception to the host's supervisor as the hart would have done had it been delegated. */
static void reflect(struct frame *frame)
{
    uint32_t status = frame->status;
    hal_csr_write(CSR_SCAUSE, frame->cause);
    hal_csr_write(CSR_SEPC, frame->x[0]);
    hal_csr_write(CSR_STVAL, hal_csr_read(CSR_MTVAL));
    uint32_t from_s = (status & MSTATUS_MPP) == MSTATUS_MPP_S;
    uint32_t interrupts = (status & MSTATUS_SIE) != 0;
    status &= ~(MSTATUS_SPP | MSTATUS_SPIE | MSTATUS_SIE | MSTATUS_MPP);
    status |= MSTATUS_MPP_S | (from_s ? MSTATUS_SPP : 0) | (interrupts ? MSTATUS_SPIE : 0);
    frame->status = status;
    frame->status_changed = 1;
    frame->x[0] = hal_csr_read(CSR_STVEC) & ~3u;
}

bool trap_handle(struct frame *frame)
{
    if (frame->cause == CAUSE_ECALL_S) {
        frame->x[0] += 4;
        return sbi_call(frame);
    }
    reflect(frame);
    return false;
}

void trap_switch(struct frame *frame)
{
    (void)frame;
}

void trap_fatal(uint32_t cause, uint32_t pc, uint32_t tval)
{
    console_text("monitor: stopped by a trap of its own, cause ");
    console_hex(cause);
    console_text(" pc ");
    console_hex(pc);
    console_text(" address ");
    console_hex(tval);
    console_text("\n");
    hal_stop(STOP_FATAL);
}
