/* SPDX-License-Identifier: Apache-2.0 */
/* The memory engine, as the monitor starts it. */
#include "leak.h"

#include <yz/mmt_regs.h>
#include <yz/sysinfo_regs.h>

#define META_ZONE (YZ_DRAM_BASE + 0x00400000u)
#define METADATA (YZ_DRAM_BASE + 0x00500000u)
#define ALLOC 1u

static volatile mmt_t *const engine = (volatile mmt_t *)YZ_MMT_BASE;
static volatile sysinfo_t *const sysinfo = (volatile sysinfo_t *)YZ_SYSINFO_BASE;

uint32_t protect(uint32_t subtree)
{
    if ((sysinfo->features & SYSINFO__FEATURES__MEMORY_bm) == 0)
        return 0;
    engine->root_page_lo = META_ZONE >> 12;
    engine->root_page_hi = 0;
    engine->control = MMT__CONTROL__ENABLE_bm;
    while ((engine->status & MMT__STATUS__ACTIVE_bm) == 0)
        ;
    engine->command.page_lo = METADATA >> 12;
    engine->command.page_hi = 0;
    engine->command.subtree = subtree;
    engine->command.op = ALLOC;
    while ((engine->answer.state & MMT__ANSWER_T__STATE__BUSY_bm) != 0)
        ;
    return 1u << YZ_PROTECTION_BIT;
}
