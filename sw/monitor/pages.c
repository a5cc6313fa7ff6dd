/* SPDX-License-Identifier: Apache-2.0 */
#include "pages.h"

#include "guard.h"

#ifdef YZ_NATIVE
uint32_t page_records[PAGES_MAX];
#else
__attribute__((section(".records"))) uint32_t page_records[PAGES_MAX];
#endif
struct chunk page_chunks[CHUNKS_MAX];
struct subtree page_subtrees[SUBTREES_MAX];
uint32_t page_total;

static bool is_foreign(uint32_t owner)
{
    return owner != YZ_OWNER_HOST && owner != YZ_OWNER_SHARED;
}

static uint32_t subtree_shift; /* from a page's index to its subtree */

static bool is_secure(uint32_t owner)
{
    return owner == YZ_OWNER_ENCLAVE || owner == YZ_OWNER_ENCLAVE_TABLE;
}

void pages_set_subtrees(uint32_t log)
{
    subtree_shift = log >= SUBTREE_LOG_MIN ? log - PAGE_SHIFT : 31;
    for (uint32_t number = 0; number < SUBTREES_MAX; number++)
        page_subtrees[number] = (struct subtree){0, 0, 0};
}

uint32_t pages_subtree_number(uint32_t index)
{
    return index >> subtree_shift;
}

void pages_init(uint32_t total)
{
    page_total = total < PAGES_MAX ? total : PAGES_MAX;
    uint32_t monitor_pages = YZ_MONITOR_BYTES >> PAGE_SHIFT;
    uint32_t index = 0;
    for (; index < monitor_pages; index++)
        page_records[index] = YZ_OWNER_MONITOR;
    for (; index + 8 <= page_total; index += 8) {
        uint32_t *record = &page_records[index];
        record[0] = record[1] = record[2] = record[3] = YZ_OWNER_HOST;
        record[4] = record[5] = record[6] = record[7] = YZ_OWNER_HOST;
    }
    for (; index < page_total; index++)
        page_records[index] = YZ_OWNER_HOST;
    for (uint32_t chunk = 0; chunk < CHUNKS_MAX; chunk++) {
        uint32_t first = chunk * CHUNK_PAGES;
        uint32_t present = page_total > first ? page_total - first : 0;
        page_chunks[chunk].foreign = present >= CHUNK_PAGES ? 0 : CHUNK_PAGES - present;
        page_chunks[chunk].supers = 0;
    }
    page_chunks[0].foreign += monitor_pages;
    guard_close_pages(0, monitor_pages, true);
}

int32_t pages_range(uint32_t pa, uint32_t size, struct page_range *range)
{
    if (((pa | size) & (YZ_PAGE_BYTES - 1)) != 0)
        return YZ_ERR_ALIGN;
    uint32_t first = (pa - YZ_DRAM_BASE) >> PAGE_SHIFT;
    uint32_t count = size >> PAGE_SHIFT;
    if (pa < YZ_DRAM_BASE || count == 0 || first >= page_total || count > page_total - first)
        return YZ_ERR_RANGE;
    range->first = first;
    range->count = count;
    return SBI_SUCCESS;
}

int32_t pages_check_owner(struct page_range range, enum yz_owner owner)
{
    for (uint32_t i = 0; i < range.count; i++) {
        if (record_owner(page_records[range.first + i]) != (uint32_t)owner)
            return YZ_ERR_OWNER;
    }
    return SBI_SUCCESS;
}

int32_t pages_check_host_buffer(uint32_t pa, uint32_t bytes)
{
    /* countermeasure: MON.BUFFER */
    uint32_t offset = pa - YZ_DRAM_BASE;
    uint32_t dram_bytes = page_total << PAGE_SHIFT;
    if (pa < YZ_DRAM_BASE || bytes == 0 || offset >= dram_bytes || bytes > dram_bytes - offset)
        return YZ_ERR_RANGE;
    uint32_t last = (offset + bytes - 1) >> PAGE_SHIFT;
    for (uint32_t index = offset >> PAGE_SHIFT; index <= last; index++) {
        if (is_foreign(record_owner(page_records[index])))
            return YZ_ERR_OWNER;
    }
    return SBI_SUCCESS;
}

uint32_t pages_mappings(struct page_range range)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < range.count; i++)
        sum += record_mappings(page_records[range.first + i]);
    return sum;
}

bool pages_under_superpage(struct page_range range)
{
    uint32_t last = (range.first + range.count - 1) / CHUNK_PAGES;
    for (uint32_t chunk = range.first / CHUNK_PAGES; chunk <= last; chunk++) {
        if (page_chunks[chunk].supers != 0)
            return true;
    }
    return false;
}

bool pages_overlap(struct page_range a, struct page_range b)
{
    return a.first < b.first + b.count && b.first < a.first + a.count;
}

void pages_set_owner(struct page_range range, enum yz_owner owner, uint32_t tag)
{
    for (uint32_t index = range.first; index < range.first + range.count; index++) {
        uint32_t record = page_records[index];
        struct chunk *chunk = &page_chunks[index / CHUNK_PAGES];
        struct subtree *subtree = pages_subtree(index);
        uint32_t old = record_owner(record);
        chunk->foreign += (uint32_t)is_foreign((uint32_t)owner) - (uint32_t)is_foreign(old);
        subtree->secure_pages += (uint32_t)is_secure((uint32_t)owner) - (uint32_t)is_secure(old);
        subtree->node_pages += (uint32_t)(owner == YZ_OWNER_NODE) - (uint32_t)(old == YZ_OWNER_NODE);
        page_records[index] = (record & ~(RECORD_ONE_MAPPING - 1)) | tag << RECORD_TAG_SHIFT | (uint32_t)owner;
    }
    /* The host may read its tables. */
    bool tables = owner == YZ_OWNER_HPT_ROOT || owner == YZ_OWNER_HPT_LEAF;
    guard_close_pages(range.first, range.count, is_foreign((uint32_t)owner) && !tables);
}
