/* SPDX-License-Identifier: Apache-2.0 */
#include "table_pool.h"

#include "cache.h"
#include "guard.h"
#include "hal.h"
#include "hpt.h"
#include "integrity.h"
#include "nodes.h"
#include "pmp.h"
#include "pte.h"

static struct page_range areas[PMP_TABLES_SLOTS];
static uint32_t areas_used;

void table_pool_boot(void)
{
    areas_used = 0;
}

int32_t table_pool_extend(uint32_t pa, uint32_t size)
{
    if (!hpt_ready())
        return YZ_ERR_STATE;
    struct page_range range;
    if (!pmp_is_napot(pa, size))
        return YZ_ERR_ALIGN;
    int32_t error = pages_range(pa, size, &range);
    if (error != SBI_SUCCESS)
        return error;
    if (areas_used == PMP_TABLES_SLOTS || !guard_has_room(1))
        return YZ_ERR_NO_SLOT;
    error = hpt_check_claim(range);
    if (error == SBI_SUCCESS)
        error = nodes_check(range);
    if (error == SBI_SUCCESS)
        error = hpt_claim(range);
    if (error != SBI_SUCCESS)
        return error;
    pmp_close_tables(areas_used, pa, size);
    cache_forget(pa, size);
    if (!hal_zero(page_protected(range.first), size) || !hal_settle()) {
        cache_forget(page_protected(range.first), size);
        pmp_open_tables(areas_used);
        return integrity_error();
    }
    pages_set_owner(range, YZ_OWNER_ENCLAVE_TABLE, 0);
    guard_add_area(GUARD_ENCLAVE, GUARD_LEVEL_ANY, page_protected(range.first) >> PAGE_SHIFT, range.count);
    areas[areas_used++] = range;
    return SBI_SUCCESS;
}

bool table_pool_take(uint32_t tag, uint32_t *index)
{
    for (uint32_t area = 0; area < areas_used; area++) {
        for (uint32_t i = 0; i < areas[area].count; i++) {
            uint32_t page = areas[area].first + i;
            if (page_records[page] == YZ_OWNER_ENCLAVE_TABLE) {
                pages_set_owner((struct page_range){page, 1}, YZ_OWNER_ENCLAVE_TABLE, tag);
                *index = page;
                return true;
            }
        }
    }
    return false;
}

bool table_pool_uses(uint32_t tag, uint32_t number)
{
    for (uint32_t area = 0; area < areas_used; area++) {
        for (uint32_t i = 0; i < areas[area].count; i++) {
            uint32_t page = areas[area].first + i, record = page_records[page];
            if (record_owner(record) == YZ_OWNER_ENCLAVE_TABLE && record_tag(record) == tag &&
                pages_subtree_number(page) == number)
                return true;
        }
    }
    return false;
}

void table_pool_release(uint32_t tag)
{
    for (uint32_t area = 0; area < areas_used; area++) {
        for (uint32_t i = 0; i < areas[area].count; i++) {
            struct page_range page = {areas[area].first + i, 1};
            uint32_t record = page_records[page.first];
            if (record_owner(record) != YZ_OWNER_ENCLAVE_TABLE || record_tag(record) != tag)
                continue;
            bool zeroed = hal_zero(page_protected(page.first), YZ_PAGE_BYTES) && hal_settle();
            if (!zeroed)
                cache_forget(page_protected(page.first), YZ_PAGE_BYTES);
            pages_set_owner(page, zeroed ? YZ_OWNER_ENCLAVE_TABLE : YZ_OWNER_FREE, 0);
        }
        nodes_release(areas[area]);
    }
}

int32_t table_pool_map(uint32_t tag, uint32_t root, uint32_t va, uint32_t pte)
{
    uint32_t root_pa = page_protected(root) + (va >> 22) * PTE_BYTES;
    uint32_t pointer;
    if (!hal_load32(root_pa, &pointer))
        return SBI_ERR_FAILED;
    if ((pointer & PTE_V) == 0) {
        uint32_t table;
        if (!table_pool_take(tag, &table))
            return YZ_ERR_NO_MEMORY;
        pointer = page_protected(table) >> PAGE_SHIFT << PTE_PPN_SHIFT | PTE_V;
        if (!hal_store32(root_pa, pointer))
            return SBI_ERR_FAILED;
    }
    uint32_t table_pa = pte_ppn(pointer) << PAGE_SHIFT;
    uint32_t pte_pa = table_pa + (va >> PAGE_SHIFT & (PTE_TABLE_ENTRIES - 1)) * PTE_BYTES;
    return hal_store32(pte_pa, pte) ? SBI_SUCCESS : SBI_ERR_FAILED;
}
