/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include "lib.h"
#include "riscv.h"

#define POOL_MAX 1024u

static uint32_t first_pa, pages, free_pages;
static uint8_t references[POOL_MAX];
static uint32_t next_look; /* where the next search begins: freed pages rest, so stale use shows */

void pool_init(uint32_t start, uint32_t end)
{
    first_pa = start;
    pages = (end - start) >> PAGE_SHIFT;
    if (pages > POOL_MAX)
        pages = POOL_MAX;
    free_pages = pages;
    next_look = 0;
    memset(references, 0, sizeof references);
}

static uint32_t index_of(uint32_t pa)
{
    uint32_t index = (pa - first_pa) >> PAGE_SHIFT;
    return pa >= first_pa && index < pages ? index : POOL_MAX;
}

uint32_t pool_take_run(uint32_t count)
{
    for (uint32_t looked = 0; count && count <= pages && looked < pages; looked++) {
        uint32_t start = next_look + looked < pages ? next_look + looked : next_look + looked - pages;
        uint32_t n = 0;
        while (n < count && start + n < pages && !references[start + n])
            n++;
        if (n < count)
            continue;
        for (n = 0; n < count; n++)
            references[start + n] = 1;
        free_pages -= count;
        next_look = start + count < pages ? start + count : 0;
        return first_pa + (start << PAGE_SHIFT);
    }
    return 0;
}

uint32_t pool_take(void)
{
    return pool_take_run(1);
}

void pool_share(uint32_t pa)
{
    uint32_t index = index_of(pa);
    if (index < POOL_MAX)
        references[index]++;
}

void pool_drop(uint32_t pa)
{
    uint32_t index = index_of(pa);
    if (index < POOL_MAX && references[index] && --references[index] == 0)
        free_pages++;
}

uint32_t pool_references(uint32_t pa)
{
    uint32_t index = index_of(pa);
    return index < POOL_MAX ? references[index] : 0;
}

uint32_t pool_free_pages(void)
{
    return free_pages;
}

void page_clear(uint32_t pa)
{
    memset((void *)(uintptr_t)pa, 0, PAGE);
}
