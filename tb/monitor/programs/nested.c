/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.S and hal_target.h on the machine, with a monitor of three calls around them: what happens when the monitor
 * itself takes an access fault. The code in S-mode makes the calls and ends the run with 0, or with the number of the
 * check that failed.
 */
#include <yz/memory_map.h>

#include "hal.h"
#include "trap.h"

#define HOLE 0x10000000u /* no memory and no device */
#define HOST_STACK (YZ_HOST_BASE + 0x10000u)

enum { CALL_LOAD, CALL_STORE, CALL_UNCOVERED, CALL_EXIT };

bool trap_handle(struct frame *frame)
{
    uint32_t *x = frame->x;
    uint32_t value = 0x1234;
    if (frame->cause != CAUSE_ECALL_S)
        hal_stop(100 + frame->cause);
    x[0] += 4;
    switch (x[REG_A7]) {
    case CALL_LOAD:
        x[REG_A0] = hal_load32(x[REG_A0], &value);
        x[REG_A1] = value;
        return false;
    case CALL_STORE:
        x[REG_A0] = hal_store8(x[REG_A0], 7);
        x[REG_A1] = hal_csr_read(CSR_MSTATUS) & MSTATUS_MIE;
        return false;
    case CALL_UNCOVERED:
        x[REG_A0] = *(volatile uint32_t *)HOLE;
        return false;
    default:
        hal_stop(x[REG_A0]);
    }
}

void trap_switch(struct frame *frame)
{
    (void)frame;
}

void trap_fatal(uint32_t cause, uint32_t pc, uint32_t tval)
{
    hal_stop(cause == CAUSE_LOAD_ACCESS && tval == HOLE && pc >= YZ_MONITOR_BASE ? STOP_FATAL : 99);
}

static uint32_t call(uint32_t number, uint32_t argument, uint32_t *value)
{
    register uint32_t a0 __asm__("a0") = argument;
    register uint32_t a1 __asm__("a1") = 0;
    register uint32_t a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a7) : "memory");
    *value = a1;
    return a0;
}

/* The S-mode side: after a fault inside the monitor it is still in S-mode, with its registers. */
static void host(void)
{
    uint32_t value;
    for (uint32_t turn = 0; turn < 3; turn++) {
        if (call(CALL_LOAD, HOLE, &value) != 0 || value != 0x1234)
            call(CALL_EXIT, 1, &value);
        if (call(CALL_LOAD, YZ_HOST_BASE, &value) != 1 || value == 0x1234)
            call(CALL_EXIT, 2, &value);
        if (call(CALL_STORE, HOLE + turn, &value) != 0 || value != 0)
            call(CALL_EXIT, 3, &value);
        uint32_t status;
        __asm__ volatile("csrr %0, sstatus" : "=r"(status));
        if ((status & MSTATUS_SPP) != 0)
            call(CALL_EXIT, 4, &value);
    }
#ifdef UNCOVERED
    call(CALL_UNCOVERED, 0, &value);
#endif
    call(CALL_EXIT, 0, &value);
    for (;;)
        ;
}

void boot(struct frame *frame)
{
    hal_csr_write(CSR_PMPADDR0, 0xFFFFFFFFu);
    hal_csr_write(CSR_PMPCFG0, 0x1Fu);
    for (uint32_t i = 0; i < 32; i++)
        frame->x[i] = 0;
    frame->x[0] = (uint32_t)host;
    frame->x[REG_SP] = HOST_STACK;
    frame->status = MSTATUS_MPP_S;
    frame->status_changed = 1;
}
