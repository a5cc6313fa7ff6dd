/* SPDX-License-Identifier: Apache-2.0 */
#include "yz_bare.h"

#include <yz/abi.h>
#include <yz/memory_map.h>
#include <yz/sim_device.h>
#include <yz/uart_regs.h>

void putchar_raw(char c)
{
    volatile uart_t *uart = (volatile uart_t *)YZ_UART_BASE;
    while (!(uart->status & UART__STATUS__TX_READY_bm))
        ;
    uart->tx = (uint8_t)c;
}

void puts_raw(const char *text)
{
    while (*text)
        putchar_raw(*text++);
}

static void put(void *context, char c)
{
    (void)context;
    putchar_raw(c);
}

int printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int count = yz_vformat(put, NULL, format, arguments);
    va_end(arguments);
    return count;
}

void exit(int code)
{
    yz_sim_exit(YZ_SIM_BASE, (uint32_t)code);
}

#define COUNTER(name)                                                                \
    ({                                                                               \
        uint32_t high, low, again;                                                   \
        do {                                                                         \
            __asm__ volatile("csrr %0, " #name "h" : "=r"(high));                    \
            __asm__ volatile("csrr %0, " #name : "=r"(low));                         \
            __asm__ volatile("csrr %0, " #name "h" : "=r"(again));                   \
        } while (high != again); /* the low half wrapped between the two reads */    \
        (uint64_t)high << 32 | low;                                                  \
    })

uint64_t bare_cycles(void)
{
    return COUNTER(mcycle);
}

uint64_t bare_instructions(void)
{
    return COUNTER(minstret);
}

void bare_report(const char *bench, const char *metric, uint32_t value, const char *unit)
{
    yz_sim_event(YZ_SIM_BASE, YZ_EVENT_BENCH, (uint32_t)(uintptr_t)bench, (uint32_t)(uintptr_t)metric, value,
                 (uint32_t)(uintptr_t)unit);
}

_Noreturn void bare_trap(uint32_t cause, uint32_t pc, uint32_t value)
{
    printf("trap: cause %u at pc 0x%08x, value 0x%08x\n", (unsigned)cause, (unsigned)pc, (unsigned)value);
    exit(BARE_EXIT_TRAP);
}
