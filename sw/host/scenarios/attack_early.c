/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks with paging off: every address is physical, and PMP alone stands between the host and the memory.
 *
 * The page pool is there, address spaces and tables are not.
 */
#include "attack.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static struct sbi_result set_pte_somewhere(void)
{
    return set_one(HPT_BASE, 0);
}

/* Loads, stores and fetches from what is never the host's. */
static void touch_closed_memory(void)
{
    static const struct {
        uint32_t pa;
        const char *what;
    } closed[] = {
        {YZ_MONITOR_BASE, "first word of the monitor"},
        {YZ_MONITOR_BASE + YZ_MONITOR_BYTES - 4, "last word of the monitor"},
        {YZ_PROTECTED_BASE, "protected window"},
        {YZ_PROTECTED_BASE + (HPT_BASE - YZ_DRAM_BASE), "tables in the protected window"},
        {YZ_GUARD_BASE, "guard registers"},
        {YZ_LLC_BASE, "cache registers"},
        {YZ_MMT_BASE, "engine registers"},
        {YZ_CLINT_BASE, "CLINT"},
        {YZ_UART_BASE, "UART"},
    };
    for (uint32_t i = 0; i < COUNT(closed); i++) {
        trapped(probe_load32(closed[i].pa), CAUSE_LOAD_ACCESS, closed[i].pa, closed[i].what);
        trapped(probe_store32(closed[i].pa, 0), CAUSE_STORE_ACCESS, closed[i].pa, closed[i].what);
    }
    trapped(probe_fetch(YZ_MONITOR_BASE), CAUSE_FETCH_ACCESS, YZ_MONITOR_BASE, "jump into the monitor");
    /* Behind its last byte the memory is the host's again. */
    expect(probe_load32(YZ_MONITOR_BASE + YZ_MONITOR_BYTES).cause == CAUSE_NONE, "the page behind the monitor is closed");
}

void attack_before_init(void)
{
    touch_closed_memory();
    refused(set_pte_somewhere(), YZ_ERR_STATE, "SET_PTE");
    refused(monitor_call(YZ_HOST_SATP, SATP_SV32 | HPT_BASE >> PAGE_SHIFT, 0, 0, 0), YZ_ERR_STATE, "SATP");
    refused(monitor_call(YZ_HOST_PT_AREA_SEPARATION, 1, 0, 0, 0), YZ_ERR_STATE, "PT_AREA_SEPARATION");
    refused(monitor_call(YZ_HOST_HPT_EXTEND, HPT_BASE, PAGE, 0, 0), YZ_ERR_STATE, "HPT_EXTEND");
    refused(monitor_call(YZ_HOST_MAP_PTE, HPT_BASE, HPT_BASE + PAGE, 0, 0), YZ_ERR_STATE, "MAP_PTE");
    refused(monitor_call(YZ_HOST_CREATE_ENCLAVE, HPT_BASE, 0, 0, 0), YZ_ERR_STATE, "CREATE_ENCLAVE");
    static const struct {
        uint32_t pa, bytes;
        const char *what;
    } areas[] = {
        {HPT_BASE, 0, "empty area"},
        {HPT_BASE, PAGE, "area of one page"},
        {HPT_BASE + PAGE, 2 * PAGE, "unaligned area"},
        {HPT_BASE, 3 * PAGE, "area of three pages"},
        {YZ_MONITOR_BASE, 2 * PAGE, "area over the monitor"},
        {0x80000000, 0x80000000, "area over everything"},
        {YZ_GUARD_BASE, 2 * PAGE, "area over the guard"},
        {HPT_BASE | 1u << YZ_PROTECTION_BIT, HPT_BYTES, "area in the protected window"},
    };
    for (uint32_t i = 0; i < COUNT(areas); i++)
        refused(monitor_call(YZ_HOST_SM_INIT, areas[i].pa, areas[i].bytes, 0, 0), 0, areas[i].what);
    refused(monitor_call(YZ_HOST_SM_INIT, HPT_BASE, HPT_BYTES, 1, 0), 0, "SM_INIT with a third argument");
    expect(page_owner(HPT_BASE) == YZ_OWNER_HOST, "a page changed its owner");
    detail("monitor, protected window and devices take access faults %u, %u and %u; 6 calls and 9 areas refused",
           CAUSE_FETCH_ACCESS, CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS);
}

void attack_before_paging(void)
{
    touch_closed_memory();
    static struct probe (*const stores[])(uint32_t va, uint32_t value) = {probe_store8, probe_store16, probe_store32,
                                                                          probe_amoadd};
    const uint32_t words[] = {HPT_BASE, HPT_BASE + HPT_ROOTS * PAGE, HPT_BASE + HPT_BYTES - 4};
    uint32_t own = pool_take();
    for (uint32_t w = 0; w < COUNT(words); w++) {
        for (uint32_t i = 0; i < COUNT(stores); i++)
            trapped(stores[i](words[w], 0xFFFFFFFF), CAUSE_STORE_ACCESS, words[w], "store to a table");
        trapped(probe_sc(own, words[w], 0xFFFFFFFF), CAUSE_STORE_ACCESS, words[w], "store conditional to a table");
        struct probe p = probe_load32(words[w]);
        expect(p.cause == CAUSE_NONE && p.value == 0, "table word 0x%08x reads 0x%08x, cause %u", (unsigned)words[w],
               (unsigned)p.value, (unsigned)p.cause);
    }
    pool_drop(own);
    expect(probe_store32(HPT_BASE - 2, 1).cause != CAUSE_NONE, "a misaligned store across the edge went through");
    expect(probe_store32(HPT_BASE + HPT_BYTES, 0).cause == CAUSE_NONE, "the word behind the tables is closed");
    refused(monitor_call(YZ_HOST_SM_INIT, HPT_GROWTH, 2 * PAGE, 0, 0), YZ_ERR_STATE, "SM_INIT again");
    refused(monitor_call(YZ_HOST_PT_AREA_SEPARATION, 1, 0, 0, 0), YZ_ERR_STATE, "PT_AREA_SEPARATION again");
    expect(probe_csrw_satp(0).cause == CAUSE_ILLEGAL, "csrw satp works");
    expect(page_owner(HPT_GROWTH) == YZ_OWNER_HOST, "a page changed its owner");
    detail("stores of every size, AMO and SC to 3 tables take access fault %u; tables read as zero; init works once",
           CAUSE_STORE_ACCESS);
}
