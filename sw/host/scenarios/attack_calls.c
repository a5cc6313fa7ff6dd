/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks with the arguments of the monitor's calls. */
#include "attack.h"

#include "lib.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define DRAM_LAST (YZ_DRAM_BASE + YZ_DRAM_MAX_BYTES)

static struct sbi_result set_pte(uint32_t op, uint32_t a, uint32_t b, uint32_t c)
{
    return monitor_call(YZ_HOST_SET_PTE, op, a, b, c);
}

/* Every call that takes an address, with `pa` in that place and everything else right. */
static struct sbi_result call_with_pointer(uint32_t which, uint32_t pa)
{
    switch (which) {
    case 0:
        return set_pte(YZ_PTE_SET_ONE, pa, 0, 0);
    case 1:
        return set_pte(YZ_PTE_MEMSET, pa, 0, 4);
    case 2:
        return set_pte(YZ_PTE_MEMCPY, pa, attack.table, 4);
    case 3:
        return set_pte(YZ_PTE_MEMCPY, play_pte(9), pa, 4);
    case 4:
        return set_pte(YZ_PTE_BATCH_SET, pa, 1, 0);
    case 5:
        return set_pte(YZ_PTE_BATCH_ZERO, pa, 1, 0);
    case 6:
        return monitor_call(YZ_HOST_MAP_PTE, pa, attack.table, 0, 0);
    case 7:
        return monitor_call(YZ_HOST_MAP_PTE, kernel_root + 4 * vpn1(KERNEL_CHUNK), pa, 0, 0);
    case 8:
        return monitor_call(YZ_HOST_MEMORY_EXTEND, pa, PAGE, 0, 0);
    case 9:
        return monitor_call(YZ_HOST_HPT_EXTEND, pa, PAGE, 0, 0);
    case 10:
        return monitor_call(YZ_HOST_CREATE_ENCLAVE, pa, 0, 0, 0);
    default:
        return sbi_call(SBI_EXT_DBCN, 0, 4, pa, 0, 0, 0);
    }
}
#define POINTER_CALLS 12u
#define CALL_DBCN 11u

void attack_bad_pointers(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums(), secret = attack.victim.memory, bit = 1u << YZ_PROTECTION_BIT;
    const uint32_t pointers[] = {
        0, 0x40000000, 0xFFFFFFFC, 0xFFFFFFFF, YZ_MONITOR_BASE, YZ_MONITOR_BASE + YZ_MONITOR_BYTES - 4, secret, secret | bit,
        ENCLAVE_TABLES, YZ_GUARD_BASE, YZ_SIM_BASE, DRAM_LAST, attack.page | bit,
    };
    for (uint32_t call = 0; call < POINTER_CALLS; call++) {
        for (uint32_t i = 0; i < COUNT(pointers); i++) {
            struct sbi_result r = call_with_pointer(call, pointers[i]);
            expect(r.error < 0, "call %u took address 0x%08x", (unsigned)call, (unsigned)pointers[i]);
        }
        if (call != CALL_DBCN) /* text has no alignment */
            expect(call_with_pointer(call, attack.page + 1).error < 0, "call %u took a misaligned address", (unsigned)call);
    }
    /* The first bytes are the host's, the last are the enclave's. */
    refused(set_pte(YZ_PTE_BATCH_SET, secret - 8, 2, 0), YZ_ERR_OWNER, "batch that runs into an enclave page");
    refused(monitor_call(YZ_HOST_CREATE_ENCLAVE, secret - 16, 0, 0, 0), 0, "parameters that run into an enclave page");
    refused(sbi_call(SBI_EXT_DBCN, 0, 8, secret - 4, 0, 0, 0), 0, "text that runs into an enclave page");
    refused(sbi_call(SBI_EXT_DBCN, 1, 8, secret - 4, 0, 0, 0), 0, "input that runs into an enclave page");
    refused(sbi_call(SBI_EXT_DBCN, 0, 4, attack.page, 1, 0, 0), 0, "text above 4 GiB");
    expect(attack_sums() == sums, "a table changed");
    detail("%u calls with %u addresses each, and 5 that cross into an enclave page: all refused, no table changed",
           POINTER_CALLS, (unsigned)COUNT(pointers) + 1);
}

/* An otherwise good CREATE_ENCLAVE with one parameter replaced. */
static void create_with(uint32_t word, uint32_t value, const char *what)
{
    struct enclave_file file = enclave_example(EXAMPLE_HELLO);
    uint32_t *words = (uint32_t *)(uintptr_t)(attack.page + 256);
    uint32_t memory = enclave_memory_take(6 * PAGE), shared = pool_take();
    const uint32_t good[8] = {
        YZ_ABI_VERSION, (uint32_t)(uintptr_t)file.start, file.bytes, memory, 6 * PAGE, ENCLAVE_STACK_BYTES, shared, PAGE};
    memcpy(words, good, sizeof good);
    words[word] = value;
    refused(monitor_call(YZ_HOST_CREATE_ENCLAVE, attack.page + 256, 0, 0, 0), 0, what);
    expect(page_owner(memory) == YZ_OWNER_HOST && page_owner(shared) == YZ_OWNER_HOST, "%s: a page changed its owner", what);
    memset(words, 0, sizeof good);
    enclave_memory_drop(memory, 6 * PAGE);
    pool_drop(shared);
}

void attack_bad_sizes(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums();
    static const uint32_t bytes[] = {0, 2, 4 * (YZ_BATCH_MAX + 1), 0x80000000, 0xFFFFFFFC, 0xFFFFFFFF};
    for (uint32_t i = 0; i < COUNT(bytes); i++) {
        refused(set_pte(YZ_PTE_MEMSET, play_pte(0), 0, bytes[i]), 0, "MEMSET of a bad size");
        refused(set_pte(YZ_PTE_MEMCPY, play_pte(0), attack.page, bytes[i]), 0, "MEMCPY of a bad size");
    }
    refused(set_pte(YZ_PTE_MEMSET, play_pte(0), 1, 4), 0, "MEMSET with another value than 0");
    refused(set_pte(0, play_pte(0), 0, 4), 0, "operation 0");
    refused(set_pte(6, play_pte(0), 0, 4), 0, "operation 6");
    static const uint32_t counts[] = {0, YZ_BATCH_MAX + 1, 0x20000000, 0x20000001, 0x80000001, 0xFFFFFFFF};
    for (uint32_t i = 0; i < COUNT(counts); i++) {
        refused(set_pte(YZ_PTE_BATCH_SET, attack.page, counts[i], 0), 0, "batch of a bad count");
        refused(set_pte(YZ_PTE_BATCH_ZERO, attack.page, counts[i], 0), 0, "batch of zeros of a bad count");
    }
    static const uint32_t sizes[] = {0, 1, PAGE - 1, 3 * PAGE, 0x80000000, 0xFFFFF000, 0xFFFFFFFF};
    for (uint32_t i = 0; i < COUNT(sizes); i++) {
        refused(monitor_call(YZ_HOST_HPT_EXTEND, HPT_GROWTH, sizes[i], 0, 0), 0, "HPT_EXTEND of a bad size");
        refused(monitor_call(YZ_HOST_MEMORY_EXTEND, HPT_GROWTH, sizes[i], 0, 0), 0, "MEMORY_EXTEND of a bad size");
    }
    refused(monitor_call(YZ_HOST_HPT_EXTEND, HPT_GROWTH, PAGE, 2, 0), 0, "HPT_EXTEND at level 2");
    static const struct {
        uint32_t word, value;
        const char *what;
    } parameters[] = {
        {0, 0, "version 0"},          {0, 2, "version 2"},           {2, 0, "empty ELF"},
        {2, 0xFFFFFFFF, "endless ELF"}, {2, 51, "half an ELF header"}, {4, 0, "no memory"},
        {4, PAGE - 4, "part of a page"}, {4, 0xFFFFF000, "endless memory"}, {4, PAGE, "too little memory"},
        {5, 0, "no stack"},           {5, 100, "part of a stack page"}, {5, 0xFFFFF000, "endless stack"},
        {7, 8, "part of a buffer page"}, {7, YZ_SHM_MAX + PAGE, "buffer above the limit"}, {7, 0xFFFFF000, "endless buffer"},
    };
    for (uint32_t i = 0; i < COUNT(parameters); i++)
        create_with(parameters[i].word, parameters[i].value, parameters[i].what);
    expect(page_owner(HPT_GROWTH) == YZ_OWNER_HOST, "a page changed its owner");
    expect(attack_sums() == sums, "a table changed");
    detail("sizes and counts of 0, beyond the limit, and such that overflow 32 bits, in 6 calls: all refused");
}

void attack_all_or_nothing(void)
{
    if (!attack_ready())
        return;
    uint32_t good = pte_make(attack.page, LEAF), bad = pte_make(attack.victim.memory, LEAF);
    static _Alignas(64) struct yz_pte_update batch[4];
    static _Alignas(64) uint32_t source[4];
    uint32_t batch_pa = (uint32_t)(uintptr_t)batch, source_pa = (uint32_t)(uintptr_t)source, sums = attack_sums();
    for (uint32_t place = 0; place < 4; place++) {
        for (uint32_t i = 0; i < 4; i++)
            batch[i] = (struct yz_pte_update){play_pte(20 + i), i == place ? bad : good};
        refused(set_pte(YZ_PTE_BATCH_SET, batch_pa, 4, 0), YZ_ERR_PTE_TARGET, "batch with one bad entry");
        for (uint32_t i = 0; i < 4; i++)
            source[i] = i == place ? bad : good;
        refused(set_pte(YZ_PTE_MEMCPY, play_pte(20), source_pa, 16), YZ_ERR_PTE_TARGET, "copy of one bad entry");
        for (uint32_t i = 0; i < 4; i++)
            expect(pte_read(play_pte(20 + i)) == 0, "bad entry %u: entry %u was written", (unsigned)place, (unsigned)i);
    }
    /* Zeros: entries that are set must stay set when a later location is refused. */
    set_pte(YZ_PTE_SET_ONE, play_pte(20), good, 0);
    batch[0] = (struct yz_pte_update){play_pte(20), 4};
    batch[1] = (struct yz_pte_update){attack.page, 4};
    refused(set_pte(YZ_PTE_BATCH_ZERO, batch_pa, 2, 0), YZ_ERR_PTE_LOCATION, "zeros with one bad location");
    expect(pte_read(play_pte(20)) == good, "zeros with a bad location cleared an entry");
    /* A refused ONE leaves the old entry. */
    refused(set_one(play_pte(20), bad), YZ_ERR_PTE_TARGET, "one bad entry");
    expect(pte_read(play_pte(20)) == good, "the old entry is gone");
    set_one(play_pte(20), 0);
    tlb_flush();
    expect(attack_sums() == sums, "a table changed");
    detail("one bad entry in any of 4 places of a batch or copy: the call is refused and no entry is written");
}

void attack_pte_elsewhere(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums();
    const uint32_t places[] = {attack.page,    (uint32_t)(uintptr_t)enclave_example(EXAMPLE_HELLO).start,
                               YZ_MONITOR_BASE, attack.victim.memory, ENCLAVE_TABLES, YZ_GUARD_BASE};
    struct yz_pte_update *one = (struct yz_pte_update *)(uintptr_t)(attack.page + 512);
    for (uint32_t i = 0; i < COUNT(places); i++) {
        uint32_t pa = places[i];
        refused(set_one(pa, 0), YZ_ERR_PTE_LOCATION, "SET_ONE");
        refused(set_pte(YZ_PTE_MEMSET, pa, 0, 64), YZ_ERR_PTE_LOCATION, "MEMSET");
        refused(set_pte(YZ_PTE_MEMCPY, pa, attack.table, 64), YZ_ERR_PTE_LOCATION, "MEMCPY");
        *one = (struct yz_pte_update){pa, 4};
        refused(set_pte(YZ_PTE_BATCH_ZERO, attack.page + 512, 1, 0), YZ_ERR_PTE_LOCATION, "BATCH_ZERO");
        *one = (struct yz_pte_update){pa, 0};
        refused(set_pte(YZ_PTE_BATCH_SET, attack.page + 512, 1, 0), YZ_ERR_PTE_LOCATION, "BATCH_SET");
        refused(monitor_call(YZ_HOST_MAP_PTE, pa, attack.table, 0, 0), YZ_ERR_PTE_LOCATION, "MAP_PTE, entry");
        refused(monitor_call(YZ_HOST_MAP_PTE, kernel_root + 4 * vpn1(KERNEL_CHUNK), pa, 0, 0), YZ_ERR_PTE_LOCATION,
                "MAP_PTE, table");
    }
    *one = (struct yz_pte_update){0, 0};
    uint32_t kernel = kernel_root + 4 * vpn1(KERNEL_CHUNK), pointer = kernel_root + 4 * vpn1(TABLE_CHUNK);
    refused(monitor_call(YZ_HOST_MAP_PTE, pointer, attack.table, 0, 0), YZ_ERR_PTE_FORMAT, "split of a pointer");
    refused(monitor_call(YZ_HOST_MAP_PTE, kernel, pte_address(pte_read(pointer)), 0, 0), YZ_ERR_BUSY, "table in use");
    expect(*(uint32_t *)(uintptr_t)attack.page == PAGE_WORD && attack_sums() == sums, "something changed");
    detail("7 calls with entries in host, image, monitor, enclave and device pages: PTE_LOCATION (%d), words unchanged",
           YZ_ERR_PTE_LOCATION);
}

void attack_init_again(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums();
    refused(monitor_call(YZ_HOST_SM_INIT, HPT_BASE, HPT_BYTES, 0, 0), YZ_ERR_STATE, "SM_INIT again");
    refused(monitor_call(YZ_HOST_SM_INIT, HPT_GROWTH, PAGE, 0, 0), YZ_ERR_STATE, "SM_INIT with another area");
    refused(monitor_call(YZ_HOST_PT_AREA_SEPARATION, 1, 0, 0, 0), YZ_ERR_STATE, "PT_AREA_SEPARATION again");
    refused(monitor_call(YZ_HOST_HPT_EXTEND, HPT_BASE, HPT_BYTES, 0, 0), 0, "an HPT area twice");
    refused(monitor_call(YZ_HOST_HPT_EXTEND, attack.victim.memory & ~(2 * PAGE - 1), 2 * PAGE, 0, 0), 0,
            "an HPT area over an enclave");
    refused(monitor_call(YZ_HOST_HPT_EXTEND, ENCLAVE_TABLES, PAGE, 1, 0), 0, "an HPT area over enclave tables");
    refused(monitor_call(YZ_HOST_HPT_EXTEND, HPT_GROWTH + PAGE, 2 * PAGE, 0, 0), YZ_ERR_ALIGN, "an unaligned HPT area");
    refused(monitor_call(YZ_HOST_HPT_EXTEND, attack.page, PAGE, 0, 0), YZ_ERR_MAPPED, "an HPT area under a superpage");
    refused(monitor_call(YZ_HOST_MEMORY_EXTEND, attack.victim.memory, PAGE, 0, 0), 0, "enclave tables over an enclave");
    expect(page_owner(HPT_BASE) == YZ_OWNER_HPT_ROOT && attack_sums() == sums, "a table changed");
    detail("SM_INIT and separation work once (STATE, %d); areas that overlap, are unaligned or mapped are refused",
           YZ_ERR_STATE);
}

void attack_undefined_calls(void)
{
    if (!attack_ready())
        return;
    static const uint8_t defined[] = {81, 83, 92, 94, 95, 96, 97, 99, 100, 101, 110, 111, 112, 113, 114};
    uint32_t sums = attack_sums(), slowest = 0, calls = 0, next = 0;
    for (uint32_t id = 0; id < 0x10000; id += id < 128 ? 1 : 3989) {
        if (next < sizeof defined && id == defined[next]) {
            next++;
            continue;
        }
        uint32_t begin = cycles();
        struct sbi_result r = monitor_call(id, attack.victim.memory, PAGE, 0, 0);
        uint32_t taken = cycles() - begin;
        slowest = taken > slowest ? taken : slowest;
        calls++;
        refused(r, SBI_ERR_NOT_SUPPORTED, "undefined host call");
    }
    static const uint32_t extensions[] = {0, 0x11, 0x48534D, 0x735049, YZ_EXT_HOST - 1, 0xFFFFFFFF};
    for (uint32_t i = 0; i < COUNT(extensions); i++, calls++)
        refused(sbi_call(extensions[i], 0, attack.victim.memory, 0, 0, 0, 0), SBI_ERR_NOT_SUPPORTED, "undefined extension");
    expect(slowest < 20000, "a call took %u cycles", (unsigned)slowest);
    expect(attack_sums() == sums, "a table changed");
    detail("%u undefined calls answered NOT_SUPPORTED, the slowest in %u cycles", (unsigned)calls, (unsigned)slowest);
}
