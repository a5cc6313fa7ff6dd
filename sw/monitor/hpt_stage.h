/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two passes of hpt.h over the entries of one call. Included by hpt.c alone: all of it is inlined into the loops
 * there, where a page fault or a fork of the host spends its time. What is rare is kept out of line (COLD), so that the
 * loops keep their registers.
 */
#ifndef YZ_MONITOR_HPT_STAGE_H
#define YZ_MONITOR_HPT_STAGE_H

#include "hal.h"
#include "pte.h"
#include "stop.h"

/* The request: where (bit 0: in a root table) and what. After its commit `value` is the entry that stood there. */
#define LOCATION_ROOT 1u
struct staged {
    uint32_t location;
    uint32_t value;
};

static struct staged staged[YZ_BATCH_MAX];

/* Progress of the first pass: entries staged, and the table that the last one lies in. */
struct stage {
    uint32_t count;
    uint32_t table_pa;
    uint32_t root;       /* LOCATION_ROOT or 0 */
    uint32_t leaf_limit; /* page_total in a leaf table, 0 in a root table: below it the plain case may apply */
};

#define COLD __attribute__((noinline, cold))
#define INLINE inline __attribute__((always_inline))
#define LIKELY(condition) __builtin_expect((condition), 1)

/*
 * What of an entry's address names its table; a misaligned address names none. NO_TABLE equals no address so reduced.
 */
#define TABLE_OF(pte_pa) ((pte_pa) & (~(YZ_PAGE_BYTES - 1) | (PTE_BYTES - 1)))
#define NO_TABLE PTE_BYTES

static INLINE struct stage stage_begin(void)
{
    return (struct stage){0, NO_TABLE, 0, 0};
}

/* Count (or uncount) the mapping that a valid, judged entry makes. */
static INLINE void account_below(uint32_t total, uint32_t root, uint32_t pte, bool add)
{
    uint32_t index = pte_ppn(pte) - DRAM_PPN;
    if (index >= total)
        return; /* the simulation device */
    if (root == 0)
        page_records[index] += add ? RECORD_ONE_MAPPING : 0u - RECORD_ONE_MAPPING;
    else if (!pte_is_pointer(pte))
        page_chunks[index / CHUNK_PAGES].supers += add ? 1u : 0u - 1u;
}

static INLINE void account(uint32_t root, uint32_t pte, bool add)
{
    account_below(page_total, root, pte, add);
}

static COLD int32_t count_root(uint32_t pte)
{
    uint32_t index = pte_ppn(pte) - DRAM_PPN;
    int32_t error;
    if (pte_is_pointer(pte))
        error = pte_check_pointer(pte, pages_record_of(pte_ppn(pte)));
    else
        error = pte_check_superpage(pte, index < page_total ? page_chunks[index / CHUNK_PAGES].foreign : CHUNK_PAGES);
    if (error == SBI_SUCCESS)
        account(LOCATION_ROOT, pte, true);
    return error;
}

/* Judge a valid entry and count the mapping it is going to make. */
static COLD int32_t count(uint32_t root, uint32_t pte)
{
    if (root != 0)
        return count_root(pte);
    uint32_t index = pte_ppn(pte) - DRAM_PPN;
    if (index >= page_total)
        return pte_check_device(pte);
    uint32_t record = page_records[index];
    int32_t error = pte_check_leaf(pte, record);
    if (error == SBI_SUCCESS)
        page_records[index] = record + RECORD_ONE_MAPPING;
    return error;
}

/* LOCATION_ROOT or 0 for an entry that lies in a root or leaf table, or an error. */
static INLINE int32_t find_table(uint32_t pte_pa)
{
    if ((pte_pa & (PTE_BYTES - 1)) != 0)
        return YZ_ERR_ALIGN;
    uint32_t owner = record_owner(pages_record_of(pte_pa >> PAGE_SHIFT));
    if (owner == YZ_OWNER_HPT_LEAF)
        return 0;
    /* countermeasure: MON.PTE_LOCATION */
    return owner == YZ_OWNER_HPT_ROOT ? (int32_t)LOCATION_ROOT : YZ_ERR_PTE_LOCATION;
}

/* The same out of line: a batch's loop keeps its registers for the entries that share a table. */
static COLD int32_t find_next_table(uint32_t pte_pa)
{
    return find_table(pte_pa);
}

/* First pass for one entry. The caller has made sure that there is room. */
static INLINE int32_t stage_entry(struct stage *stage, uint32_t pte_pa, uint32_t value)
{
    /* One comparison sees another table and a misaligned address alike. */
    if (!LIKELY(TABLE_OF(pte_pa) == stage->table_pa)) {
        int32_t root = find_next_table(pte_pa);
        if (root < 0)
            return root;
        stage->table_pa = TABLE_OF(pte_pa);
        stage->root = (uint32_t)root;
        stage->leaf_limit = root == 0 ? page_total : 0;
    }
    uint32_t index = pte_ppn(value) - DRAM_PPN;
    if (LIKELY(index < stage->leaf_limit) && LIKELY(pte_is_plain(value, page_records[index]))) {
        page_records[index] += RECORD_ONE_MAPPING;
    } else if ((value & PTE_V) != 0) {
        int32_t error = count(stage->root, value);
        if (error != SBI_SUCCESS)
            return error;
    }
    struct staged *entry = &staged[stage->count++];
    entry->location = pte_pa | stage->root;
    entry->value = value;
    return SBI_SUCCESS;
}

/* Take back the counts of staged entries from `first` on. */
static COLD void unstage(uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        if ((staged[i].value & PTE_V) != 0)
            account(staged[i].location & LOCATION_ROOT, staged[i].value, false);
    }
}

/* An access fault hit entry `failed`: put the entries before it back, newest first, and forget the rest. */
static COLD int32_t undo(uint32_t failed, uint32_t end)
{
    unstage(failed, end);
    for (uint32_t i = failed; i-- != 0;) {
        uint32_t root = staged[i].location & LOCATION_ROOT;
        uint32_t pa = staged[i].location & ~LOCATION_ROOT;
        uint32_t written;
        if (!hal_load32(pa, &written) || !hal_store32(pa, staged[i].value))
            monitor_stop("a page table can be neither written nor restored");
        if ((written & PTE_V) != 0)
            account(root, written, false);
        if ((staged[i].value & PTE_V) != 0)
            account(root, staged[i].value, true);
    }
    return SBI_ERR_FAILED;
}

static INLINE int32_t commit(uint32_t end)
{
    const uint32_t total = page_total; /* in a register: the compiler must assume that stores change the variable */
    for (struct staged *entry = staged; entry != staged + end; entry++) {
        uint32_t root = entry->location & LOCATION_ROOT;
        uint32_t pa = entry->location - root;
        uint32_t old;
        if (!hal_load32(pa, &old) || !hal_store32(pa, entry->value))
            return undo((uint32_t)(entry - staged), end);
        entry->value = old;
        if (!LIKELY((old & PTE_V) == 0))
            account_below(total, root, old, false);
    }
    return SBI_SUCCESS;
}

/* Second pass, or the end of a refused first one. */
static INLINE int32_t finish(uint32_t end, int32_t error)
{
    /* countermeasure: MON.ALL_OR_NOTHING */
    if (error != SBI_SUCCESS) {
        unstage(0, end);
        return error;
    }
    return commit(end);
}

#endif
