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

#define YZ_SIM_EXIT 0x04u
#define YZ_SIM_EVENT 0x08u
#define YZ_SIM_CYCLE_LO 0x10u
#define YZ_SIM_CYCLE_HI 0x14u
#define YZ_SIM_INSTRET_LO 0x18u
#define YZ_SIM_INSTRET_HI 0x1Cu
#define YZ_SIM_ARG(i) (0x20u + 4u * (i))

static inline volatile uint32_t *yz_sim_register(uintptr_t base, uint32_t offset) {
    return (volatile uint32_t *)(base + offset);
}

/* End the simulation. Does not return in a simulator; elsewhere it stops here. */
static inline _Noreturn void yz_sim_exit(uintptr_t base, uint32_t code) {
    *yz_sim_register(base, YZ_SIM_EXIT) = code;
    for (;;)
        __asm__ volatile("" ::: "memory");
}

static inline void yz_sim_event(uintptr_t base, uint32_t code, uint32_t arg0, uint32_t arg1, uint32_t arg2, uint32_t arg3) {
    *yz_sim_register(base, YZ_SIM_ARG(0)) = arg0;
    *yz_sim_register(base, YZ_SIM_ARG(1)) = arg1;
    *yz_sim_register(base, YZ_SIM_ARG(2)) = arg2;
    *yz_sim_register(base, YZ_SIM_ARG(3)) = arg3;
    *yz_sim_register(base, YZ_SIM_EVENT) = code;
}

#endif
