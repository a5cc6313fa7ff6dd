/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulation device as a program sees it (registers: rtl/yingzhou/regs/rdl/sim.rdl, events: abi.h).
 *
 * `base` is the address at which the caller reaches the device: YZ_SIM_BASE, or where it has mapped that page.
 */
#ifndef YZ_SIM_DEVICE_H
#define YZ_SIM_DEVICE_H

#include <stdint.h>
#include <yz/memory_map.h>
#include <yz/sim_regs.h>

static inline volatile sim_t *yz_sim(uintptr_t base)
{
    return (volatile sim_t *)base;
}

/* End the simulation. Does not return in a simulator; elsewhere it stops here. */
static inline _Noreturn void yz_sim_exit(uintptr_t base, uint32_t code)
{
    yz_sim(base)->exit = code;
    for (;;)
        __asm__ volatile("" ::: "memory");
}

static inline void yz_sim_event(uintptr_t base, uint32_t code, uint32_t arg0, uint32_t arg1, uint32_t arg2, uint32_t arg3)
{
    volatile sim_t *sim = yz_sim(base);
    sim->arg[0] = arg0;
    sim->arg[1] = arg1;
    sim->arg[2] = arg2;
    sim->arg[3] = arg3;
    sim->event = code;
}

#endif
