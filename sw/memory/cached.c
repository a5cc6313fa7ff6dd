/* SPDX-License-Identifier: Apache-2.0 */
/* Getting data out of what stands between the hart and the memory engine, so that the next access asks the engine. */
#include <yz_llc.h>

#include "memory.h"

#define LINE_BUFFER_BYTES 1024u /* direct mapped (SocConfig.data_lines); in a machine without the cache */
#define PAGES (1u << (SUBTREE_LOG - 12))
#define SUBTREES 64u

/* Pages of protected memory that may be in the cache, a bit each, for the subtrees from FIRST on. */
static uint32_t touched[SUBTREES][PAGES / 32];

static bool has_cache(void)
{
    static enum { UNKNOWN, NONE, CACHE } found;
    if (found == UNKNOWN)
        found = llc_present() ? CACHE : NONE;
    return found == CACHE;
}

void touch(uint32_t address)
{
    uint32_t offset = address - protected(data(FIRST, 0)), page = offset >> 12 & (PAGES - 1);
    if (offset >> SUBTREE_LOG < SUBTREES)
        touched[offset >> SUBTREE_LOG][page / 32] |= 1u << page % 32;
}

static bool operate_pages(enum llc_op op, uint32_t subtree)
{
    bool good = true;
    for (uint32_t word = 0; has_cache() && word < PAGES / 32; word++) {
        uint32_t bits = touched[subtree - FIRST][word];
        touched[subtree - FIRST][word] = 0;
        for (uint32_t page = 32 * word; bits != 0; page++, bits >>= 1) {
            if ((bits & 1) != 0)
                good = llc_operate(op, LLC_PAGE, 0, protected(data(subtree, page * 64))) == LLC_DONE && good;
        }
    }
    return good;
}

bool flush_subtree(uint32_t subtree)
{
    return operate_pages(LLC_FLUSH, subtree);
}

void discard_subtree(uint32_t subtree)
{
    operate_pages(LLC_DISCARD, subtree);
}

void put_out(uint32_t address)
{
    static _Alignas(LINE_BUFFER_BYTES) volatile uint32_t other[LINE_BUFFER_BYTES / 4];
    touch(address);
    if (has_cache())
        llc_operate(LLC_FLUSH, LLC_LINE, 0, address & ~(LINE - 1));
    else
        (void)other[address % LINE_BUFFER_BYTES / 4];
}

bool clean(uint32_t address)
{
    touch(address);
    if (has_cache() && llc_operate(LLC_CLEAN, LLC_LINE, 0, address & ~(LINE - 1)) != LLC_DONE) {
        llc_operate(LLC_DISCARD, LLC_LINE, 0, address & ~(LINE - 1));
        return false;
    }
    (void)sysinfo->id; /* a device access waits until memory has answered what was posted */
    return true;
}

void clean_page(uint32_t address)
{
    if (has_cache())
        llc_operate(LLC_CLEAN, LLC_PAGE, 0, address);
}
