/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's address spaces against a model, with a stand-in for the monitor that judges every page-table call.
 *
 * Arguments: seed, steps, g (guarded) or u (unguarded). Physical memory lies at its own addresses, so the kernel's sources
 * run unchanged. Every step is a random operation on one of a few spaces; the model remembers one word of every page.
 * Prints what was done; any difference ends the program with 1 and a message.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <yz/abi.h>

#include "kernel_space.h"
#include "layout.h"
#include "pool.h"
#include "riscv.h"
#include "sbi.h"
#include "space.h"
#include "tables.h"

#define SPACES 5
#define SLOTS 3
#define SLOT_PAGES 12u
#define SLOT_STEP (SUPERPAGE / 2) /* two slots share a leaf table */
#define IMAGE_PAGES 3u
#define POOL_PAGES 96u
#define POOL_START (KERNEL_CHUNK + 64 * PAGE)
#define IMAGE_PA (KERNEL_CHUNK + 16 * PAGE)

static unsigned long calls[6];

__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

static uint32_t *word(uint32_t pa)
{
    return (uint32_t *)(uintptr_t)pa;
}

static int inside(uint32_t pa, uint32_t start, uint32_t bytes)
{
    return pa >= start && pa - start < bytes;
}

static int is_root(uint32_t pa)
{
    return inside(pa, HPT_BASE, HPT_ROOTS * PAGE);
}

/* What the real monitor would refuse; this host must never ask for it. */
static void store_pte(uint32_t pte_pa, uint32_t value)
{
    if (!inside(pte_pa, HPT_BASE, HPT_BYTES) || pte_pa % 4)
        fail("entry at 0x%x is not in the tables", pte_pa);
    uint32_t rwx = value & (PTE_R | PTE_W | PTE_X), target = pte_address(value);
    if (value & PTE_V) {
        if ((value & PTE_W) && !(value & PTE_R))
            fail("entry 0x%x has W without R", value);
        if (is_root(pte_pa)) {
            if (!rwx && (is_root(target) || !inside(target, HPT_BASE, HPT_BYTES)))
                fail("pointer 0x%x does not lead to a leaf table", value);
            if (rwx && target % SUPERPAGE)
                fail("superpage 0x%x is misaligned", value);
        } else if (!rwx || ((value & PTE_W) && inside(target, HPT_BASE, HPT_BYTES))) {
            fail("leaf 0x%x is a pointer or a writable table", value);
        }
        if (rwx && (!(value & PTE_A) || ((value & PTE_W) && !(value & PTE_D))))
            fail("leaf 0x%x would fault for its A or D bit", value);
    }
    *word(pte_pa) = value;
}

static void set_pte(const uint32_t *a)
{
    const struct yz_pte_update *batch = (const struct yz_pte_update *)(uintptr_t)a[1];
    calls[a[0]]++;
    switch (a[0]) {
    case YZ_PTE_SET_ONE:
        store_pte(a[1], a[2]);
        break;
    case YZ_PTE_MEMSET:
        for (uint32_t at = 0; at < a[3]; at += 4)
            store_pte(a[1] + at, 0);
        break;
    case YZ_PTE_MEMCPY:
        for (uint32_t at = 0; at < a[3]; at += 4)
            store_pte(a[1] + at, *word(a[2] + at));
        break;
    case YZ_PTE_BATCH_SET:
        if (a[2] < 2 || a[2] > YZ_BATCH_MAX)
            fail("batch of %u", a[2]);
        for (uint32_t i = 0; i < a[2]; i++)
            store_pte(batch[i].pte_pa, batch[i].value);
        break;
    default:
        fail("operation %u", a[0]);
    }
}

struct sbi_result sbi_call(uint32_t extension, uint32_t function, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3,
                           uint32_t a4)
{
    const uint32_t a[] = {a0, a1, a2, a3, a4};
    if (extension != YZ_EXT_HOST)
        fail("extension 0x%x", extension);
    if (function == YZ_HOST_SET_PTE)
        set_pte(a);
    else if (function == YZ_HOST_SATP && !is_root((a0 & 0x3FFFFF) << PAGE_SHIFT))
        fail("satp 0x%x", a0);
    return (struct sbi_result){SBI_SUCCESS, 0, {0, 0, 0}};
}

static struct {
    int live;
    struct space space;
    uint32_t start[SLOTS], end[SLOTS]; /* pages of each slot that are promised; start == end: none */
    uint32_t value[SLOTS][SLOT_PAGES]; /* second word of each page */
    uint32_t image[IMAGE_PAGES];
    uint32_t image_start; /* pages of the image that were unmapped in front */
} all[SPACES];

static uint32_t slot_va(int slot)
{
    return USER_MMAP_VA + (uint32_t)slot * SLOT_STEP;
}

static uint32_t draw(uint32_t below)
{
    return (uint32_t)random() % below;
}

static void begin_space(int s)
{
    memset(&all[s], 0, sizeof all[s]);
    if (!space_init(&all[s].space))
        return; /* out of tables: legal */
    struct region image = {REGION_IMAGE, USER_IMAGE_VA, USER_IMAGE_VA + IMAGE_PAGES * PAGE, PTE_R | PTE_W, IMAGE_PA};
    if (!space_add(&all[s].space, image))
        fail("an empty space has no room for a region");
    for (uint32_t i = 0; i < IMAGE_PAGES; i++)
        all[s].image[i] = *word(IMAGE_PA + i * PAGE + 4);
    all[s].live = 1;
}

static void end_space(int s)
{
    space_destroy(&all[s].space);
    all[s].live = 0;
}

/* Touch one page, promised or not; running out of memory ends the space, as it ends a process. */
static void touch(int s, int slot, uint32_t page, int write)
{
    int promised = page >= all[s].start[slot] && page < all[s].end[slot];
    uint32_t pa = space_translate(&all[s].space, slot_va(slot) + page * PAGE + 4, write);
    if (!promised) {
        if (pa)
            fail("page %u of slot %d is mapped, but nobody promised it", page, slot);
        return;
    }
    if (!pa) {
        if (pool_free_pages() && tables_free(0))
            fail("page %u of slot %d is promised, and there is memory, but it cannot be had", page, slot);
        end_space(s);
        return;
    }
    if (*word(pa) != all[s].value[slot][page])
        fail("page %u of slot %d holds %u, not %u", page, slot, *word(pa), all[s].value[slot][page]);
    if (write)
        *word(pa) = all[s].value[slot][page] = (uint32_t)random();
}

static void touch_image(int s, uint32_t page, int write)
{
    uint32_t pa = space_translate(&all[s].space, USER_IMAGE_VA + page * PAGE + 4, write);
    if (page < all[s].image_start) {
        if (pa)
            fail("image page %u is still mapped", page);
        return;
    }
    if (!pa) {
        if (pool_free_pages() && tables_free(0))
            fail("image page %u cannot be had", page);
        end_space(s);
        return;
    }
    if (*word(pa) != all[s].image[page])
        fail("image page %u holds %u, not %u", page, *word(pa), all[s].image[page]);
    if (write)
        *word(pa) = all[s].image[page] = (uint32_t)random();
}

static void map_slot(int s, int slot)
{
    if (all[s].start[slot] != all[s].end[slot])
        return;
    uint32_t pages = 1 + draw(SLOT_PAGES), va = slot_va(slot);
    struct region region = {REGION_ZERO, va, va + pages * PAGE, PTE_R | PTE_W, 0};
    if (!space_add(&all[s].space, region))
        fail("slot %d cannot be promised", slot);
    memset(all[s].value[slot], 0, sizeof all[s].value[slot]);
    all[s].start[slot] = 0;
    all[s].end[slot] = pages;
    if (draw(2) && pool_free_pages() > pages && tables_free(0) && !space_populate(&all[s].space, va, va + pages * PAGE))
        fail("%u pages cannot be populated", pages);
}

/* Unmap a part from the front or the back. */
static void unmap_part(int s, int slot)
{
    uint32_t start = all[s].start[slot], end = all[s].end[slot], va = slot_va(slot);
    if (start == end)
        return;
    uint32_t pages = 1 + draw(end - start), from = draw(2) ? start : end - pages;
    if (!space_remove(&all[s].space, va + from * PAGE, va + (from + pages) * PAGE))
        fail("pages %u to %u of slot %d cannot be unmapped", from, from + pages, slot);
    if (space_remove(&all[s].space, va + from * PAGE, va + (from + pages) * PAGE))
        fail("the same pages were unmapped twice");
    if (from == start)
        all[s].start[slot] += pages;
    else
        all[s].end[slot] -= pages;
}

static void fork_space(int from, int to)
{
    if (pool_free_pages() < 8 || tables_free(0) < LEAVES_MAX || !tables_free(1))
        return;
    all[to] = all[from];
    if (!space_init(&all[to].space) || !space_fork(&all[to].space, &all[from].space))
        fail("a space cannot be forked");
}

/* Every free table is empty: the next space that takes it must not inherit anything. */
static void check_free_tables(void)
{
    for (unsigned level = 0; level < 2; level++)
        for (uint32_t table; (table = table_take(level)) != 0;)
            for (uint32_t entry = 0; entry < TABLE_ENTRIES; entry++)
                if (pte_read(table + 4 * entry))
                    fail("free table 0x%x has entry %u", table, entry);
}

/* A page that two entries share is writable through neither. */
static void check_sharing(void)
{
    for (int s = 0; s < SPACES; s++)
        for (uint32_t i = 0; all[s].live && i < all[s].space.leaf_count; i++)
            for (uint32_t entry = 0; entry < TABLE_ENTRIES; entry++) {
                uint32_t pte = pte_read(all[s].space.leaves[i].table + 4 * entry);
                if ((pte & (PTE_V | PTE_W)) == (PTE_V | PTE_W) && pool_references(pte_address(pte)) != 1)
                    fail("page 0x%x is shared and writable", pte_address(pte));
            }
}

static void step(void)
{
    int s = (int)draw(SPACES), slot = (int)draw(SLOTS);
    if (!all[s].live) {
        begin_space(s);
        return;
    }
    switch (draw(16)) {
    case 0:
        end_space(s);
        break;
    case 1:
    case 2:
        map_slot(s, slot);
        break;
    case 3:
        unmap_part(s, slot);
        break;
    case 4:
    case 5:
    case 6: {
        int to = (int)draw(SPACES);
        if (!all[to].live)
            fork_space(s, to);
        break;
    }
    case 7:
        if (all[s].image_start < IMAGE_PAGES && !draw(4)) {
            uint32_t va = USER_IMAGE_VA + all[s].image_start++ * PAGE;
            if (!space_remove(&all[s].space, va, va + PAGE))
                fail("the first image page cannot be unmapped");
        }
        break;
    case 8:
        touch_image(s, draw(IMAGE_PAGES), (int)draw(2));
        break;
    default:
        touch(s, slot, draw(SLOT_PAGES), (int)draw(2));
    }
}

static void map_memory(uint32_t start, uint32_t bytes)
{
    void *at = (void *)(uintptr_t)start;
    if (mmap(at, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != at)
        fail("address 0x%x is taken", start);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    srandom((unsigned)strtoul(argv[1], NULL, 0));
    long steps = strtol(argv[2], NULL, 0);
    map_memory(KERNEL_CHUNK, SUPERPAGE);
    map_memory(HPT_BASE, HPT_BYTES);
    for (uint32_t i = 0; i < IMAGE_PAGES; i++)
        *word(IMAGE_PA + i * PAGE + 4) = 0x1000 + i;
    memset(word(POOL_START), 0xA5, POOL_PAGES * PAGE); /* pages come with unknown contents */
    pool_init(POOL_START, POOL_START + POOL_PAGES * PAGE);
    if (tables_init(argv[3][0] == 'u') || kernel_space_init())
        fail("the kernel's own space cannot be built");
    uint32_t pages = pool_free_pages(), leaves = tables_free(0), roots = tables_free(1);
    for (long n = 0; n < steps; n++) {
        step();
        if (n % 64 == 0)
            check_sharing();
    }
    for (int s = 0; s < SPACES; s++)
        if (all[s].live)
            end_space(s);
    if (pool_free_pages() != pages || tables_free(0) != leaves || tables_free(1) != roots)
        fail("lost: %d pages, %d leaf tables, %d roots", (int)(pages - pool_free_pages()), (int)(leaves - tables_free(0)),
             (int)(roots - tables_free(1)));
    if (tables_guarded())
        check_free_tables();
    for (uint32_t i = 0; i < IMAGE_PAGES; i++)
        if (*word(IMAGE_PA + i * PAGE + 4) != 0x1000 + i)
            fail("image page %u was written", i);
    printf("one %lu\nzero %lu\ncopy %lu\nbatch %lu\n", calls[YZ_PTE_SET_ONE], calls[YZ_PTE_MEMSET], calls[YZ_PTE_MEMCPY],
           calls[YZ_PTE_BATCH_SET]);
    return 0;
}
