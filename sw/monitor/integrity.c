/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity.h"

#include "cache.h"
#include "enclave.h"
#include "hal.h"
#include "nodes.h"
#include "pages.h"
#include "table_pool.h"

#define ROUNDS 4u

bool integrity_broken(void)
{
    return engine_present() && engine_has_failed();
}

static bool in_subtree(struct page_range range, uint32_t number)
{
    return pages_subtree_number(range.first) <= number &&
           number <= pages_subtree_number(range.first + range.count - 1);
}

static bool touches(const struct enclave *enclave, uint32_t number)
{
    return enclave_has_memory(enclave) &&
           (in_subtree(enclave->memory, number) || table_pool_uses(enclave_tag(enclave), number));
}

struct engine_failure integrity_recover(void)
{
    struct engine_failure failure = {0, 0};
    cache_settle();
    /* Once more when something is found meanwhile; who keeps tampering is answered by the next interrupt. */
    for (uint32_t round = 0; round < ROUNDS && integrity_broken(); round++) {
        struct engine_failure found = engine_take_failure();
        if (failure.kind == 0)
            failure = found;
        uint32_t lost = 0;
        for (uint32_t number = 0; number < SUBTREES_MAX; number++) {
            if (page_subtrees[number].metadata == 0 || !engine_locked(number))
                continue;
            /* Before the subtree begins anew: it may end tables, and with them what they say. */
            for (uint32_t slot = 0; slot < YZ_MAX_ENCLAVES; slot++)
                lost |= (uint32_t)touches(&enclaves[slot], number) << slot;
            nodes_renew(number);
        }
        for (uint32_t slot = 0; slot < YZ_MAX_ENCLAVES; slot++) {
            /* countermeasure: MON.INTEGRITY */
            if ((lost >> slot & 1) != 0)
                enclave_lose(&enclaves[slot]);
        }
    }
    return failure;
}

int32_t integrity_error(void)
{
    hal_settle(); /* stores refused so far are part of it; those that follow are judged anew */
    return integrity_recover().kind != 0 ? YZ_ERR_INTEGRITY : SBI_ERR_FAILED;
}
