/* SPDX-License-Identifier: Apache-2.0 */
/* Stores two lines a MiB behind its start and cleans the second. */
#include "yz/memory_map.h"
#include "yz_bare.h"
#include "yz_llc.h"

int main(void) {
    char *place = (char *)(YZ_DRAM_BASE + (1u << 20));
    memcpy(place, "in cache", 8);
    memcpy(place + 64, "in DRAM!", 8);
    return llc_operate(LLC_CLEAN, LLC_LINE, 0, (uint32_t)(uintptr_t)place + 64) != LLC_DONE;
}
