/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include "guard.h"
#include "hal.h"
#include "pmp.h"

enum world world_current;

static uint32_t host_medeleg;

/* The host while an enclave runs. */
static struct {
    struct frame frame;
    uint32_t satp, scounteren, senvcfg;
} host;

void world_boot(void)
{
    world_current = WORLD_HOST;
    host_medeleg = MEDELEG_ALL;
    hal_csr_write(CSR_MEDELEG, host_medeleg);
    hal_csr_write(CSR_MIDELEG, INTERRUPTS_S);
    hal_csr_write(CSR_MIE, INTERRUPT_MEI);
    hal_csr_write(CSR_MCOUNTEREN, COUNTEREN_CY_TM_IR);
    hal_csr_write(CSR_MENVCFGH, MENVCFGH_STCE);
    hal_csr_write(CSR_STIMECMPH, 0xFFFFFFFFu);
    hal_csr_write(CSR_STIMECMP, 0xFFFFFFFFu);
    hal_csr_write(CSR_SATP, 0);
    hal_csr_write(CSR_SCOUNTEREN, 0);
    hal_csr_write(CSR_SENVCFG, 0);
}

void world_guard_paging(struct frame *frame)
{
    /* countermeasure: MON.TVM */
    frame->status |= MSTATUS_TVM;
    frame->status_changed = 1;
    host_medeleg &= ~MEDELEG_ILLEGAL;
    hal_csr_write(CSR_MEDELEG, host_medeleg);
}

void world_enter_enclave(struct frame *frame, uint32_t root_ppn)
{
    host.frame = *frame;
    host.satp = hal_csr_read(CSR_SATP);
    host.scounteren = hal_csr_read(CSR_SCOUNTEREN);
    host.senvcfg = hal_csr_read(CSR_SENVCFG);

    /* countermeasure: MON.WORLD_CSRS */
    hal_csr_write(CSR_MEDELEG, 0);
    hal_csr_write(CSR_MIDELEG, 0);
    hal_csr_write(CSR_SCOUNTEREN, COUNTEREN_CY_TM_IR);
    hal_csr_write(CSR_SENVCFG, 0);
    hal_csr_write(CSR_SATP, SATP_SV32 | root_ppn);
    guard_set_world(WORLD_ENCLAVE);
    pmp_set_world(WORLD_ENCLAVE);
    hal_tlb_flush();
    world_current = WORLD_ENCLAVE;
    frame->status = MSTATUS_MPP_U | MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR;
    frame->status_changed = 1;
}

void world_enter_host(struct frame *frame)
{
    /* Closed before the host's tables are in place, so no moment has an open window under the host's satp. */
    pmp_set_world(WORLD_HOST);
    guard_set_world(WORLD_HOST);
    hal_csr_write(CSR_SATP, host.satp);
    hal_csr_write(CSR_SCOUNTEREN, host.scounteren);
    hal_csr_write(CSR_SENVCFG, host.senvcfg);
    hal_csr_write(CSR_MEDELEG, host_medeleg);
    hal_csr_write(CSR_MIDELEG, INTERRUPTS_S);
    /* countermeasure: MON.TLB_SWITCH */
    hal_tlb_flush();
    world_current = WORLD_HOST;
    *frame = host.frame;
    frame->status_changed = 1;
}
