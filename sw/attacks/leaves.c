/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks with what a leaf points to: protected memory, the tables themselves, addresses that do not exist. */
#include "attack.h"

#define OFFSET 0x20u
#define HIDDEN (SECURE + OFFSET)
#define SHOWN (PUBLIC + OFFSET)

static const enum op data_ops[] = {LOAD, LOAD_BYTE, LOAD_RESERVED, STORE, STORE_BYTE, STORE_HALF, AMO, LR_SC};
#define DATA_OPS (sizeof data_ops / sizeof data_ops[0])

static struct refusal leaf_refusal(enum op op, uint64_t target)
{
    return (struct refusal){access_cause(op, false), RULE_HOST_LEAF, 0, TABLE_A, target >> 12};
}

static bool data_ops_refused(enum mode mode, uint64_t target, uint32_t word)
{
    bool good = true;
    for (unsigned i = 0; i < DATA_OPS; i++)
        good &= refused((struct access){data_ops[i], mode, VA_A + OFFSET, word}, leaf_refusal(data_ops[i], target));
    return good;
}

static bool data_ops_allowed(enum mode mode, uint32_t word)
{
    bool good = true;
    for (unsigned i = 0; i < DATA_OPS; i++)
        good &= allowed((struct access){data_ops[i], mode, VA_A + OFFSET, word});
    return good;
}

/* sc may fail without touching memory: either way nothing is written. */
static bool store_conditional_fails(uint32_t word)
{
    struct access sc = {STORE_CONDITIONAL, AS_S, VA_A + OFFSET, word};
    uint32_t before = *at(word);
    struct outcome o = make_access(&sc);
    bool failed_quietly = is_done(&o, &sc) && o.value != 0;
    return check((o.cause == CAUSE_STORE_ACCESS || failed_quietly) && *at(word) == before,
                 "sc wrote through a refused leaf");
}

/* threat: W06 */
static bool secure_page(void)
{
    fresh_tables();
    map_a(SECURE, PTE_ALL);
    *at(HIDDEN) = 0x5EC2E7u;
    struct access fetch = {FETCH, AS_S, VA_A + OFFSET, HIDDEN};
    bool good = data_ops_refused(AS_S, SECURE, HIDDEN) && store_conditional_fails(HIDDEN) &&
                refused(fetch, leaf_refusal(FETCH, SECURE));
    map_a(SECURE, PTE_ALL | PTE_U);
    good &= data_ops_refused(AS_U, SECURE, HIDDEN);
    map_a(PUBLIC, PTE_ALL);
    fetch.pa = SHOWN;
    good &= data_ops_allowed(AS_S, SHOWN) && allowed(fetch);
    map_a(PUBLIC, PTE_ALL | PTE_U);
    return good && data_ops_allowed(AS_U, SHOWN);
}

/* threat: W06. Enclave page tables are closed to the host in both windows, for reading too. */
static bool enclave_tables(void)
{
    fresh_tables();
    map_a(ENCLAVE_AREA, PTE_READ);
    struct access load = {LOAD, AS_S, VA_A + OFFSET, ENCLAVE_AREA + OFFSET};
    bool good = refused(load, leaf_refusal(LOAD, ENCLAVE_AREA));
    map_a(ENCLAVE_AREA | 1u << YZ_PROTECTION_BIT, PTE_READ);
    good &= refused(load, leaf_refusal(LOAD, ENCLAVE_AREA | 1u << YZ_PROTECTION_BIT));
    map_a(ENCLAVE_AREA + ENCLAVE_PAGES * YZ_PAGE_BYTES, PTE_READ);
    load.pa = ENCLAVE_AREA + ENCLAVE_PAGES * YZ_PAGE_BYTES + OFFSET;
    return good && allowed(load);
}

/* threat: W04. Every kind of store to a page table; reading it stays allowed. */
static bool write_to_table(void)
{
    uint32_t word = TABLE_A + OFFSET;
    struct access load = {LOAD, AS_S, VA_A + OFFSET, word}, store = {STORE, AS_S, VA_A + OFFSET, word};
    fresh_tables();
    map_a(TABLE_A, PTE_DATA);
    bool good = data_ops_refused(AS_S, TABLE_A, word) && store_conditional_fails(word);
    map_a(TABLE_A, PTE_READ); /* without W: the host may look */
    good &= allowed(load) && refused(store, not_by_guard(CAUSE_STORE_PAGE));
    uint32_t edge = YZ_PAGE_BYTES - 2; /* misaligned, from a public page into a table */
    *at(TABLE_A + 4) = pte(TABLE_A, PTE_DATA);
    map_a(PUBLIC, PTE_DATA);
    uint32_t first = *at(TABLE_A), last = *at(PUBLIC + YZ_PAGE_BYTES - 4);
    struct outcome o = make_access(&(struct access){STORE, AS_S, VA_A + edge, SHOWN});
    good &= check(o.cause == CAUSE_STORE_MISALIGNED || o.cause == CAUSE_STORE_ACCESS, "misaligned store");
    good &= check(*at(TABLE_A) == first && *at(PUBLIC + YZ_PAGE_BYTES - 4) == last, "half of a store was made");
    return good && data_ops_allowed(AS_S, SHOWN);
}

/* threat: W04. Without paging only the PMP stands before the tables. */
static bool write_to_table_unpaged(void)
{
    uint32_t word = TABLE_A + OFFSET;
    fresh_tables();
    CSR_WRITE(satp, 0);
    pmp_close(ROOT_AREA, 0x20000u, 1); /* both areas: read only */
    const enum op stores[] = {STORE, STORE_BYTE, STORE_HALF, AMO};
    bool good = allowed((struct access){LOAD, AS_S, word, word});
    for (unsigned i = 0; i < sizeof stores / sizeof stores[0]; i++)
        good &= refused((struct access){stores[i], AS_S, word, word}, not_by_guard(CAUSE_STORE_ACCESS));
    pmp_open();
    for (unsigned i = 0; i < sizeof stores / sizeof stores[0]; i++)
        good &= allowed((struct access){stores[i], AS_S, word, word});
    return good;
}

/* threat: W05. The first mapping of a table is read-only, the second writable: the physical address counts. */
static bool second_mapping_of_table(void)
{
    uint32_t word = ROOT + OFFSET, second = VA_A + YZ_PAGE_BYTES;
    struct access store = {STORE, AS_S, second + OFFSET, word};
    bool good = true;
    fresh_tables();
    map_a(ROOT, PTE_READ);
    good &= allowed((struct access){LOAD, AS_S, VA_A + OFFSET, word});
    const uint32_t aliases[] = {ROOT, ROOT | 1u << YZ_PROTECTION_BIT};
    for (unsigned i = 0; i < 2; i++) {
        *at(TABLE_A + 4) = pte(aliases[i], PTE_DATA);
        flush();
        good &= refused(store, (struct refusal){CAUSE_STORE_ACCESS, RULE_HOST_LEAF, 0, TABLE_A + 4, aliases[i] >> 12});
    }
    *at(TABLE_A + 4) = pte(PUBLIC, PTE_DATA);
    flush();
    store.pa = SHOWN;
    return good && allowed(store);
}

/* threat: W07. A superpage is refused when any page in it is closed, also where a public page of it is touched. */
static bool superpage(void)
{
    struct access load = {LOAD, AS_S, VA_SUPER + OFFSET, SHOWN};
    uint32_t entry = ROOT + (VA_SUPER >> 22) * 4;
    bool good = true;
    fresh_tables();
    const struct {
        uint32_t target, flags, touch;
    } bad[] = {
        {ROOT_AREA, PTE_DATA, 0x3FF000u},                     /* tables in it, writable; the last page is public */
        {ROOT_AREA, PTE_READ, 0x3FF000u},                     /* enclave tables in it, even for reading */
        {SECURE & ~(SUPERPAGE_BYTES - 1), PTE_READ, 0},       /* protected window */
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        *at(entry) = pte(bad[i].target, bad[i].flags);
        flush();
        load.va = VA_SUPER + bad[i].touch + OFFSET;
        load.pa = bad[i].target + bad[i].touch + OFFSET;
        good &= refused(load, (struct refusal){CAUSE_LOAD_ACCESS, RULE_HOST_LEAF, 1, entry, bad[i].target >> 12});
    }
    *at(entry) = pte(PUBLIC, PTE_DATA);
    flush();
    for (uint32_t touch = 0; touch < SUPERPAGE_BYTES; touch += 0x155000u)
        good &= allowed((struct access){STORE, AS_S, VA_SUPER + touch + OFFSET, SHOWN + touch});
    return good;
}

/* threat: W11. Cut to 32 bits the leaf would be a public page; it is an address where nothing lies. */
static bool leaf_above_memory(void)
{
    struct access load = {LOAD, AS_S, VA_A + OFFSET, SHOWN}, store = {STORE, AS_S, VA_A + OFFSET, SHOWN};
    bool good = true;
    fresh_tables();
    for (uint64_t high = 1; high < 4; high++) {
        map_a((uint64_t)PUBLIC | high << 32, PTE_DATA);
        good &= refused(load, not_by_guard(CAUSE_LOAD_ACCESS)) &&
                refused(store, not_by_guard(CAUSE_STORE_ACCESS));
    }
    map_a(PUBLIC, PTE_DATA);
    return good && allowed(load) && allowed(store);
}

/* threat: W17 */
static bool executable_relaxed(void)
{
    struct access load = {LOAD, AS_S, VA_A + OFFSET, HIDDEN};
    fresh_tables();
    CSR_SET(mstatus, MSTATUS_MXR);
    map_a(SECURE, PTE_V | PTE_X | PTE_A);
    bool good = refused(load, leaf_refusal(LOAD, SECURE));
    map_a(PUBLIC, PTE_V | PTE_X | PTE_A);
    load.pa = SHOWN;
    good &= allowed(load);
    CSR_CLEAR(mstatus, MSTATUS_MXR);
    return good && refused(load, not_by_guard(CAUSE_LOAD_PAGE));
}

/* threat: W24. Reserved encodings map nothing; where they could be taken for a leaf they are judged like one. */
static bool reserved_encodings(void)
{
    struct access load = {LOAD, AS_S, VA_A + OFFSET, SHOWN};
    uint32_t entry = ROOT + (VA_A >> 22) * 4;
    bool good = true;
    fresh_tables();
    map_a(SECURE, PTE_V | PTE_W | PTE_A | PTE_D);
    good &= refused(load, leaf_refusal(LOAD, SECURE));
    const uint32_t leaves[] = {PTE_V | PTE_W | PTE_A | PTE_D, PTE_V | PTE_W | PTE_X | PTE_A, PTE_V, 0, PTE_V | PTE_R};
    for (unsigned i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        map_a(PUBLIC, leaves[i]);
        good &= refused(load, not_by_guard(CAUSE_LOAD_PAGE));
    }
    map_a(PUBLIC, PTE_DATA);
    const uint32_t pointers[] = {PTE_V | PTE_A, PTE_V | PTE_D, PTE_V | PTE_U};
    for (unsigned i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
        *at(entry) = pte(TABLE_A, pointers[i]);
        flush();
        good &= refused(load, not_by_guard(CAUSE_LOAD_PAGE));
    }
    *at(entry) = pte(TABLE_A, PTE_POINTER);
    flush();
    return good && allowed(load);
}

const struct scenario leaf_scenarios[] = {
    {"leaf to a secure page", "W06", secure_page},
    {"leaf to enclave page tables", "W06", enclave_tables},
    {"every kind of write to a page table", "W04", write_to_table},
    {"write to a page table with paging off", "W04", write_to_table_unpaged},
    {"second, writable mapping of a page table", "W05", second_mapping_of_table},
    {"superpage over closed pages", "W07", superpage},
    {"leaf above implemented memory", "W11", leaf_above_memory},
    {"MXR and an execute-only leaf", "W17", executable_relaxed},
    {"reserved encodings", "W24", reserved_encodings},
    {0},
};
