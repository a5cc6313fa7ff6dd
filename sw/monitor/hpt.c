/* SPDX-License-Identifier: Apache-2.0 */
#include "hpt.h"

#include <stddef.h>

#include "hal.h"
#include "stop.h"
#include "pte.h"

/* The request: where (bit 0: in a root table) and what. After its commit `value` is the entry that stood there. */
#define LOCATION_ROOT 1u
static struct staged {
    uint32_t location;
    uint32_t value;
} staged[YZ_BATCH_MAX];

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

/* What of an entry's address names its table; a misaligned address names none. NO_TABLE equals no address so reduced. */
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
        /* countermeasure: MON.COPY_SOURCE */
        if (owner != YZ_OWNER_HOST && owner != YZ_OWNER_SHARED && owner != YZ_OWNER_HPT_ROOT && owner != YZ_OWNER_HPT_LEAF)
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
