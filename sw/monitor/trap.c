/* SPDX-License-Identifier: Apache-2.0 */
#include "trap.h"

#include <yz/abi.h>

#include "enclave.h"
#include "hal.h"
#include "integrity.h"
#include "satp.h"
#include "sbi.h"
#include "stop.h"
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
    if (world_current == WORLD_ENCLAVE)
        return true;
    if (frame->cause == CAUSE_ECALL_S) {
        frame->x[0] += 4;
        return sbi_call(frame);
    }
    if (frame->cause == CAUSE_MEI) {
        /* A store that nobody can be blamed for any more is counted in sysinfo; enclaves in broken memory are lost. */
        hal_settle();
        integrity_recover();
        return false;
    }
    if ((frame->cause & CAUSE_INTERRUPT) != 0)
        monitor_stop("an interrupt that nobody enabled");
    if (frame->cause == CAUSE_ILLEGAL) {
        switch (satp_classify(hal_csr_read(CSR_MTVAL), frame->status)) {
        case SATP_TRAP_CSR:
            return true;
        case SATP_TRAP_FENCE:
            hal_tlb_flush();
            frame->x[0] += 4;
            return false;
        case SATP_TRAP_NONE:
            break;
        }
    }
    reflect(frame);
    return false;
}

void trap_switch(struct frame *frame)
{
    if (world_current == WORLD_ENCLAVE) {
        enclave_trap(frame);
    } else if (frame->cause == CAUSE_ECALL_S) {
        if (frame->x[REG_A6] == YZ_HOST_RUN_ENCLAVE)
            enclave_run(frame);
        else
            enclave_resume(frame);
    } else if (satp_emulate(frame, hal_csr_read(CSR_MTVAL))) {
        frame->x[0] += 4;
    } else {
        reflect(frame);
    }
}
