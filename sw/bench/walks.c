/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost of a page walk, as the machine's own counters see it (sysinfo: walks, walk_cycles, walk_reads).
 *
 * A bare program builds Sv32 tables, configures whichever walk checker the machine has (sysinfo.features) and then loads one
 * word a page with MPRV, the TLB emptied before each load, so that every load is one walk. The measured code is the same for
 * every checker. Three patterns:
 *
 *   dense      256 neighbouring pages: 16 PTEs a line of the walker's buffer, 32 ownership bits a bitmap word
 *   scattered  64 pages, each in another bitmap word and another line of PTEs
 *   superpage  4 MiB leaves: the walk ends at the root
 *
 * Exits with 1 when a walk is missing, a load returns wrong data, or the checker refuses.
 */
#include <yz/bitmap_regs.h>
#include <yz/gpt_regs.h>
#include <yz/memory_map.h>
#include <yz/sysinfo_regs.h>
#include <yz_bare.h>

#define ROOT (YZ_DRAM_BASE + 0x00400000u) /* host page tables: root, then leaf tables; 16 pages */
#define TABLE_PAGES 16u
#define BITMAP (YZ_DRAM_BASE + 0x00600000u) /* ownership bits of the bitmap checker */
#define DATA (YZ_DRAM_BASE + 0x00800000u)   /* mapped pages: dense from here, scattered above, superpages from the same */
#define VIRTUAL 0x40000000u                 /* first mapped virtual address */

#define SUPERPAGE_BYTES 0x00400000u
#define PTE_POINTER 0x01u                            /* V */
#define PTE_DATA (0x01u | 0x02u | 0x04u | 0x40u | 0x80u) /* V R W A D */

#define MSTATUS_MPP_S (1u << 11)
#define MSTATUS_MPP (3u << 11)
#define MSTATUS_MPRV (1u << 17)
#define SATP_SV32 (1u << 31)
#define PMP_ALL 0x1Fu /* NAPOT, R W X */

static volatile sysinfo_t *const sysinfo = (volatile sysinfo_t *)YZ_SYSINFO_BASE;

struct pattern {
    const char *name;
    uint32_t pages;
    uint32_t virtual_stride, physical_stride; /* bytes between two pages */
    uint32_t superpage;
};

/* Strides: a scattered page lies 33 pages after the one before, so that PTE lines differ as well. */
static const struct pattern patterns[] = {
    {"walk-dense", 256, YZ_PAGE_BYTES, YZ_PAGE_BYTES, 0},
    {"walk-scattered", 64, 33 * YZ_PAGE_BYTES, 33 * YZ_PAGE_BYTES, 0},
    {"walk-superpage", 4, SUPERPAGE_BYTES, SUPERPAGE_BYTES, 1},
};

static uint32_t pte(uint32_t physical, uint32_t flags)
{
    return physical >> 12 << 10 | flags;
}

static uint32_t *word(uint32_t address)
{
    return (uint32_t *)(uintptr_t)address;
}

/* Fill the tables for one pattern; returns the number of leaf tables used. */
static void map(const struct pattern *p)
{
    memset(word(ROOT), 0, TABLE_PAGES * YZ_PAGE_BYTES);
    uint32_t next_table = ROOT + YZ_PAGE_BYTES;
    for (uint32_t i = 0; i < p->pages; i++) {
        uint32_t va = VIRTUAL + i * p->virtual_stride, pa = DATA + i * p->physical_stride;
        uint32_t *root = word(ROOT) + (va >> 22);
        *word(pa) = va; /* what the load must find */
        if (p->superpage) {
            *root = pte(pa, PTE_DATA);
            continue;
        }
        if (!*root) {
            *root = pte(next_table, PTE_POINTER);
            next_table += YZ_PAGE_BYTES;
        }
        word(*root >> 10 << 12)[va >> 12 & 0x3FFu] = pte(pa, PTE_DATA);
    }
}

static void configure_gpt(void)
{
    volatile gpt_t *guard = (volatile gpt_t *)YZ_GUARD_BASE;
    guard->area[0].attr = 0;
    guard->area[0].base_lo = ROOT >> 12;
    guard->area[0].base_hi = 0;
    guard->area[0].limit_lo = (ROOT >> 12) + TABLE_PAGES;
    guard->area[0].limit_hi = 0;
    guard->area[0].attr = 1u << GPT__AREA_T__ATTR_T__KIND_bp | GPT__AREA_T__ATTR_T__LEVELS_bm;
    guard->control = GPT__CONTROL__ENABLE_bm;
}

static void configure_bitmap(void)
{
    volatile bitmap_t *checker = (volatile bitmap_t *)YZ_GUARD_BASE;
    uint32_t pages = sysinfo->dram_pages;
    memset(word(BITMAP), 0, pages / 8); /* every page is the host's */
    checker->base = BITMAP >> 12;
    checker->first_page = YZ_DRAM_BASE >> 12;
    checker->page_count = pages;
    checker->flush = 1;
    checker->control = BITMAP__CONTROL__ENABLE_bm;
}

/* One load as S-mode would make it, from an empty TLB. */
static inline uint32_t load_translated(uint32_t va)
{
    uint32_t value;
    __asm__ volatile("sfence.vma\n"
                     "csrs mstatus, %2\n"
                     "lw %0, 0(%1)\n"
                     "csrc mstatus, %2\n"
                     : "=&r"(value)
                     : "r"(va), "r"(MSTATUS_MPRV)
                     : "memory");
    return value;
}

static int measure(const struct pattern *p)
{
    uint32_t wrong = 0;
    map(p);
    __asm__ volatile("csrw satp, %0" ::"r"(SATP_SV32 | ROOT >> 12));
    /* Once unmeasured: the instruction cache is warm afterwards. */
    for (uint32_t i = 0; i < p->pages; i++)
        wrong += load_translated(VIRTUAL + i * p->virtual_stride) != VIRTUAL + i * p->virtual_stride;

    uint32_t walks = sysinfo->walks, cycles = sysinfo->walk_cycles, reads = sysinfo->walk_reads;
    uint32_t begun = (uint32_t)bare_cycles();
    for (uint32_t i = 0; i < p->pages; i++)
        wrong += load_translated(VIRTUAL + i * p->virtual_stride) != VIRTUAL + i * p->virtual_stride;
    uint32_t total = (uint32_t)bare_cycles() - begun;
    walks = sysinfo->walks - walks;
    cycles = sysinfo->walk_cycles - cycles;
    reads = sysinfo->walk_reads - reads;

    bare_report(p->name, "walks", walks, "walks");
    bare_report(p->name, "walk_cycles", cycles, "cycles");
    bare_report(p->name, "walk_reads", reads, "reads");
    bare_report(p->name, "loop_cycles", total, "cycles");
    printf("%-15s %4u walks %7u cycles %5u reads %8u cycles in the loop, %u wrong\n", p->name, (unsigned)walks,
           (unsigned)cycles, (unsigned)reads, (unsigned)total, (unsigned)wrong);
    return wrong || walks != p->pages;
}

int main(void)
{
    int failed = 0;
    __asm__ volatile("csrw pmpaddr0, %0\n csrw pmpcfg0, %1" ::"r"(0xFFFFFFFFu), "r"(PMP_ALL));
    __asm__ volatile("csrc mstatus, %0\n csrs mstatus, %1" ::"r"(MSTATUS_MPP), "r"(MSTATUS_MPP_S));
    switch (sysinfo->features & SYSINFO__FEATURES__CHECKER_bm) {
    case 1:
        configure_gpt();
        break;
    case 2:
        configure_bitmap();
        break;
    default:
        break;
    }
    for (unsigned i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        failed |= measure(&patterns[i]);
    return failed;
}
