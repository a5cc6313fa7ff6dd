/* SPDX-License-Identifier: Apache-2.0 */
#include "space.h"

#include <yz/abi.h>

#include "kernel_space.h"
#include "layout.h"
#include "lib.h"
#include "pool.h"
#include "riscv.h"
#include "tables.h"

/* Neighbours of an image page that are mapped with it, as Linux maps a file around a fault. */
#define FAULT_AROUND 8u

#define COPIED_ON_WRITE(region) (((region)->rwx & PTE_W) != 0)

static struct leaf *find_leaf(struct space *space, uint32_t va)
{
    for (uint32_t i = 0; i < space->leaf_count; i++)
        if (space->leaves[i].index == vpn1(va))
            return &space->leaves[i];
    return NULL;
}

static struct leaf *get_leaf(struct space *space, uint32_t va)
{
    struct leaf *leaf = find_leaf(space, va);
    if (leaf || space->leaf_count == LEAVES_MAX)
        return leaf;
    uint32_t table = table_take(0);
    if (!table)
        return NULL;
    if (pte_set(space->root + 4 * vpn1(va), pte_make(table, PTE_V))) {
        table_drop(table, 0);
        return NULL;
    }
    leaf = &space->leaves[space->leaf_count++];
    *leaf = (struct leaf){vpn1(va), table, 0, 0};
    return leaf;
}

static void note_use(struct leaf *leaf, uint32_t va)
{
    uint32_t entry = vpn0(va);
    if (leaf->low == leaf->high) {
        leaf->low = entry;
        leaf->high = entry + 1;
    } else if (entry < leaf->low) {
        leaf->low = entry;
    } else if (entry >= leaf->high) {
        leaf->high = entry + 1;
    }
}

static struct region *find_region(struct space *space, uint32_t va)
{
    for (uint32_t i = 0; i < REGIONS_MAX; i++) {
        struct region *r = &space->regions[i];
        if (r->kind != REGION_NONE && va >= r->start && va < r->end)
            return r;
    }
    return NULL;
}

bool space_add(struct space *space, struct region region)
{
    struct region *room = NULL;
    for (uint32_t i = 0; i < REGIONS_MAX; i++) {
        struct region *r = &space->regions[i];
        if (r->kind == REGION_NONE)
            room = r;
        else if (region.start < r->end && r->start < region.end)
            return false;
    }
    if (!room || region.start >= region.end)
        return false;
    *room = region;
    return true;
}

static uint32_t user_flags(const struct region *region, bool writable)
{
    uint32_t flags = PTE_V | PTE_U | PTE_A | (region->rwx & ~PTE_W);
    return writable ? flags | PTE_W | PTE_D : flags;
}

/* Queue the mapping of one page that is not mapped yet. */
static bool map_page(struct space *space, struct leaf *leaf, const struct region *region, uint32_t va, bool write)
{
    uint32_t pa, flags;
    if (region->kind == REGION_IMAGE && !write) {
        pa = region->source + (va - region->start);
        flags = user_flags(region, false);
    } else {
        pa = pool_take();
        if (!pa)
            return false;
        if (region->kind == REGION_IMAGE)
            memcpy((void *)(uintptr_t)pa, (const void *)(uintptr_t)(region->source + (va - region->start)), PAGE);
        else
            page_clear(pa);
        flags = user_flags(region, COPIED_ON_WRITE(region));
    }
    note_use(leaf, va);
    space->pages++;
    return pte_queue(leaf->table + 4 * vpn0(va), pte_make(pa, flags)) == SBI_SUCCESS;
}

/* A store to a page that is mapped read-only in a writable region: own it, or own a copy. */
static bool copy_on_write(const struct region *region, uint32_t pte_pa, uint32_t pte)
{
    uint32_t shared = pte_address(pte), own = shared;
    if (pool_references(shared) != 1) {
        own = pool_take();
        if (!own)
            return false;
        memcpy((void *)(uintptr_t)own, (const void *)(uintptr_t)shared, PAGE);
    }
    if (pte_set(pte_pa, pte_make(own, user_flags(region, true))) != SBI_SUCCESS) {
        if (own != shared)
            pool_drop(own);
        return false;
    }
    if (own != shared)
        pool_drop(shared);
    return true;
}

static bool map_around(struct space *space, struct leaf *leaf, const struct region *region, uint32_t va)
{
    uint32_t first = va & ~(FAULT_AROUND * PAGE - 1);
    for (uint32_t at = first; at < first + FAULT_AROUND * PAGE; at += PAGE) {
        if (at < region->start || at >= region->end || pte_read(leaf->table + 4 * vpn0(at)) & PTE_V)
            continue;
        note_use(leaf, at);
        space->pages++;
        uint32_t pte = pte_make(region->source + (at - region->start), user_flags(region, false));
        if (pte_queue(leaf->table + 4 * vpn0(at), pte) != SBI_SUCCESS)
            return false;
    }
    return pte_commit() == SBI_SUCCESS;
}

bool space_fault(struct space *space, uint32_t va, uint32_t cause)
{
    uint32_t needs = cause == CAUSE_STORE_PAGE ? PTE_W : cause == CAUSE_FETCH_PAGE ? PTE_X : PTE_R;
    const struct region *region = find_region(space, va);
    va &= ~(PAGE - 1);
    if (!region || !(region->rwx & needs))
        return false;
    struct leaf *leaf = get_leaf(space, va);
    if (!leaf)
        return false;
    uint32_t pte_pa = leaf->table + 4 * vpn0(va), pte = pte_read(pte_pa);
    bool good;
    if (!(pte & PTE_V)) {
        /* No fence: this hart's TLBs hold only translations that walks ended well with (as Svvptc promises). */
        bool around = region->kind == REGION_IMAGE && !(region->rwx & PTE_W);
        good = around ? map_around(space, leaf, region, va)
                      : map_page(space, leaf, region, va, needs == PTE_W) && pte_commit() == SBI_SUCCESS;
    } else {
        good = needs != PTE_W || pte & PTE_W || copy_on_write(region, pte_pa, pte);
        tlb_flush_page(va);
    }
    return good;
}

bool space_populate(struct space *space, uint32_t start, uint32_t end)
{
    const struct region *region = find_region(space, start);
    if (!region || end > region->end)
        return false;
    for (uint32_t va = start; va < end; va += PAGE) {
        struct leaf *leaf = get_leaf(space, va);
        if (!leaf || !map_page(space, leaf, region, va, (region->rwx & PTE_W) != 0))
            return false;
    }
    return pte_commit() == SBI_SUCCESS;
}

uint32_t space_translate(struct space *space, uint32_t va, bool write)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        struct leaf *leaf = find_leaf(space, va);
        uint32_t pte = leaf ? pte_read(leaf->table + 4 * vpn0(va)) : 0;
        if (pte & PTE_V && (!write || pte & PTE_W))
            return pte_address(pte) | (va & (PAGE - 1));
        if (!space_fault(space, va, write ? CAUSE_STORE_PAGE : CAUSE_LOAD_PAGE))
            return 0;
    }
    return 0;
}

/* Unmap [start, end): one batch of zeros for each leaf table, then the pages lose a reference each. */
static void unmap(struct space *space, uint32_t start, uint32_t end)
{
    static uint32_t gone[TABLE_ENTRIES];
    for (uint32_t i = 0; i < space->leaf_count; i++) {
        struct leaf *leaf = &space->leaves[i];
        uint32_t base = leaf->index << 22, count = 0;
        uint32_t from = start > base ? (start - base) >> PAGE_SHIFT : 0;
        uint32_t to = end > base ? (end - base) >> PAGE_SHIFT : 0;
        from = from > leaf->low ? from : leaf->low;
        to = to < leaf->high ? to : leaf->high;
        if (from >= to)
            continue;
        for (uint32_t entry = from; entry < to; entry++) {
            uint32_t pte = pte_read(leaf->table + 4 * entry);
            if (pte & PTE_V)
                gone[count++] = pte_address(pte);
        }
        if (!count)
            continue;
        pte_zero(leaf->table + 4 * from, 4 * (to - from));
        tlb_flush(); /* before the pages can be given to anybody else */
        space->pages -= count;
        while (count)
            pool_drop(gone[--count]);
    }
}

bool space_remove(struct space *space, uint32_t start, uint32_t end)
{
    struct region *region = find_region(space, start);
    if (!region || start >= end || end > region->end)
        return false;
    struct region after = *region;
    after.start = end;
    after.source += end - region->start;
    uint32_t old_end = region->end;
    region->end = start;
    if (region->start == region->end)
        region->kind = REGION_NONE;
    if (after.start < after.end && !space_add(space, after)) {
        region->end = old_end; /* a hole in the middle, and no room to describe the part behind it */
        return false;
    }
    unmap(space, start, end);
    return true;
}

bool space_init(struct space *space)
{
    memset(space, 0, sizeof *space);
    space->root = table_take(1);
    if (!space->root)
        return false;
    if (kernel_half_copy(space->root) == SBI_SUCCESS)
        return true;
    table_drop(space->root, 1);
    space->root = 0;
    return false;
}

void space_destroy(struct space *space)
{
    unmap(space, 0, YZ_DRAM_BASE);
    kernel_half_forget(space->root);
    for (uint32_t i = 0; i < space->leaf_count; i++)
        pte_queue(space->root + 4 * space->leaves[i].index, 0);
    pte_commit();
    for (uint32_t i = 0; i < space->leaf_count; i++)
        table_drop(space->leaves[i].table, 0);
    table_drop(space->root, 1);
    space->leaf_count = 0;
    space->root = 0;
}

bool space_fork(struct space *child, struct space *parent)
{
    memcpy(child->regions, parent->regions, sizeof child->regions);
    for (uint32_t i = 0; i < parent->leaf_count; i++) {
        struct leaf *from = &parent->leaves[i];
        if (from->low == from->high)
            continue;
        /* The parent loses W first: what is copied then is what both have. */
        for (uint32_t entry = from->low; entry < from->high; entry++) {
            uint32_t pte = pte_read(from->table + 4 * entry);
            if ((pte & (PTE_V | PTE_W)) == (PTE_V | PTE_W)) {
                if (pte_queue(from->table + 4 * entry, pte & ~(PTE_W | PTE_D)) != SBI_SUCCESS)
                    return false;
            }
        }
        if (pte_commit() != SBI_SUCCESS)
            return false;
        struct leaf *to = get_leaf(child, from->index << 22);
        if (!to)
            return false;
        to->low = from->low;
        to->high = from->high;
        uint32_t offset = 4 * from->low;
        if (pte_copy(to->table + offset, from->table + offset, 4 * (from->high - from->low)) != SBI_SUCCESS)
            return false;
        for (uint32_t entry = from->low; entry < from->high; entry++) {
            uint32_t pte = pte_read(from->table + 4 * entry);
            if (pte & PTE_V) {
                child->pages++;
                pool_share(pte_address(pte));
            }
        }
    }
    tlb_flush();
    return true;
}
