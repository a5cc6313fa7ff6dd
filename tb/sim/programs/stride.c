/* SPDX-License-Identifier: Apache-2.0 */
/* Reports how long 64 dependent loads from 64 lines take, and how many lines DRAM delivered for them. */
#include "yz/memory_map.h"
#include "yz_bare.h"
#include "yz_llc.h"

#define LINES 64u

/* 17 lines apart, so that neighbours share neither a buffer entry nor a bank. */
static volatile uint32_t chain[LINES * 16u * 17u] __attribute__((aligned(64)));

static volatile uint32_t *counter(uint32_t offset) { return (volatile uint32_t *)(YZ_SYSINFO_BASE + offset); }

static uint32_t measure(uint32_t *fills) {
    uint32_t index = 0;
    if (llc_present()) {
        llc_operate(LLC_FLUSH, LLC_ALL, 0, 0);
    }
    uint32_t fills_before = *counter(0x28);
    uint32_t begun = (uint32_t)bare_cycles();
    for (uint32_t i = 0; i < LINES; i++) {
        index = chain[index];
    }
    uint32_t taken = (uint32_t)bare_cycles() - begun;
    *fills = *counter(0x28) - fills_before;
    return taken;
}

int main(void) {
    uint32_t fills = 0;
    for (uint32_t i = 0; i < LINES; i++) {
        chain[i * 16u * 17u] = (i + 1u) % LINES * 16u * 17u;
    }
    measure(&fills); /* brings the code into the instruction cache */
    bare_report("stride", "cycles", measure(&fills), "cycles");
    bare_report("stride", "fills", fills, "lines");
    return 0;
}
