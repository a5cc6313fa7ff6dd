/* SPDX-License-Identifier: Apache-2.0 */
/* The areas of the host page tables, and taking pages away from the host. */
#include "guard.h"
#include "hal.h"
#include "hpt.h"
#include "pmp.h"
#include "pte.h"
#include "world.h"

/* SM_INIT makes one area that PT_AREA_SEPARATION splits in two; each HPT_EXTEND adds one. */
#define AREAS_MAX (PMP_HPT_SLOTS + 1u)

enum hpt_state hpt_state;
static struct page_range leaf_areas[AREAS_MAX];
static uint32_t leaf_areas_used;
static struct page_range first_area;
static uint32_t pmp_slots_used;
static uint32_t table_pages;

void hpt_boot(void)
{
    hpt_state = HPT_UNGUARDED;
    leaf_areas_used = 0;
    pmp_slots_used = 0;
    table_pages = 0;
}

/* Make a claimed range host page tables: closed to stores, then empty, then known. */
static int32_t add_tables(struct page_range range, enum yz_owner owner)
{
    uint32_t pa = page_address(range.first);
    uint32_t size = range.count << PAGE_SHIFT;
    pmp_close_hpt(pmp_slots_used, pa, size);
    if (!hal_zero(pa, size)) {
        pmp_open_hpt(pmp_slots_used);
        return SBI_ERR_FAILED;
    }
    pmp_slots_used++;
    pages_set_owner(range, owner, 0);
    table_pages += range.count;
    return SBI_SUCCESS;
}

static int32_t check_new_area(uint32_t pa, uint32_t size, uint32_t guard_areas, struct page_range *range)
{
    /* countermeasure: MON.NAPOT */
    if (!pmp_is_napot(pa, size))
        return YZ_ERR_ALIGN;
    int32_t error = pages_range(pa, size, range);
    if (error != SBI_SUCCESS)
        return error;
    if (range->count > PAGES_MAX_TABLES - table_pages)
        return YZ_ERR_RANGE;
    if (pmp_slots_used == PMP_HPT_SLOTS || !guard_has_room(guard_areas))
        return YZ_ERR_NO_SLOT;
    return SBI_SUCCESS;
}

int32_t hpt_init(struct frame *frame, uint32_t pa, uint32_t size)
{
    /* countermeasure: MON.INIT_ONCE */
    if (hpt_state != HPT_UNGUARDED)
        return YZ_ERR_STATE;
    /* countermeasure: MON.INIT_BARE */
    if ((hal_csr_read(CSR_SATP) & SATP_SV32) != 0)
        return YZ_ERR_STATE;
    struct page_range range;
    int32_t error = check_new_area(pa, size, 2, &range);
    if (error != SBI_SUCCESS)
        return error;
    if (range.count < 2)
        return YZ_ERR_RANGE;
    error = hpt_claim(range);
    if (error != SBI_SUCCESS)
        return error;
    error = add_tables(range, YZ_OWNER_HPT_LEAF);
    if (error != SBI_SUCCESS)
        return error;
    first_area = range;
    hpt_state = HPT_ONE_AREA;
    world_guard_paging(frame);
    guard_enable();
    return SBI_SUCCESS;
}

int32_t hpt_separate(uint32_t root_order, uint32_t leaf_order)
{
    if (hpt_state != HPT_ONE_AREA)
        return YZ_ERR_STATE;
    if (leaf_order != 0)
        return SBI_ERR_INVALID_PARAM;
    if (root_order > 31 || 1u << root_order >= first_area.count)
        return YZ_ERR_RANGE;
    struct page_range roots = {first_area.first, 1u << root_order};
    struct page_range leaves = {first_area.first + roots.count, first_area.count - roots.count};
    pages_set_owner(roots, YZ_OWNER_HPT_ROOT, 0);
    leaf_areas[leaf_areas_used++] = leaves;
    guard_add_area(GUARD_HPT, GUARD_LEVEL_ROOT, DRAM_PPN + roots.first, roots.count);
    guard_add_area(GUARD_HPT, GUARD_LEVEL_LEAF, DRAM_PPN + leaves.first, leaves.count);
    hpt_state = HPT_SEPARATED;
    return SBI_SUCCESS;
}

int32_t hpt_extend(uint32_t pa, uint32_t size, uint32_t level)
{
    if (hpt_state != HPT_SEPARATED)
        return YZ_ERR_STATE;
    if (level > 1)
        return SBI_ERR_INVALID_PARAM;
    struct page_range range;
    int32_t error = check_new_area(pa, size, 1, &range);
    if (error == SBI_SUCCESS)
        error = hpt_claim(range);
    if (error == SBI_SUCCESS)
        error = add_tables(range, level == 1 ? YZ_OWNER_HPT_ROOT : YZ_OWNER_HPT_LEAF);
    if (error != SBI_SUCCESS)
        return error;
    if (level == 0)
        leaf_areas[leaf_areas_used++] = range;
    guard_add_area(GUARD_HPT, level == 1 ? GUARD_LEVEL_ROOT : GUARD_LEVEL_LEAF, DRAM_PPN + range.first, range.count);
    return SBI_SUCCESS;
}

int32_t hpt_check_claim(struct page_range range)
{
    /* countermeasure: MON.OWNER */
    int32_t error = pages_check_owner(range, YZ_OWNER_HOST);
    if (error != SBI_SUCCESS)
        return error;
    /* countermeasure: MON.SUPERPAGE_FIRST */
    return pages_under_superpage(range) ? YZ_ERR_MAPPED : SBI_SUCCESS;
}

/* Clear the entries of one leaf table that point into `range`, until `left` is 0. */
static bool unmap_table(uint32_t table_pa, struct page_range range, uint32_t *left)
{
    for (uint32_t pa = table_pa; pa != table_pa + YZ_PAGE_BYTES && *left != 0; pa += PTE_BYTES) {
        uint32_t pte;
        if (!hal_load32(pa, &pte))
            return false;
        uint32_t index = pte_ppn(pte) - DRAM_PPN;
        if ((pte & PTE_V) == 0 || index - range.first >= range.count)
            continue;
        if (!hal_store32(pa, 0))
            return false;
        page_records[index] -= RECORD_ONE_MAPPING;
        (*left)--;
    }
    return true;
}

int32_t hpt_claim(struct page_range range)
{
    int32_t error = hpt_check_claim(range);
    if (error != SBI_SUCCESS)
        return error;
    /* countermeasure: MON.UNMAP */
    uint32_t left = pages_mappings(range);
    for (uint32_t area = 0; area < leaf_areas_used && left != 0; area++) {
        for (uint32_t i = 0; i < leaf_areas[area].count && left != 0; i++) {
            if (!unmap_table(page_address(leaf_areas[area].first + i), range, &left))
                return SBI_ERR_FAILED;
        }
    }
    /* countermeasure: MON.TLB_CONVERT */
    hal_tlb_flush();
    return SBI_SUCCESS;
}
