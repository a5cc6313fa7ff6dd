/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks with translations that are older than the tables: missing and narrow fences, reservations. */
#include "attack.h"

#define OFFSET 0x40u
#define HIDDEN (SECURE + OFFSET)
#define SHOWN (PUBLIC + OFFSET)
#define SPLIT_TABLE (LEAF_AREA + 0x3000u)

/*
 * threat: W12. A page becomes secure while its translation is cached. The window ends with the monitor's fence; PMP,
 * which is checked on every access, closes it at once.
 */
static bool page_becomes_secure(void)
{
    struct access load = {LOAD, AS_S, VA_A + OFFSET, SHOWN};
    struct refusal by_guard = {CAUSE_LOAD_ACCESS, RULE_HOST_LEAF, 0, TABLE_A, PUBLIC >> 12};
    fresh_tables();
    map_a(PUBLIC, PTE_DATA);
    bool good = allowed(load);
    guard_area(3, 2, 0xF, PUBLIC, PUBLIC + YZ_PAGE_BYTES);
    struct outcome o = make_access(&load);
    note(is_done(&o, &load) ? "without a fence the old translation still serves" : "refused even without a fence");
    good &= check(is_done(&o, &load) || o.cause == CAUSE_LOAD_ACCESS, "neither served nor refused");
    CSR_WRITE(pmpaddr0, PUBLIC >> 2 | ((YZ_PAGE_BYTES >> 3) - 1)); /* no fence here: pmp_close() has one */
    CSR_SET(pmpcfg0, 0x18u);
    guard_clear();
    o = make_access(&load);
    good &= check(o.cause == CAUSE_LOAD_ACCESS, "PMP did not stop an old translation");
    pmp_open();
    good &= refused(load, by_guard);
    guard_area(3, 0, 0, 0, 0);
    flush();
    return good && allowed(load);
}

static bool superpage_allowed(uint32_t page)
{
    uint32_t offset = page * YZ_PAGE_BYTES + OFFSET;
    return allowed((struct access){LOAD, AS_S, VA_SUPER + offset, PUBLIC + offset});
}

/* threat: W13. A superpage is split and one of its pages made secure; the fence names another of its pages. */
static bool superpage_split(void)
{
    uint32_t entry = ROOT + (VA_SUPER >> 22) * 4;
    const uint32_t pages[] = {0, 1, 17, 511, 1023};
    const unsigned count = sizeof pages / sizeof pages[0];
    bool good = true;
    for (unsigned closed = 0; closed < count; closed++) {
        fresh_tables();
        *at(entry) = pte(PUBLIC, PTE_DATA);
        flush();
        for (unsigned i = 0; i < count; i++)
            good &= superpage_allowed(pages[i]);
        for (unsigned i = 0; i < count; i++)
            *at(SPLIT_TABLE + 4 * pages[i]) = pte(PUBLIC + pages[i] * YZ_PAGE_BYTES, PTE_DATA);
        *at(SPLIT_TABLE + 4 * pages[closed]) = pte(SECURE, PTE_DATA);
        *at(entry) = pte(SPLIT_TABLE, PTE_POINTER);
        uint32_t fenced = VA_SUPER + pages[(closed + 1) % count] * YZ_PAGE_BYTES;
        __asm__ volatile("sfence.vma %0, zero" ::"r"(fenced) : "memory");
        struct access load = {LOAD, AS_S, VA_SUPER + pages[closed] * YZ_PAGE_BYTES + OFFSET, HIDDEN};
        uint32_t closed_entry = SPLIT_TABLE + 4 * pages[closed];
        good &= refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_HOST_LEAF, 0, closed_entry, SECURE >> 12});
        for (unsigned i = 0; i < count; i++)
            if (i != closed)
                good &= superpage_allowed(pages[i]);
    }
    return good;
}

/* threat: W14. A fence for one address space leaves another's translations, and takes its own. */
static bool fence_of_other_asid(void)
{
    struct access load = {LOAD, AS_S, VA_A + OFFSET, SHOWN};
    struct refusal by_guard = {CAUSE_LOAD_ACCESS, RULE_HOST_LEAF, 0, TABLE_A, SECURE >> 12};
    fresh_tables();
    map_a(PUBLIC, PTE_DATA);
    CSR_WRITE(satp, SATP_SV32 | SATP_ASID(1) | ROOT >> 12);
    bool good = check(CSR_READ(satp) == (SATP_SV32 | SATP_ASID(1) | ROOT >> 12), "no address space identifiers");
    good &= allowed(load);
    *at(TABLE_A) = pte(SECURE, PTE_DATA);
    __asm__ volatile("sfence.vma zero, %0" ::"r"(2) : "memory");
    struct outcome o = make_access(&load);
    note(is_done(&o, &load) ? "the other fence left the translation" : "the other fence took the translation too");
    good &= check(is_done(&o, &load) || o.cause == CAUSE_LOAD_ACCESS, "neither served nor refused");
    __asm__ volatile("sfence.vma zero, %0" ::"r"(1) : "memory");
    load.pa = HIDDEN;
    good &= refused(load, by_guard);
    CSR_WRITE(satp, SATP_SV32 | SATP_ASID(2) | ROOT >> 12);
    good &= refused(load, by_guard);
    map_a(PUBLIC, PTE_DATA);
    load.pa = SHOWN;
    return good && allowed(load);
}

/* threat: W35. Reserve on a public page, turn the address to a secure page, store conditionally. */
static bool reservation_moved(void)
{
    struct access lr = {LOAD_RESERVED, AS_S, VA_A + OFFSET, SHOWN};
    struct access sc = {STORE_CONDITIONAL, AS_S, VA_A + OFFSET, HIDDEN};
    bool good = true;
    fresh_tables();
    for (int fence = 0; fence < 2; fence++) {
        map_a(PUBLIC, PTE_DATA);
        good &= allowed(lr);
        uint32_t shown = *at(SHOWN), hidden = *at(HIDDEN);
        *at(TABLE_A) = pte(SECURE, PTE_DATA);
        if (fence)
            __asm__ volatile("sfence.vma" ::: "memory");
        struct outcome o = make_access(&sc);
        bool gave_up = is_done(&o, &sc) && o.value != 0;
        good &= check(*at(HIDDEN) == hidden, "sc wrote to the secure page");
        bool old_translation = !fence && *at(SHOWN) != shown;
        good &= check(o.cause == CAUSE_STORE_ACCESS || gave_up || old_translation, "sc did something else");
        *at(SHOWN) = shown;
        note(old_translation ? "sc went to the public page" : gave_up ? "sc failed" : "sc refused: cause 7");
        guard_clear();
    }
    map_a(PUBLIC, PTE_DATA);
    return good && allowed((struct access){LR_SC, AS_S, VA_A + OFFSET, SHOWN});
}

/* Run one copy of the squashed load; return the loads from DRAM meanwhile, the runtime's own included. */
static uint32_t squashed_load(enum op copy)
{
    struct access a = {copy, AS_S, VA_A + OFFSET, SHOWN};
    uint32_t reads = sysinfo->data_reads;
    struct outcome o = make_access(&a);
    reads = sysinfo->data_reads - reads;
    check(is_done(&o, &a), "the squashed load trapped");
    return reads;
}

/* threat: W28. A load behind a wrongly predicted branch, to a secure page, to nothing, and to a public page. */
static bool squashed(void)
{
    fresh_tables();
    struct access load = {LOAD, AS_S, VA_A + OFFSET, HIDDEN};
    map_a(SECURE, PTE_DATA);
    guard_clear();
    uint32_t secure = squashed_load(SQUASHED_0);
    note(guard->fault_status ? "the hart did begin the walk" : "the hart did not begin the walk");
    bool good = refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_HOST_LEAF, 0, TABLE_A, SECURE >> 12});
    map_a(PUBLIC, 0);
    uint32_t nothing = squashed_load(SQUASHED_1);
    map_a(PUBLIC, PTE_DATA);
    uint32_t public = squashed_load(SQUASHED_2);
    note(public > nothing ? "to a public page it reads memory, to a secure page it does not" : "it never reads memory");
    return good & check(secure == nothing, "a squashed load read a secure page");
}

const struct scenario stale_scenarios[] = {
    {"page becomes secure under a cached translation", "W12", page_becomes_secure},
    {"superpage split behind a fence for one address", "W13", superpage_split},
    {"fence for another address space", "W14", fence_of_other_asid},
    {"load behind a wrongly predicted branch", "W28", squashed},
    {"reservation moved to a secure page", "W35", reservation_moved},
    {0},
};
