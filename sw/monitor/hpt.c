/* SPDX-License-Identifier: Apache-2.0 */
#include "hpt.h"

#include <stddef.h>

#include "hal.h"
#include "stop.h"
#include "pte.h"

/* The request: where (bit 0: in a root table) and what. After its commit `value` is the entry that stood there. */
#define LOCATION_ROOT 1u
static struct {
    uint32_t location;
    uint32_t value;
} staged[YZ_BATCH_MAX];

/* Progress of the first pass: entries staged, and what is known of the table that the last one lies in. */
struct stage {
    uint32_t count;
    uint32_t table_ppn;
    uint32_t root;
};

static struct stage stage_begin(void)
{
    return (struct stage){0, 0, 0}; /* page number 0 is no DRAM: the first entry looks its table up */
}

/* Count (or uncount) the mapping that a valid, judged entry makes. */
static inline void account(uint32_t location, uint32_t pte, bool add)
{
    uint32_t index = pte_ppn(pte) - DRAM_PPN;
    if (index >= page_total)
        return; /* the simulation device */
    if ((location & LOCATION_ROOT) == 0)
        page_records[index] += add ? RECORD_ONE_MAPPING : 0u - RECORD_ONE_MAPPING;
    else if (!pte_is_pointer(pte))
        page_chunks[index / CHUNK_PAGES].supers += add ? 1u : 0u - 1u;
}

static int32_t check_root(uint32_t pte)
{
    uint32_t index = pte_ppn(pte) - DRAM_PPN;
    if (pte_is_pointer(pte))
        return pte_check_pointer(pte, pages_record_of(pte_ppn(pte)));
    return pte_check_superpage(pte, index < page_total ? page_chunks[index / CHUNK_PAGES].foreign : CHUNK_PAGES);
}

static int32_t find_table(struct stage *stage, uint32_t ppn)
{
    uint32_t owner = record_owner(pages_record_of(ppn));
    /* countermeasure: MON.PTE_LOCATION */
    if (owner != YZ_OWNER_HPT_LEAF && owner != YZ_OWNER_HPT_ROOT)
        return YZ_ERR_PTE_LOCATION;
    stage->table_ppn = ppn;
    stage->root = owner == YZ_OWNER_HPT_ROOT ? LOCATION_ROOT : 0;
    return SBI_SUCCESS;
}

/* First pass for one entry. The caller has made sure that there is room. */
static inline __attribute__((always_inline)) int32_t stage_entry(struct stage *stage, uint32_t pte_pa, uint32_t value)
{
    if ((pte_pa & (PTE_BYTES - 1)) != 0)
        return YZ_ERR_ALIGN;
    if (pte_pa >> PAGE_SHIFT != stage->table_ppn) {
        int32_t error = find_table(stage, pte_pa >> PAGE_SHIFT);
        if (error != SBI_SUCCESS)
            return error;
    }
    if ((value & PTE_V) != 0) {
        int32_t error;
        uint32_t index = pte_ppn(value) - DRAM_PPN;
        if (stage->root != 0) {
            error = check_root(value);
            if (error == SBI_SUCCESS)
                account(LOCATION_ROOT, value, true);
        } else if (index < page_total) {
            uint32_t record = page_records[index];
            error = pte_check_leaf(value, record);
            if (error == SBI_SUCCESS)
                page_records[index] = record + RECORD_ONE_MAPPING;
        } else {
            error = pte_check_device(value);
        }
        if (error != SBI_SUCCESS)
            return error;
    }
    staged[stage->count].location = pte_pa | stage->root;
    staged[stage->count].value = value;
    stage->count++;
    return SBI_SUCCESS;
}

/* Take back the counts of staged entries from `first` on. */
static void unstage(uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < count; i++) {
        if ((staged[i].value & PTE_V) != 0)
            account(staged[i].location, staged[i].value, false);
    }
}

/* An access fault hit entry `failed`: put the entries before it back, newest first, and forget the rest. */
static void undo(uint32_t failed, uint32_t count)
{
    unstage(failed, count);
    for (uint32_t i = failed; i-- != 0;) {
        uint32_t location = staged[i].location;
        uint32_t pa = location & ~LOCATION_ROOT;
        uint32_t written;
        if (!hal_load32(pa, &written) || !hal_store32(pa, staged[i].value))
            monitor_stop("a page table can be neither written nor restored");
        if ((written & PTE_V) != 0)
            account(location, written, false);
        if ((staged[i].value & PTE_V) != 0)
            account(location, staged[i].value, true);
    }
}

static int32_t commit(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t location = staged[i].location;
        uint32_t old;
        if (!hal_load32(location & ~LOCATION_ROOT, &old) || !hal_store32(location & ~LOCATION_ROOT, staged[i].value)) {
            undo(i, count);
            return SBI_ERR_FAILED;
        }
        staged[i].value = old;
        if ((old & PTE_V) != 0)
            account(location, old, false);
    }
    return SBI_SUCCESS;
}

/* Second pass, or the end of a refused first one. */
static int32_t finish(const struct stage *stage, int32_t error)
{
    /* countermeasure: MON.ALL_OR_NOTHING */
    if (error != SBI_SUCCESS) {
        unstage(0, stage->count);
        return error;
    }
    return commit(stage->count);
}

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

static int32_t stage_zeros(struct stage *stage, uint32_t pa, uint32_t bytes)
{
    int32_t error = check_entries(pa, bytes, YZ_BATCH_MAX - stage->count);
    for (uint32_t done = 0; error == SBI_SUCCESS && done < bytes; done += PTE_BYTES)
        error = stage_entry(stage, pa + done, 0);
    return error;
}

static int32_t set_one(uint32_t pte_pa, uint32_t value)
{
    struct stage stage = stage_begin();
    return finish(&stage, stage_entry(&stage, pte_pa, value));
}

static int32_t set_zero(uint32_t pte_pa, uint32_t value, uint32_t bytes)
{
    if (value != 0)
        return SBI_ERR_INVALID_PARAM;
    struct stage stage = stage_begin();
    return finish(&stage, stage_zeros(&stage, pte_pa, bytes));
}

/* The source of a copy: pages that the host may read anyway. */
static int32_t check_source(uint32_t pa, uint32_t bytes)
{
    uint32_t last = (pa + (bytes - 1)) >> PAGE_SHIFT;
    for (uint32_t ppn = pa >> PAGE_SHIFT; ppn <= last; ppn++) {
        uint32_t owner = record_owner(pages_record_of(ppn));
        /* countermeasure: MON.COPY_SOURCE */
        if (owner != YZ_OWNER_HOST && owner != YZ_OWNER_SHARED && owner != YZ_OWNER_HPT_ROOT && owner != YZ_OWNER_HPT_LEAF)
            return YZ_ERR_OWNER;
    }
    return SBI_SUCCESS;
}

static int32_t copy(uint32_t destination, uint32_t source, uint32_t bytes)
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
        /* countermeasure: MON.SNAPSHOT */
        error = hal_load32(source + done, &value) ? stage_entry(&stage, destination + done, value) : SBI_ERR_FAILED;
    }
    return finish(&stage, error);
}

static int32_t batch(uint32_t array_pa, uint32_t count, bool zero)
{
    if (count == 0)
        return YZ_ERR_RANGE;
    if (count > YZ_BATCH_MAX)
        return YZ_ERR_COUNT;
    if ((array_pa & 3) != 0)
        return YZ_ERR_ALIGN;
    int32_t error = pages_check_host_buffer(array_pa, count * (uint32_t)sizeof(struct yz_pte_update));
    if (error != SBI_SUCCESS)
        return error;
    struct stage stage = stage_begin();
    uint32_t end = array_pa + count * (uint32_t)sizeof(struct yz_pte_update);
    for (uint32_t pa = array_pa; error == SBI_SUCCESS && pa != end; pa += sizeof(struct yz_pte_update)) {
        uint32_t pte_pa, value;
        if (!hal_load32(pa + offsetof(struct yz_pte_update, pte_pa), &pte_pa) ||
            !hal_load32(pa + offsetof(struct yz_pte_update, value), &value))
            error = SBI_ERR_FAILED;
        else if (zero)
            error = stage_zeros(&stage, pte_pa, value);
        else
            error = stage_entry(&stage, pte_pa, value);
    }
    return finish(&stage, error);
}

int32_t hpt_set_pte(uint32_t op, uint32_t arg1, uint32_t arg2, uint32_t arg3)
{
    if (!hpt_ready())
        return YZ_ERR_STATE;
    switch (op) {
    case YZ_PTE_SET_ONE:
        return set_one(arg1, arg2);
    case YZ_PTE_MEMSET:
        return set_zero(arg1, arg2, arg3);
    case YZ_PTE_MEMCPY:
        return copy(arg1, arg2, arg3);
    case YZ_PTE_BATCH_ZERO:
        return batch(arg1, arg2, true);
    case YZ_PTE_BATCH_SET:
        return batch(arg1, arg2, false);
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
    error = finish(&stage, error);
    if (error != SBI_SUCCESS)
        return error;
    uint32_t pointer = table_pa >> PAGE_SHIFT << PTE_PPN_SHIFT | PTE_V;
    if (!hal_store32(pte_pa, pointer)) {
        undo(stage.count, stage.count);
        return SBI_ERR_FAILED;
    }
    account(LOCATION_ROOT, superpage, false);
    hal_tlb_flush();
    return SBI_SUCCESS;
}
