/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks with the place of page tables: roots, leaf tables and pointers outside of where they may lie. */
#include "attack.h"

#define VICTIM (PUBLIC + 0x10u)
#define VICTIM_OFFSET 0x10u
#define ROOT_ENTRY(root, va) ((root) + ((va) >> 22) * 4)

static const enum op all_kinds[] = {LOAD, STORE, AMO, FETCH};

/* The entries of VA_A in copies of the root and of TABLE_A. */
static void copy_root(uint32_t to)
{
    *at(ROOT_ENTRY(to, VA_A)) = *at(ROOT_ENTRY(ROOT, VA_A));
}

static void copy_table(uint32_t to)
{
    *at(to) = *at(TABLE_A);
}

/* Load, store, AMO and fetch of VA_A's victim are refused by HOST_AREA at this level and PTE. */
static bool all_kinds_refused(uint32_t level, uint64_t entry)
{
    bool good = true;
    for (unsigned i = 0; i < sizeof all_kinds / sizeof all_kinds[0]; i++) {
        struct access a = {all_kinds[i], AS_S, VA_A + VICTIM_OFFSET, VICTIM};
        good &= refused(a, (struct refusal){access_cause(a.op, false), RULE_HOST_AREA, level, entry, 0});
    }
    return good;
}

static bool all_kinds_allowed(void)
{
    bool good = true;
    for (unsigned i = 0; i < sizeof all_kinds / sizeof all_kinds[0]; i++)
        good &= allowed((struct access){all_kinds[i], AS_S, VA_A + VICTIM_OFFSET, VICTIM});
    return good;
}

/* threat: W01. The whole tree lies outside, so S-mode cannot even fetch; loads and stores are made under MPRV. */
static bool root_outside(void)
{
    fresh_tables();
    map_a(PUBLIC, PTE_ALL);
    copy_root(OUTSIDE);
    set_root(OUTSIDE);
    struct access load = {LOAD, MPRV_S, VA_A + VICTIM_OFFSET, VICTIM};
    struct access store = {STORE, MPRV_S, VA_A + VICTIM_OFFSET, VICTIM};
    uint64_t entry = ROOT_ENTRY(OUTSIDE, VA_A);
    bool good = refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_HOST_AREA, 1, entry, 0}) &&
                refused(store, (struct refusal){CAUSE_STORE_ACCESS, RULE_HOST_AREA, 1, entry, 0});
    guard_clear();
    struct outcome o = make_access(&(struct access){LOAD, AS_S, VA_A, VICTIM});
    good &= check(o.cause == CAUSE_FETCH_ACCESS && o.tval == o.pc, "S-mode fetched through a root outside");
    set_root(ROOT);
    return good && allowed(load) && allowed(store) && all_kinds_allowed();
}

/* threat: W02 */
static bool leaf_table_outside(void)
{
    fresh_tables();
    map_a(PUBLIC, PTE_ALL);
    copy_table(OUTSIDE);
    *at(ROOT_ENTRY(ROOT, VA_A)) = pte(OUTSIDE, PTE_POINTER);
    flush();
    bool good = all_kinds_refused(0, OUTSIDE);
    *at(ROOT_ENTRY(ROOT, VA_A)) = pte(TABLE_A, PTE_POINTER);
    flush();
    return good && all_kinds_allowed();
}

/* threat: W03. A leaf table among the roots, and a root among the leaf tables. */
static bool wrong_level_area(void)
{
    fresh_tables();
    map_a(PUBLIC, PTE_ALL);
    uint32_t among_roots = ROOT_AREA + YZ_PAGE_BYTES, among_leaves = LEAF_AREA + 5 * YZ_PAGE_BYTES;
    copy_table(among_roots);
    *at(ROOT_ENTRY(ROOT, VA_A)) = pte(among_roots, PTE_POINTER);
    flush();
    bool good = all_kinds_refused(0, among_roots);
    *at(ROOT_ENTRY(ROOT, VA_A)) = pte(TABLE_A, PTE_POINTER);
    copy_root(among_leaves);
    set_root(among_leaves);
    struct access load = {LOAD, MPRV_S, VA_A + VICTIM_OFFSET, VICTIM};
    good &= refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_HOST_AREA, 1, ROOT_ENTRY(among_leaves, VA_A), 0});
    set_root(ROOT);
    return good && all_kinds_allowed();
}

/* threat: W02, W05. A page beside an area, and a table through the protected window, which aliases the same DRAM. */
static bool tables_beside_and_aliased(void)
{
    const uint32_t places[] = {LEAF_AREA + LEAF_PAGES * YZ_PAGE_BYTES, ROOT_AREA - YZ_PAGE_BYTES,
                               TABLE_A | 1u << YZ_PROTECTION_BIT};
    bool good = true;
    fresh_tables();
    map_a(PUBLIC, PTE_ALL);
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        copy_table(places[i]);
        *at(ROOT_ENTRY(ROOT, VA_A)) = pte(places[i], PTE_POINTER);
        flush();
        good &= all_kinds_refused(0, places[i]);
    }
    *at(ROOT_ENTRY(ROOT, VA_A)) = pte(TABLE_A, PTE_POINTER);
    flush();
    return good && all_kinds_allowed();
}

/* threat: W11. Bits 33:32 of a physical address exist and nothing lies there; cut off, it would be TABLE_A or ROOT. */
static bool pointer_above_memory(void)
{
    fresh_tables();
    map_a(PUBLIC, PTE_ALL);
    uint64_t alias = (uint64_t)TABLE_A | 2ull << 32;
    *at(ROOT_ENTRY(ROOT, VA_A)) = pte(alias, PTE_POINTER);
    flush();
    bool good = all_kinds_refused(0, alias);
    CSR_WRITE(satp, SATP_SV32 | (uint32_t)(((uint64_t)ROOT | 1ull << 32) >> 12));
    flush();
    struct access load = {LOAD, MPRV_S, VA_A + VICTIM_OFFSET, VICTIM};
    uint64_t entry = ROOT_ENTRY((uint64_t)ROOT | 1ull << 32, VA_A);
    good &= refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_HOST_AREA, 1, entry, 0});
    *at(ROOT_ENTRY(ROOT, VA_A)) = pte(TABLE_A, PTE_POINTER);
    set_root(ROOT);
    return good && all_kinds_allowed();
}

/* threat: W25. Pointers to the program itself, devices and holes; then with a guard that was told to allow them. */
static bool pointer_to_device(void)
{
    const uint32_t places[] = {YZ_DRAM_BASE,  YZ_UART_BASE, YZ_SIM_BASE, YZ_CLINT_BASE,
                               YZ_GUARD_BASE, 0x40000000u,  0xFFFFF000u};
    struct access load = {LOAD, AS_S, VA_A + VICTIM_OFFSET, VICTIM};
    bool good = true;
    fresh_tables();
    map_a(PUBLIC, PTE_ALL);
    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        *at(ROOT_ENTRY(ROOT, VA_A)) = pte(places[i], PTE_POINTER);
        flush();
        good &= refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_HOST_AREA, 0, places[i], 0});
    }
    guard_area(3, 1, 1, YZ_MMIO_BASE, YZ_MMIO_BASE + 0x10000u);
    *at(ROOT_ENTRY(ROOT, VA_A)) = pte(YZ_SYSINFO_BASE, PTE_POINTER);
    flush();
    uint32_t reads = sysinfo->walk_reads;
    good &= refused(load, not_by_guard(CAUSE_LOAD_ACCESS));
    good &= check(sysinfo->walk_reads - reads <= 4, "the walker read more than the stub's and the root's entries");
    note("a device is not on the walker's bus even in an area");
    guard_area(3, 0, 0, 0, 0);
    *at(ROOT_ENTRY(ROOT, VA_A)) = pte(TABLE_A, PTE_POINTER);
    flush();
    return good && allowed(load);
}

/* threat: W27 */
static bool pmp_denies_walk(void)
{
    struct access load = {LOAD, AS_S, VA_A + VICTIM_OFFSET, VICTIM};
    struct access fetch = {FETCH, AS_S, VA_A + VICTIM_OFFSET, VICTIM};
    fresh_tables();
    map_a(PUBLIC, PTE_ALL);
    pmp_close(TABLE_A, YZ_PAGE_BYTES, 0);
    bool good = refused(load, not_by_guard(CAUSE_LOAD_ACCESS)) &&
                refused(fetch, not_by_guard(CAUSE_FETCH_ACCESS));
    uint32_t begun = CSR_READ(mcycle);
    while (CSR_READ(mcycle) - begun < 10000u)
        good &= refused(load, not_by_guard(CAUSE_LOAD_ACCESS));
    note("alive 10000 cycles later");
    pmp_open();
    return good && allowed(load) && allowed(fetch);
}

const struct scenario table_scenarios[] = {
    {"root table outside the host page tables", "W01", root_outside},
    {"leaf table outside the host page tables", "W02", leaf_table_outside},
    {"table of one level in the other level's area", "W03", wrong_level_area},
    {"table beside an area or through the protected window", "W02,W05", tables_beside_and_aliased},
    {"table pointer above implemented memory", "W11", pointer_above_memory},
    {"table pointer to devices, holes and machine memory", "W25", pointer_to_device},
    {"PMP denies a walk and the hart lives on", "W27", pmp_denies_walk},
    {0},
};
