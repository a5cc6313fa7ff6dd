/* SPDX-License-Identifier: Apache-2.0 */
#include "hpt.h"

#include <stddef.h>

#include "hal.h"
#include "hpt_stage.h"

/* Bytes of entries that one request may cover. */
static int32_t check_entries(uint32_t pa, uint32_t bytes, uint32_t room)
{
    if (bytes == 0)
        return YZ_ERR_RANGE;
    if (((pa | bytes) & (PTE_BYTES - 1)) != 0)
        return YZ_ERR_ALIGN;
    /* countermeasure: MON.BATCH_MAX */
    if (bytes / PTE_BYTES > room)
        return YZ_ERR_COUNT;
    return pa + (bytes - 1) < pa ? YZ_ERR_RANGE : SBI_SUCCESS;
}

static int32_t set_one(uint32_t pte_pa, uint32_t value)
{
    int32_t root = find_table(pte_pa);
    if (root < 0)
        return root;
    int32_t error = SBI_SUCCESS;
    uint32_t index = pte_ppn(value) - DRAM_PPN;
    if (LIKELY(root == 0 && index < page_total) && LIKELY(pte_is_plain(value, page_records[index])))
        page_records[index] += RECORD_ONE_MAPPING;
    else if ((value & PTE_V) != 0)
        error = count((uint32_t)root, value);
    if (error != SBI_SUCCESS)
        return error;
    uint32_t old;
    uint32_t gone = value; /* whose mapping ends: the new entry's when it could not be written */
    if (!hal_load32(pte_pa, &old) || !hal_store32(pte_pa, value))
        error = SBI_ERR_FAILED;
    else
        gone = old;
    if ((gone & PTE_V) != 0)
        account((uint32_t)root, gone, false);
    return error;
}

static COLD int32_t set_zero(uint32_t pte_pa, uint32_t value, uint32_t bytes)
{
    if (value != 0)
        return SBI_ERR_INVALID_PARAM;
    int32_t error = check_entries(pte_pa, bytes, YZ_BATCH_MAX);
    if (error != SBI_SUCCESS)
        return error;
    struct stage stage = stage_begin();
    for (uint32_t done = 0; error == SBI_SUCCESS && done < bytes; done += PTE_BYTES)
        error = stage_entry(&stage, pte_pa + done, 0);
    return finish(stage.count, error);
}

/* The source of a copy: pages that the host may read anyway. */
static int32_t check_source(uint32_t pa, uint32_t bytes)
{
    uint32_t last = (pa + (bytes - 1)) >> PAGE_SHIFT;
    for (uint32_t ppn = pa >> PAGE_SHIFT; ppn <= last; ppn++) {
        uint32_t owner = record_owner(pages_record_of(ppn));
        bool host = owner == YZ_OWNER_HOST || owner == YZ_OWNER_SHARED;
        bool table = owner == YZ_OWNER_HPT_ROOT || owner == YZ_OWNER_HPT_LEAF;
        /* countermeasure: MON.COPY_SOURCE */
        if (!host && !table)
            return YZ_ERR_OWNER;
    }
    return SBI_SUCCESS;
}

static COLD int32_t copy(uint32_t destination, uint32_t source, uint32_t bytes)
{
    int32_t error = check_entries(destination, bytes, YZ_BATCH_MAX);
    if (error == SBI_SUCCESS)
        error = check_entries(source, bytes, YZ_BATCH_MAX);
    if (error == SBI_SUCCESS)
        error = check_source(source, bytes);
    if (error != SBI_SUCCESS)
        return error;
    struct stage stage = stage_begin();
    for (uint32_t done = 0; error == SBI_SUCCESS && done < bytes; done += PTE_BYTES) {
        uint32_t value;
        error = hal_load32(source + done, &value) ? stage_entry(&stage, destination + done, value) : SBI_ERR_FAILED;
    }
    return finish(stage.count, error);
}

/* The array of a batch: words that the host may change at any time, each read once. */
static int32_t check_array(uint32_t array_pa, uint32_t updates)
{
    if (updates == 0)
        return YZ_ERR_RANGE;
    /* countermeasure: MON.BATCH_COUNT */
    if (updates > YZ_BATCH_MAX)
        return YZ_ERR_COUNT;
    if ((array_pa & 3) != 0)
        return YZ_ERR_ALIGN;
    return pages_check_host_buffer(array_pa, updates * (uint32_t)sizeof(struct yz_pte_update));
}

static INLINE bool load_update(uint32_t pa, struct yz_pte_update *update)
{
    /* countermeasure: MON.SNAPSHOT */
    return hal_load32(pa + offsetof(struct yz_pte_update, pte_pa), &update->pte_pa) &&
           hal_load32(pa + offsetof(struct yz_pte_update, value), &update->value);
}

static __attribute__((noinline)) int32_t batch_set(uint32_t array_pa, uint32_t updates)
{
    int32_t error = check_array(array_pa, updates);
    if (error != SBI_SUCCESS)
        return error;
    struct stage stage = stage_begin();
    uint32_t end = array_pa + updates * (uint32_t)sizeof(struct yz_pte_update);
    for (uint32_t pa = array_pa; pa != end; pa += sizeof(struct yz_pte_update)) {
        struct yz_pte_update update;
        error = load_update(pa, &update) ? stage_entry(&stage, update.pte_pa, update.value) : SBI_ERR_FAILED;
        if (error != SBI_SUCCESS)
            break;
    }
    return finish(stage.count, error);
}

static COLD int32_t batch_zero(uint32_t array_pa, uint32_t updates)
{
    int32_t error = check_array(array_pa, updates);
    if (error != SBI_SUCCESS)
        return error;
    struct stage stage = stage_begin();
    uint32_t end = array_pa + updates * (uint32_t)sizeof(struct yz_pte_update);
    for (uint32_t pa = array_pa; error == SBI_SUCCESS && pa != end; pa += sizeof(struct yz_pte_update)) {
        struct yz_pte_update update;
        if (!load_update(pa, &update))
            error = SBI_ERR_FAILED;
        else
            error = check_entries(update.pte_pa, update.value, YZ_BATCH_MAX - stage.count);
        for (uint32_t done = 0; error == SBI_SUCCESS && done < update.value; done += PTE_BYTES)
            error = stage_entry(&stage, update.pte_pa + done, 0);
    }
    return finish(stage.count, error);
}

int32_t hpt_set_pte(uint32_t op, uint32_t arg1, uint32_t arg2, uint32_t arg3)
{
    if (!hpt_ready())
        return YZ_ERR_STATE;
    if (op == YZ_PTE_SET_ONE)
        return set_one(arg1, arg2);
    switch (op) {
    case YZ_PTE_MEMSET:
        return set_zero(arg1, arg2, arg3);
    case YZ_PTE_MEMCPY:
        return copy(arg1, arg2, arg3);
    case YZ_PTE_BATCH_ZERO:
        return batch_zero(arg1, arg2);
    case YZ_PTE_BATCH_SET:
        return batch_set(arg1, arg2);
    default:
        return SBI_ERR_INVALID_PARAM;
    }
}

/* All of `table_pa` is zero. */
static int32_t check_empty(uint32_t table_pa)
{
    for (uint32_t offset = 0; offset < YZ_PAGE_BYTES; offset += PTE_BYTES) {
        uint32_t pte;
        if (!hal_load32(table_pa + offset, &pte))
            return SBI_ERR_FAILED;
        if (pte != 0)
            return YZ_ERR_BUSY;
    }
    return SBI_SUCCESS;
}

int32_t hpt_split(uint32_t pte_pa, uint32_t table_pa)
{
    if (!hpt_ready())
        return YZ_ERR_STATE;
    if ((pte_pa & (PTE_BYTES - 1)) != 0 || (table_pa & (YZ_PAGE_BYTES - 1)) != 0)
        return YZ_ERR_ALIGN;
    /* countermeasure: MON.SPLIT_LOCATION */
    if (record_owner(pages_record_of(pte_pa >> PAGE_SHIFT)) != YZ_OWNER_HPT_ROOT)
        return YZ_ERR_PTE_LOCATION;
    if (record_owner(pages_record_of(table_pa >> PAGE_SHIFT)) != YZ_OWNER_HPT_LEAF)
        return YZ_ERR_PTE_LOCATION;
    uint32_t superpage;
    if (!hal_load32(pte_pa, &superpage))
        return SBI_ERR_FAILED;
    if ((superpage & PTE_V) == 0 || pte_is_pointer(superpage))
        return YZ_ERR_PTE_FORMAT;
    int32_t error = check_empty(table_pa);
    if (error != SBI_SUCCESS)
        return error;

    /* The new table first: a walk finds the superpage or the full table, never half of it. */
    struct stage stage = stage_begin();
    for (uint32_t i = 0; error == SBI_SUCCESS && i < PTE_TABLE_ENTRIES; i++)
        error = stage_entry(&stage, table_pa + i * PTE_BYTES, superpage + (i << PTE_PPN_SHIFT));
    error = finish(stage.count, error);
    if (error != SBI_SUCCESS)
        return error;
    uint32_t pointer = table_pa >> PAGE_SHIFT << PTE_PPN_SHIFT | PTE_V;
    if (!hal_store32(pte_pa, pointer))
        return undo(stage.count, stage.count);
    account(LOCATION_ROOT, superpage, false);
    hal_tlb_flush();
    return SBI_SUCCESS;
}
