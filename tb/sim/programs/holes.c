/* SPDX-License-Identifier: Apache-2.0 */
/* Touches addresses where nothing is; every access must trap, and the machine must go on. Exit code: accesses that did not. */
#include "yz/memory_map.h"
#include "yz_bare.h"

static volatile uint32_t trapped;
static volatile uint32_t address;

__attribute__((interrupt("machine"), aligned(4))) static void on_trap(void) {
    uint32_t cause, value, pc;
    __asm__ volatile("csrr %0, mcause; csrr %1, mtval; csrr %2, mepc" : "=r"(cause), "=r"(value), "=r"(pc));
    if ((cause == 5u || cause == 7u) && value == address) {
        trapped++;
    }
    __asm__ volatile("csrw mepc, %0" ::"r"(pc + 4u));
}

int main(void) {
    static const uint32_t holes[] = {0x0,        0x1000,     0x7FFFFFFC,          0x90000000,          0xBFFFFFFC,
                                     0xD0000000, 0xDFFFFFFC, YZ_MMIO_BASE + 0x6000, YZ_MMIO_BASE + 0x8000, 0xFFFFFFFC};
    int missed = 0;
    __asm__ volatile("csrw mtvec, %0" ::"r"(on_trap));
    for (unsigned i = 0; i < sizeof holes / sizeof *holes; i++) {
        volatile uint32_t *p = (volatile uint32_t *)holes[i];
        address = holes[i];
        trapped = 0;
        (void)*p;
        *p = 1;
        missed += trapped != 2u;
    }
    return missed;
}
