/* SPDX-License-Identifier: Apache-2.0 */
#include "nodes.h"

#include "cache.h"
#include "engine.h"
#include "hpt.h"

void nodes_boot(void)
{
    pages_set_subtrees(engine_subtree_log());
}

/* The pages of a subtree that are DRAM. */
static struct page_range pages_of(uint32_t number)
{
    uint32_t count = 1u << (engine_subtree_log() - PAGE_SHIFT);
    return (struct page_range){number * count, count};
}

static struct page_range metadata_of(const struct subtree *subtree)
{
    return (struct page_range){subtree->metadata, engine_metadata_pages()};
}

static int32_t check_place(struct page_range metadata, uint32_t served)
{
    /* countermeasure: MON.NODE_PLACE */
    if (pages_overlap(metadata, pages_of(served)))
        return YZ_ERR_RANGE;
    for (uint32_t i = 0; i < metadata.count; i++) {
        if (pages_subtree(metadata.first + i)->metadata != 0)
            return YZ_ERR_RANGE;
    }
    /* Its lines would be other subtrees' metadata. */
    return page_subtrees[served].node_pages != 0 ? YZ_ERR_BUSY : SBI_SUCCESS;
}

/* The engine writes no metadata before protected memory of the subtree is used. */
static int32_t allocate(uint32_t number, uint32_t metadata)
{
    switch (engine_command(ENGINE_ALLOC, number, DRAM_PPN + metadata)) {
    case ENGINE_OK:
        return SBI_SUCCESS;
    case ENGINE_EXHAUSTED:
        return YZ_ERR_NO_SLOT;
    case ENGINE_LOCKED:
    case ENGINE_INTEGRITY:
    case ENGINE_NOT_READY:
    case ENGINE_SILENT:
        return YZ_ERR_INTEGRITY;
    default:
        return SBI_ERR_FAILED;
    }
}

int32_t nodes_extend(uint32_t pa, uint32_t size, uint32_t served_pa)
{
    if (!engine_present())
        return SBI_ERR_NOT_SUPPORTED;
    if (!hpt_ready())
        return YZ_ERR_STATE;
    struct page_range metadata, page;
    int32_t error = pages_range(pa, size, &metadata);
    if (error == SBI_SUCCESS)
        error = pages_range(served_pa, YZ_PAGE_BYTES, &page);
    if (error != SBI_SUCCESS)
        return error;
    uint32_t served = pages_subtree_number(page.first);
    struct subtree *subtree = &page_subtrees[served];
    /* The first subtree holds the monitor and with it the meta zone. */
    if (metadata.count != engine_metadata_pages() || served == 0)
        return YZ_ERR_RANGE;
    if (subtree->metadata != 0)
        return YZ_ERR_BUSY;
    error = check_place(metadata, served);
    if (error == SBI_SUCCESS)
        error = hpt_check_claim(metadata);
    if (error == SBI_SUCCESS)
        error = allocate(served, metadata.first);
    if (error != SBI_SUCCESS)
        return error;
    error = hpt_claim(metadata);
    if (error != SBI_SUCCESS) {
        engine_command(ENGINE_FREE, served, 0);
        return error;
    }
    /* The engine writes there now; what the host left in the cache must not follow. */
    /* countermeasure: MON.CACHE_NODES */
    cache_forget(page_address(metadata.first), size);
    subtree->metadata = metadata.first;
    pages_set_owner(metadata, YZ_OWNER_NODE, 0);
    return SBI_SUCCESS;
}

struct sbi_result nodes_info(uint32_t what)
{
    switch (what) {
    case YZ_MMT_PAGES:
        return sbi_value(engine_metadata_pages());
    case YZ_MMT_SUBTREE_LOG:
        return sbi_value(engine_subtree_log());
    default:
        return sbi_error(SBI_ERR_INVALID_PARAM);
    }
}

int32_t nodes_check(struct page_range range)
{
    if (!engine_present())
        return SBI_SUCCESS;
    uint32_t last = pages_subtree_number(range.first + range.count - 1);
    for (uint32_t number = pages_subtree_number(range.first); number <= last; number++) {
        /* countermeasure: MON.NODES_FIRST */
        if (page_subtrees[number].metadata == 0)
            return YZ_ERR_NO_NODES;
    }
    return SBI_SUCCESS;
}

static void give_back(struct subtree *subtree)
{
    struct page_range metadata = metadata_of(subtree);
    subtree->metadata = 0;
    pages_set_owner(metadata, YZ_OWNER_HOST, 0);
}

void nodes_release(struct page_range range)
{
    if (!engine_present() || range.count == 0)
        return;
    uint32_t last = pages_subtree_number(range.first + range.count - 1);
    for (uint32_t number = pages_subtree_number(range.first); number <= last; number++) {
        struct subtree *subtree = &page_subtrees[number];
        if (subtree->metadata == 0 || subtree->secure_pages != 0)
            continue;
        /* Whatever the engine answers, it has nothing to protect here any more. */
        /* countermeasure: MON.NODE_RETURN */
        engine_command(ENGINE_FREE, number, 0);
        give_back(subtree);
    }
}

/* Of a subtree's secure pages nothing of this life may reach the next one. */
static void forget_secure(struct page_range pages)
{
    for (uint32_t i = 0; i < pages.count && pages.first + i < page_total; i++) {
        uint32_t owner = record_owner(page_records[pages.first + i]);
        if (owner == YZ_OWNER_ENCLAVE || owner == YZ_OWNER_ENCLAVE_TABLE)
            cache_forget(page_protected(pages.first + i), YZ_PAGE_BYTES);
    }
}

bool nodes_renew(uint32_t number)
{
    struct subtree *subtree = &page_subtrees[number];
    struct page_range pages = pages_of(number);
    /* countermeasure: MON.CACHE_RENEW */
    forget_secure(pages);
    if (engine_command(ENGINE_FREE, number, 0) == ENGINE_OK &&
        engine_command(ENGINE_ALLOC, number, DRAM_PPN + subtree->metadata) == ENGINE_OK)
        return true;
    for (uint32_t i = 0; i < pages.count && pages.first + i < page_total; i++) {
        struct page_range page = {pages.first + i, 1};
        if (record_owner(page_records[page.first]) == YZ_OWNER_ENCLAVE_TABLE)
            pages_set_owner(page, YZ_OWNER_FREE, 0);
    }
    give_back(subtree);
    return false;
}
