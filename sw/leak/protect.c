/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of the last-level cache (docs/llc.md) and of the memory engine: what the monitor does in other programs. */
#include "leak.h"

#include <yz/llc_regs.h>
#include <yz/mmt_regs.h>
#include <yz/sysinfo_regs.h>

#define META_ZONE (YZ_DRAM_BASE + 0x00400000u)
#define METADATA (YZ_DRAM_BASE + 0x00500000u)
#define POLLS 1000000u
#define MMT_ALLOC 1u
#define DOMAIN 1u

enum { LOCK = 1, UNLOCK };
enum { SCOPE_LINE, SCOPE_PAGE, SCOPE_ALL };

static volatile llc_t *const cache = (volatile llc_t *)YZ_LLC_BASE;
static volatile mmt_t *const engine = (volatile mmt_t *)YZ_MMT_BASE;
static volatile sysinfo_t *const sysinfo = (volatile sysinfo_t *)YZ_SYSINFO_BASE;

#define FIELD(value, name) (((value) & name##_bm) >> name##_bp)

struct geometry cache_geometry(void)
{
    if (FIELD(sysinfo->features, SYSINFO__FEATURES__CACHE) == 0)
        return (struct geometry){0};
    uint32_t capabilities = cache->capabilities;
    return (struct geometry){
        .ways = FIELD(capabilities, LLC__CAPABILITIES__WAYS),
        .way_bytes = LINE << FIELD(capabilities, LLC__CAPABILITIES__SETS_LOG),
    };
}

static uint32_t operate(uint32_t code, uint32_t scope, uint32_t domain, uint32_t address)
{
    uint32_t state = LLC__ANSWER_T__STATE__BUSY_bm;
    cache->operation.address_lo = address;
    cache->operation.address_hi = 0;
    cache->operation.domain = domain;
    cache->operation.op = code | scope << LLC__OPERATION_T__OP__SCOPE_bp;
    for (uint32_t poll = 0; poll < POLLS && (state & LLC__ANSWER_T__STATE__BUSY_bm) != 0; poll++)
        state = cache->answer.state;
    return FIELD(state, LLC__ANSWER_T__STATE__RESULT);
}

uint32_t cache_lock_page(uint32_t address)
{
    cache->domain[DOMAIN].quota = TABLE_LINES;
    return operate(LOCK, SCOPE_PAGE, DOMAIN, address);
}

uint32_t cache_unlock_all(void)
{
    return operate(UNLOCK, SCOPE_ALL, DOMAIN, 0);
}

uint32_t protect(uint32_t subtree)
{
    if (FIELD(sysinfo->features, SYSINFO__FEATURES__MEMORY) == 0)
        return 0;
    engine->root_page_lo = META_ZONE >> 12;
    engine->root_page_hi = 0;
    engine->control = MMT__CONTROL__ENABLE_bm;
    while ((engine->status & MMT__STATUS__ACTIVE_bm) == 0)
        ;
    engine->command.page_lo = METADATA >> 12;
    engine->command.page_hi = 0;
    engine->command.subtree = subtree;
    engine->command.op = MMT_ALLOC;
    while ((engine->answer.state & MMT__ANSWER_T__STATE__BUSY_bm) != 0)
        ;
    return 1u << YZ_PROTECTION_BIT;
}
