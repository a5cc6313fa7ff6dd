/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HAL on the machine: one instruction each.
 *
 * A memory instruction that may fault is entered in the table .fixup as (its address, where to go on). The trap handler
 * of machine mode looks there (entry.S), so the good path pays nothing for being able to fail.
 *
 * The compiler keeps these instructions in order among themselves, and may keep the monitor's own variables in
 * registers across them: no address given to the HAL lies in the monitor's region.
 */
#ifndef YZ_MONITOR_HAL_TARGET_H
#define YZ_MONITOR_HAL_TARGET_H

#include "devices.h"

#define HAL_FIXUP ".pushsection .fixup, \"a\", @progbits\n.word 1b, %l[fault]\n.popsection\n"

#define HAL_LOAD(name, type, instruction)                                                                    \
    static inline bool name(uint32_t pa, type *value)                                                        \
    {                                                                                                        \
        type loaded;                                                                                         \
        __asm__ goto("1: " instruction " %0, 0(%1)\n" HAL_FIXUP : "=r"(loaded) : "r"(pa) : : fault); \
        *value = loaded;                                                                                     \
        return true;                                                                                         \
    fault:                                                                                                   \
        return false;                                                                                        \
    }

#define HAL_STORE(name, type, instruction)                                                                      \
    static inline bool name(uint32_t pa, type value)                                                            \
    {                                                                                                           \
        __asm__ goto("1: " instruction " %z0, 0(%1)\n" HAL_FIXUP : : "rJ"(value), "r"(pa) : : fault); \
        return true;                                                                                            \
    fault:                                                                                                      \
        return false;                                                                                           \
    }

HAL_LOAD(hal_load8, uint8_t, "lbu")
HAL_LOAD(hal_load32, uint32_t, "lw")
HAL_STORE(hal_store8, uint8_t, "sb")
HAL_STORE(hal_store32, uint32_t, "sw")

static inline uint32_t hal_device_read(uint32_t address)
{
    return *(volatile uint32_t *)address;
}

static inline void hal_device_write(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

/* `csr` is a constant expression. */
#define hal_csr_read(csr)                                                        \
    ({                                                                           \
        uint32_t csr_value;                                                      \
        __asm__ volatile("csrr %0, %1" : "=r"(csr_value) : "i"(csr) : "memory"); \
        csr_value;                                                               \
    })

#define hal_csr_write(csr, value) __asm__ volatile("csrw %0, %z1" : : "i"(csr), "rJ"((uint32_t)(value)) : "memory")

static inline void hal_tlb_flush(void)
{
    __asm__ volatile("sfence.vma" : : : "memory");
}

static inline void hal_instruction_fence(void)
{
    __asm__ volatile("fence.i" : : : "memory");
}

/* Ends the run with `code` (0 is success); on a machine without the simulation device the hart sleeps. */
__attribute__((noreturn)) static inline void hal_stop(uint32_t code)
{
    hal_device_write(SIM_EXIT, code);
    for (;;)
        __asm__ volatile("wfi");
}

#endif
