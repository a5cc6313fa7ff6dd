/* SPDX-License-Identifier: Apache-2.0 */
/* Building an enclave from checked parameters, and taking it apart. */
#include "cache.h"
#include "enclave.h"
#include "hal.h"
#include "hpt.h"
#include "integrity.h"
#include "nodes.h"
#include "pte.h"
#include "table_pool.h"

#define LEAF_FLAGS (PTE_V | PTE_U | PTE_A | PTE_D)

/* Where the next donated page goes: pages are used in order. */
struct layout {
    uint32_t tag;
    uint32_t root;
    uint32_t next; /* index of the next donated page */
};

/* Map `count` pages from `page_pa` on at `va`. */
static int32_t map_run(const struct layout *layout, uint32_t va, uint32_t page_pa, uint32_t count, uint32_t rwx)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pte = (page_pa >> PAGE_SHIFT) + i;
        int32_t error = table_pool_map(layout->tag, layout->root, va + (i << PAGE_SHIFT),
                                       pte << PTE_PPN_SHIFT | rwx | LEAF_FLAGS);
        if (error != SBI_SUCCESS)
            return error;
    }
    return SBI_SUCCESS;
}

static int32_t map_private(struct layout *layout, uint32_t va, uint32_t count, uint32_t rwx)
{
    /* countermeasure: MON.PROTECTED_WINDOW */
    int32_t error = map_run(layout, va, page_protected(layout->next), count, rwx);
    layout->next += count;
    return error;
}

/* All tables of the enclave. Touches the pool only. */
static int32_t build_tables(struct enclave *enclave, const struct yz_enclave_params *params,
                            const struct elf_image *image)
{
    struct layout layout = {enclave_tag(enclave), 0, enclave->memory.first};
    if (!table_pool_take(layout.tag, &layout.root))
        return YZ_ERR_NO_MEMORY;
    enclave->root = layout.root;
    int32_t error = SBI_SUCCESS;
    for (uint32_t i = 0; error == SBI_SUCCESS && i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        uint32_t first = elf_first_page(segment);
        error = map_private(&layout, first << PAGE_SHIFT, elf_end_page(segment) - first, segment->rwx);
    }
    uint32_t stack_pages = params->stack_size >> PAGE_SHIFT;
    uint32_t heap_pages = enclave->memory.count - image->pages - stack_pages;
    if (error == SBI_SUCCESS)
        error = map_private(&layout, YZ_ENCLAVE_STACK_TOP - params->stack_size, stack_pages, PTE_R | PTE_W);
    if (error == SBI_SUCCESS)
        error = map_private(&layout, image->end_va, heap_pages, PTE_R | PTE_W);
    if (error == SBI_SUCCESS)
        error = map_run(&layout, YZ_ENCLAVE_SHM_VA, page_address(enclave->shared.first), enclave->shared.count,
                        PTE_R | PTE_W);

    for (uint32_t i = 0; i < 32; i++)
        enclave->x[i] = 0;
    enclave->x[0] = image->entry;
    enclave->x[REG_SP] = YZ_ENCLAVE_STACK_TOP;
    enclave->x[REG_A0] = YZ_ENCLAVE_SHM_VA;
    enclave->x[REG_A1] = params->shm_size;
    enclave->x[REG_A2] = image->end_va;
    enclave->x[REG_A3] = heap_pages << PAGE_SHIFT;
    return error;
}

/*
 * Zero the donated pages and copy the segments in, all through the protected window. All of it has arrived after, in the
 * cache or in memory; of what the host had there nothing is left.
 */
static bool fill_memory(const struct enclave *enclave, const struct elf_image *image)
{
    /* countermeasure: MON.CACHE_CLAIM */
    cache_forget(page_address(enclave->memory.first), enclave->memory.count << PAGE_SHIFT);
    /* countermeasure: MON.ZERO_FIRST */
    if (!hal_zero(page_protected(enclave->memory.first), enclave->memory.count << PAGE_SHIFT))
        return false;
    uint32_t page = enclave->memory.first;
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct elf_segment *segment = &image->segments[i];
        uint32_t to = page_protected(page) + (segment->va & (YZ_PAGE_BYTES - 1));
        if (!hal_copy(to, segment->source_pa, segment->file_size))
            return false;
        page += elf_end_page(segment) - elf_first_page(segment);
    }
    /* countermeasure: MON.SETTLE */
    return hal_settle();
}

/*
 * Back to the host, zeroed as the host sees it: through the raw window, and in memory, so that nothing older ever comes
 * back. That also ends what the protected window showed. A page that cannot be zeroed is never used again (FREE).
 */
static void give_back(struct page_range memory)
{
    for (uint32_t i = 0; i < memory.count; i++) {
        struct page_range page = {memory.first + i, 1};
        /* countermeasure: MON.CACHE_RETURN */
        cache_forget(page_protected(page.first), YZ_PAGE_BYTES);
        /* countermeasure: MON.SCRUB */
        bool zeroed = hal_zero(page_address(page.first), YZ_PAGE_BYTES) && hal_settle() &&
                      cache_clean(page_address(page.first), YZ_PAGE_BYTES);
        pages_set_owner(page, zeroed ? YZ_OWNER_HOST : YZ_OWNER_FREE, 0);
    }
    nodes_release(memory);
}

/* One more (or one less) enclave holds the pages of the buffer. With none left they are plain host pages. */
static void share(struct page_range shared, bool attach)
{
    for (uint32_t i = 0; i < shared.count; i++) {
        struct page_range page = {shared.first + i, 1};
        uint32_t users = record_tag(page_records[page.first]) + (attach ? 1u : 0u - 1u);
        /* countermeasure: MON.SHARED_COUNT */
        pages_set_owner(page, users != 0 ? YZ_OWNER_SHARED : YZ_OWNER_HOST, users);
    }
}

int32_t enclave_build(struct enclave *enclave, const struct yz_enclave_params *params, const struct elf_image *image)
{
    uint32_t tag = enclave_tag(enclave);
    pages_range(params->mem_pa, params->mem_size, &enclave->memory);
    enclave->shared = (struct page_range){0, 0};
    if (params->shm_size != 0)
        pages_range(params->shm_pa, params->shm_size, &enclave->shared);

    /* Tables first: running out of them is the failure to expect, and it leaves the donated pages as they were. */
    int32_t error = build_tables(enclave, params, image);
    if (error == SBI_SUCCESS)
        error = hpt_claim(enclave->memory);
    bool claimed = error == SBI_SUCCESS;
    if (claimed) {
        pages_set_owner(enclave->memory, YZ_OWNER_ENCLAVE, tag);
        if (!fill_memory(enclave, image))
            error = SBI_ERR_FAILED;
    }
    if (error == SBI_ERR_FAILED)
        error = integrity_error();
    if (error != SBI_SUCCESS) {
        if (claimed)
            give_back(enclave->memory);
        /* countermeasure: MON.ROLLBACK */
        table_pool_release(tag);
        return error;
    }
    share(enclave->shared, true);
    hal_instruction_fence();
    enclave->state = ENCLAVE_FRESH;
    return SBI_SUCCESS;
}

static void release(struct enclave *enclave)
{
    give_back(enclave->memory);
    table_pool_release(enclave_tag(enclave));
    share(enclave->shared, false);
    hal_instruction_fence();
}

void enclave_lose(struct enclave *enclave)
{
    release(enclave);
    enclave->state = ENCLAVE_LOST;
}

void enclave_release(struct enclave *enclave)
{
    if (enclave_has_memory(enclave))
        release(enclave);
    enclave->state = ENCLAVE_FREE;
    enclave->generation++;
}
