/* SPDX-License-Identifier: Apache-2.0 */
#include "yz_llc.h"

#include <yz/llc_regs.h>
#include <yz/memory_map.h>
#include <yz/sysinfo_regs.h>

#define LINE_LOG 6u
#define FIELD(value, name) (((value) & name##_bm) >> name##_bp)

static volatile llc_t *const cache = (volatile llc_t *)YZ_LLC_BASE;

bool llc_present(void)
{
    return FIELD(((volatile sysinfo_t *)YZ_SYSINFO_BASE)->features, SYSINFO__FEATURES__CACHE) == 1;
}

enum llc_result llc_operate(enum llc_op op, enum llc_scope scope, uint32_t domain, uint32_t address)
{
    cache->operation.domain = domain;
    cache->operation.address_lo = address;
    cache->operation.address_hi = 0;
    cache->operation.op = op | (uint32_t)scope << LLC__OPERATION_T__OP__SCOPE_bp;
    uint32_t state;
    do {
        state = cache->answer.state;
    } while ((state & LLC__ANSWER_T__STATE__BUSY_bm) != 0);
    return FIELD(state, LLC__ANSWER_T__STATE__RESULT);
}

bool llc_answer_present(void)
{
    return (cache->answer.state & LLC__ANSWER_T__STATE__PRESENT_bm) != 0;
}

uint32_t llc_answer_owner(void)
{
    return FIELD(cache->answer.state, LLC__ANSWER_T__STATE__OWNER);
}

void llc_set_quota(uint32_t domain, uint32_t lines)
{
    cache->domain[domain].quota = lines;
}

uint32_t llc_locked_lines(uint32_t domain)
{
    return cache->domain[domain].locked;
}

uint32_t llc_way_bytes(void)
{
    return 1u << (FIELD(cache->capabilities, LLC__CAPABILITIES__SETS_LOG) + LINE_LOG);
}

uint32_t llc_ways(void)
{
    return FIELD(cache->capabilities, LLC__CAPABILITIES__WAYS);
}
