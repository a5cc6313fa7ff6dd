/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks with modes: reset, worlds, MPRV, SUM, paging off, and the guard's own registers. */
#include "attack.h"

#define OFFSET 0x30u
#define HIDDEN (SECURE + OFFSET)
#define SHOWN (PUBLIC + OFFSET)
#define ROOT_ENTRY_A (ROOT + (VA_A >> 22) * 4)

/* The guard as reset leaves it, then with areas but not enabled: no walk at all. covers: GPT.RESET_DENY */
static bool after_reset(void)
{
    struct access load = {LOAD, MPRV_S, VA_A + OFFSET, SHOWN};
    fresh_tables();
    map_a(PUBLIC, PTE_DATA);
    struct refusal denied = {CAUSE_LOAD_ACCESS, RULE_RESET_DENY, 1, ROOT_ENTRY_A, 0};
    bool good = check(guard->control == 0, "the guard is enabled after reset") && refused(load, denied);
    guard_areas();
    guard->control = 0;
    good &= refused(load, denied);
    guard->control = GPT__CONTROL__ENABLE_bm;
    return good && allowed(load);
}

/* Walks of the enclave world through host tables, and of the host through enclave tables. covers: GPT.ENCLAVE_AREA */
static bool worlds(void)
{
    struct access load = {LOAD, MPRV_S, VA_A + OFFSET, HIDDEN};
    uint32_t root = ENCLAVE_AREA, leaf = ENCLAVE_AREA + YZ_PAGE_BYTES, entry = root + (VA_A >> 22) * 4;
    fresh_tables();
    map_a(PUBLIC, PTE_DATA);
    memset((void *)(uintptr_t)root, 0, 2 * YZ_PAGE_BYTES);
    *at(entry) = pte(leaf, PTE_POINTER);
    *at(leaf) = pte(SECURE, PTE_DATA);
    guard->world = 1;
    flush();
    bool good = refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_ENCLAVE_AREA, 1, ROOT_ENTRY_A, 0});
    set_root(root);
    good &= allowed(load);
    *at(entry) = pte(TABLE_A, PTE_POINTER); /* an enclave table that leads into the host's tables */
    flush();
    good &= refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_ENCLAVE_AREA, 0, TABLE_A, 0});
    *at(entry) = pte(leaf, PTE_POINTER);
    guard->world = 0;
    flush();
    good &= refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_HOST_AREA, 1, entry, 0});
    set_root(ROOT);
    load.pa = SHOWN;
    return good && allowed(load);
}

/* threat: W19, W20. Machine mode under MPRV is checked like S or U; its trap handler is machine mode again. */
static bool mprv(void)
{
    const enum mode modes[] = {MPRV_S, MPRV_U};
    bool good = true;
    fresh_tables();
    for (unsigned i = 0; i < 2; i++) {
        uint32_t user = modes[i] == MPRV_U ? PTE_U : 0;
        struct access load = {LOAD, modes[i], VA_A + OFFSET, HIDDEN}, store = {STORE, modes[i], VA_A + OFFSET, HIDDEN};
        map_a(SECURE, PTE_DATA | user);
        good &= refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_HOST_LEAF, 0, TABLE_A, SECURE >> 12}) &&
                refused(store, (struct refusal){CAUSE_STORE_ACCESS, RULE_HOST_LEAF, 0, TABLE_A, SECURE >> 12});
        map_a(PUBLIC, PTE_DATA | user);
        load.pa = store.pa = SHOWN;
        good &= allowed(load) && allowed(store);
        map_a(PUBLIC, PTE_DATA | (user ^ PTE_U)); /* the other one's page */
        good &= refused(load, not_by_guard(CAUSE_LOAD_PAGE));
    }
    return good;
}

/* threat: W20. Root outside: a handler whose loads were still translated could not even save its registers. */
static bool mprv_across_trap(void)
{
    struct access load = {LOAD, MPRV_S, VA_A + OFFSET, SHOWN};
    fresh_tables();
    map_a(PUBLIC, PTE_DATA);
    set_root(OUTSIDE);
    struct outcome o = make_access(&load);
    bool in_machine = (o.mstatus & MSTATUS_MPRV) && (o.mstatus & MSTATUS_MPP) == MSTATUS_MPP;
    bool good = check(o.cause == CAUSE_LOAD_ACCESS && in_machine,
                      "the handler after a trap under MPRV is not in machine mode");
    set_root(ROOT);
    guard_clear();
    load.mode = AS_S;
    o = enter_with_mprv(&load);
    good &= check(is_done(&o, &load) && !(o.mstatus & MSTATUS_MPRV), "mret to S-mode left MPRV set");
    note("handler ran in machine mode; mret to S cleared MPRV");
    return good;
}

/* threat: W18, W21. Paging off: no walk, so PMP alone closes the protected window; SUM has no say. */
static bool paging_off(void)
{
    const enum op ops[] = {LOAD, STORE, AMO, FETCH};
    const enum mode modes[] = {AS_S, MPRV_S, MPRV_U};
    bool good = true;
    fresh_tables();
    CSR_WRITE(satp, 0);
    for (int open = 0; open < 2; open++) {
        if (open)
            pmp_open();
        else
            pmp_close(YZ_PROTECTED_BASE, YZ_DRAM_MAX_BYTES, 0);
        for (int sum = 0; sum < 2; sum++) {
            if (sum)
                CSR_SET(mstatus, MSTATUS_SUM);
            for (unsigned i = 0; i < sizeof ops / sizeof ops[0]; i++)
                for (unsigned j = 0; j < (ops[i] == FETCH ? 1u : 3u); j++) {
                    struct access a = {ops[i], modes[j], HIDDEN, HIDDEN};
                    good &= open ? allowed(a) : refused(a, not_by_guard(access_cause(ops[i], false)));
                }
            CSR_CLEAR(mstatus, MSTATUS_SUM);
        }
    }
    return good;
}

/* threat: W32. The guard's registers from S- and U-mode, mapped and unmapped, behind PMP as the monitor sets it. */
static bool registers_from_below(void)
{
    uint32_t word = YZ_GUARD_BASE + 0x100u + 7 * 0x20u + 4; /* base_lo of the last area, which is off */
    uint32_t offset = word & 0xFFFu;
    bool good = true;
    fresh_tables();
    map_a(YZ_GUARD_BASE, PTE_DATA);
    for (int open = 0; open < 2; open++) {
        if (!open)
            pmp_close(YZ_GUARD_BASE, YZ_GUARD_BYTES, 0);
        else
            pmp_open();
        for (int paged = 1; paged >= 0; paged--) {
            if (paged)
                set_root(ROOT);
            else
                CSR_WRITE(satp, 0);
            uint32_t va = paged ? VA_A + offset : word;
            struct access load = {LOAD, AS_S, va, word}, store = {STORE, AS_S, va, word};
            if (open)
                good &= allowed(load) && allowed(store);
            else
                good &= refused(load, not_by_guard(CAUSE_LOAD_ACCESS)) &&
                        refused(store, not_by_guard(CAUSE_STORE_ACCESS));
        }
    }
    return good;
}

/* threat: W32. Locked, not even machine mode changes it. covers: GPT.LOCK */
static bool locked_registers(void)
{
    bool good = true;
    fresh_tables();
    uint32_t area = YZ_GUARD_BASE + 0x100u + 2 * 0x20u, other = area + 0x20u, control = YZ_GUARD_BASE + 0x08u;
    struct access base = {STORE, AS_M, area + 4, area + 4}, next = {STORE, AS_M, other + 4, other + 4};
    good &= allowed(base) && allowed(next);
    const struct refusal refusal = not_by_guard(CAUSE_STORE_ACCESS);
    guard->area[2].attr |= GPT__AREA_T__ATTR_T__LOCK_bm;
    for (uint32_t offset = 0; offset <= 0x10u; offset += 4)
        good &= refused((struct access){STORE, AS_M, area + offset, area + offset}, refusal);
    good &= refused((struct access){STORE_BYTE, AS_M, area + 4, area + 4}, refusal) && allowed(next);
    guard->control = GPT__CONTROL__ENABLE_bm | GPT__CONTROL__LOCK_bm;
    good &= refused(next, refusal) && refused((struct access){STORE, AS_M, control, control}, refusal);
    guard->world = 1;
    good &= check(guard->world == 1, "the lock covers the world");
    guard->world = 0;
    map_a(PUBLIC, PTE_DATA);
    good &= allowed((struct access){LOAD, AS_S, VA_A + OFFSET, SHOWN});
    map_a(SECURE, PTE_DATA);
    struct access load = {LOAD, AS_S, VA_A + OFFSET, HIDDEN};
    return good && refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_HOST_LEAF, 0, TABLE_A, SECURE >> 12});
}

const struct scenario mode_scenarios[] = {
    {"no walk before the guard is enabled", "", after_reset},
    {"walks of one world through the other's tables", "", worlds},
    {"machine mode under MPRV", "W19", mprv},
    {"MPRV across a trap and mret", "W20", mprv_across_trap},
    {"protected memory with paging off", "W18,W21", paging_off},
    {"guard registers from S-mode", "W32", registers_from_below},
    {0},
};

const struct scenario lock_scenarios[] = {
    {"locked guard registers", "W32", locked_registers},
    {0},
};
