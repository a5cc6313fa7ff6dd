/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks with satp and page-table entries: what the monitor refuses to write. */
#include "attack.h"

static uint32_t satp_now(void)
{
    return probe_csrr_satp().value;
}

/* Load this value into satp both ways; nothing may change. */
static void try_satp(uint32_t value, const char *what)
{
    uint32_t before = satp_now();
    struct probe p = probe_csrw_satp(value);
    expect(p.cause == CAUSE_ILLEGAL, "csrw satp, %s: cause %u", what, (unsigned)p.cause);
    refused(monitor_call(YZ_HOST_SATP, value, 0, 0, 0), 0, what);
    expect(satp_now() == before, "satp is 0x%08x after %s", (unsigned)satp_now(), what);
}

void attack_satp_elsewhere(void)
{
    if (!attack_ready())
        return;
    /* A perfect copy of the kernel's root, in a page of the host's own. */
    for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
        ((uint32_t *)(uintptr_t)attack.page)[i] = pte_read(kernel_root + 4 * i);
    try_satp(SATP_SV32 | attack.page >> PAGE_SHIFT, "copy of the root in a host page");
    page_clear(attack.page);
    *(volatile uint32_t *)(uintptr_t)attack.page = PAGE_WORD;
    try_satp(SATP_SV32 | attack.victim.memory >> PAGE_SHIFT, "enclave page");
    try_satp(SATP_SV32 | ENCLAVE_TABLES >> PAGE_SHIFT, "enclave page table");
    try_satp(SATP_SV32 | YZ_MONITOR_BASE >> PAGE_SHIFT, "monitor page");
    try_satp(SATP_SV32 | kernel_root >> PAGE_SHIFT | 1u << (32 - PAGE_SHIFT), "root with address bit 32 set");
    try_satp(SATP_SV32 | (kernel_root | 1u << YZ_PROTECTION_BIT) >> PAGE_SHIFT, "root through the protected window");
    try_satp(SATP_SV32 | YZ_GUARD_BASE >> PAGE_SHIFT, "guard registers");
    detail("7 roots refused: csrw satp is illegal instruction %u, satp keeps 0x%08x", CAUSE_ILLEGAL, (unsigned)satp_now());
}

void attack_satp_bare(void)
{
    if (!attack_ready())
        return;
    try_satp(0, "mode Bare");
    try_satp(kernel_root >> PAGE_SHIFT, "mode Bare with the right root");
    struct probe p = probe_load32(attack.victim.memory);
    trapped(p, CAUSE_LOAD_PAGE, attack.victim.memory, "load from an enclave page by its address");
    p = probe_load32(YZ_MONITOR_BASE);
    trapped(p, CAUSE_LOAD_PAGE, YZ_MONITOR_BASE, "load from the monitor by its address");
    detail("paging cannot be turned off (cause %u); loads by physical address take cause %u", CAUSE_ILLEGAL,
           (unsigned)p.cause);
}

void attack_wrong_level(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums();
    try_satp(SATP_SV32 | attack.table >> PAGE_SHIFT, "leaf table as root");
    uint32_t entry = kernel_root + 4 * vpn1(PLAY_VA + SUPERPAGE);
    refused(set_one(entry, pte_make(kernel_root, PTE_V)), YZ_ERR_PTE_TARGET, "pointer from a root to a root");
    refused(set_one(play_pte(0), pte_make(attack.table, PTE_V)), YZ_ERR_PTE_FORMAT, "pointer in a leaf table");
    expect(attack_sums() == sums, "a table changed");
    detail("a leaf table is no root, a root no leaf table, and a leaf table holds no pointer");
}

void attack_pointer_elsewhere(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums(), entry = kernel_root + 4 * vpn1(PLAY_VA + SUPERPAGE);
    static const struct {
        uint32_t pa;
        const char *what;
    } targets[] = {
        {0, "pointer to a host page"},
        {YZ_MONITOR_BASE, "pointer to the monitor"},
        {ENCLAVE_TABLES, "pointer to an enclave table"},
        {YZ_GUARD_BASE, "pointer to the guard registers"},
        {YZ_UART_BASE, "pointer to the UART"},
        {0x40000000, "pointer to a hole"},
        {HPT_BASE | 1u << YZ_PROTECTION_BIT, "pointer through the protected window"},
    };
    for (uint32_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        uint32_t pa = targets[i].pa ? targets[i].pa : attack.page;
        refused(set_one(entry, pte_make(pa, PTE_V)), YZ_ERR_PTE_TARGET, targets[i].what);
    }
    expect(pte_read(entry) == 0 && attack_sums() == sums, "a table changed");
    struct probe p = probe_load32(PLAY_VA + SUPERPAGE);
    trapped(p, CAUSE_LOAD_PAGE, PLAY_VA + SUPERPAGE, "load through the refused pointer");
    detail("%u pointers refused with PTE_TARGET (%d); the load there takes cause %u",
           (unsigned)(sizeof targets / sizeof targets[0]), YZ_ERR_PTE_TARGET, (unsigned)p.cause);
}

void attack_alias_of_tables(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums(), va = PLAY_VA + PAGE;
    static const uint32_t flags[] = {PTE_W, PTE_X, PTE_W | PTE_X};
    for (uint32_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        refused(set_one(play_pte(1), pte_make(kernel_root, LEAF_READ | PTE_D | flags[i])), YZ_ERR_PTE_TARGET,
                "writable or executable mapping of a table");
    refused(set_one(play_pte(1), pte_make(kernel_root | 1u << YZ_PROTECTION_BIT, LEAF_READ)), YZ_ERR_PTE_TARGET,
            "mapping of a table through the protected window");
    expect(attack_sums() == sums, "a table changed");
    /* Reading is allowed; a store through the second address still is not. */
    struct sbi_result r = set_one(play_pte(1), pte_make(kernel_root, LEAF_READ));
    expect(r.error == 0, "a read-only mapping of a table was refused: %s", error_name(r.error));
    uint32_t word = pte_read(kernel_root + 4 * vpn1(KERNEL_CHUNK));
    struct probe p = probe_load32(va + 4 * vpn1(KERNEL_CHUNK));
    expect(p.cause == CAUSE_NONE && p.value == word, "the second address reads 0x%08x, cause %u", (unsigned)p.value,
           (unsigned)p.cause);
    p = probe_store32(va, 0xFFFFFFFF);
    trapped(p, CAUSE_STORE_PAGE, va, "store through the second address");
    set_one(play_pte(1), 0);
    tlb_flush_page(va);
    expect(attack_sums() == sums, "a table changed");
    detail("W and X refused with PTE_TARGET; a read-only alias reads, a store through it takes cause %u", (unsigned)p.cause);
}

/* Refuse a leaf to pa, and see that nothing is behind its address. */
static void try_leaf(uint32_t pa, const char *what)
{
    uint32_t va = PLAY_VA + 2 * PAGE;
    refused(set_one(play_pte(2), pte_make(pa, LEAF)), YZ_ERR_PTE_TARGET, what);
    refused(set_one(play_pte(2), pte_make(pa, LEAF_READ)), YZ_ERR_PTE_TARGET, what);
    expect(pte_read(play_pte(2)) == 0, "%s: the entry changed", what);
    trapped(probe_load32(va), CAUSE_LOAD_PAGE, va, what);
}

void attack_map_secret_pages(void)
{
    if (!attack_ready())
        return;
    uint32_t bit = 1u << YZ_PROTECTION_BIT, sums = attack_sums();
    try_leaf(attack.victim.memory, "enclave page");
    try_leaf(attack.victim.memory | bit, "enclave page in the protected window");
    try_leaf(attack.victim.memory + attack.victim.memory_bytes - PAGE, "last enclave page");
    try_leaf(ENCLAVE_TABLES, "enclave page table");
    try_leaf(ENCLAVE_TABLES | bit, "enclave page table in the protected window");
    try_leaf(YZ_MONITOR_BASE, "first monitor page");
    try_leaf(YZ_MONITOR_BASE + YZ_MONITOR_BYTES - PAGE, "last monitor page");
    try_leaf(attack.page | bit, "host page in the protected window");
    expect(attack_sums() == sums, "a table changed");
    detail("8 pages refused with PTE_TARGET (%d), loads there take cause %u", YZ_ERR_PTE_TARGET, CAUSE_LOAD_PAGE);
}

void attack_superpage_over_secrets(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums(), entry = kernel_root + 4 * vpn1(PLAY_VA + SUPERPAGE);
    static const struct {
        uint32_t pa;
        const char *what;
    } chunks[] = {
        {INITRD_CHUNK, "superpage over an enclave"},
        {TABLE_CHUNK, "superpage over the page tables"},
        {YZ_MONITOR_BASE, "superpage over the monitor"},
        {KERNEL_CHUNK | 1u << YZ_PROTECTION_BIT, "superpage in the protected window"},
        {YZ_UART_BASE, "superpage over the devices"},
    };
    for (uint32_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        refused(set_one(entry, pte_make(chunks[i].pa, LEAF)), YZ_ERR_PTE_TARGET, chunks[i].what);
        refused(set_one(entry, pte_make(chunks[i].pa, LEAF_READ)), YZ_ERR_PTE_TARGET, chunks[i].what);
    }
    expect(pte_read(entry) == 0 && attack_sums() == sums, "a table changed");
    detail("5 superpages with one foreign page or more refused with PTE_TARGET, read-only ones too");
}

void attack_high_address(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums(), root_entry = kernel_root + 4 * vpn1(PLAY_VA + SUPERPAGE);
    for (uint32_t bit = 32; bit < 34; bit++) {
        uint32_t high = 1u << (bit - PAGE_SHIFT + PTE_PPN_SHIFT);
        refused(set_one(play_pte(3), pte_make(attack.page, LEAF) | high), YZ_ERR_PTE_TARGET, "leaf above 4 GiB");
        refused(set_one(root_entry, pte_make(attack.table, PTE_V) | high), YZ_ERR_PTE_TARGET, "pointer above 4 GiB");
        refused(set_one(root_entry, pte_make(KERNEL_CHUNK, LEAF) | high), YZ_ERR_PTE_TARGET, "superpage above 4 GiB");
    }
    uint32_t end = YZ_DRAM_BASE + YZ_DRAM_MAX_BYTES;
    refused(set_one(play_pte(3), pte_make(end, LEAF)), YZ_ERR_PTE_TARGET, "leaf behind the memory");
    expect(attack_sums() == sums, "a table changed");
    detail("page numbers with bits 32 and 33 of the address set, and behind DRAM, are refused, not cut off");
}

void attack_entry_formats(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums(), root_entry = kernel_root + 4 * vpn1(PLAY_VA + SUPERPAGE);
    uint32_t leaf = pte_make(attack.page, PTE_V | PTE_A | PTE_D), pointer = pte_make(attack.table, PTE_V);
    refused(set_one(play_pte(4), leaf | PTE_W), YZ_ERR_PTE_FORMAT, "W without R");
    refused(set_one(play_pte(4), leaf | PTE_W | PTE_X), YZ_ERR_PTE_FORMAT, "W and X without R");
    refused(set_one(root_entry, pte_make(KERNEL_CHUNK, PTE_V | PTE_W)), YZ_ERR_PTE_FORMAT, "superpage, W without R");
    refused(set_one(root_entry, pte_make(KERNEL_CHUNK + PAGE, LEAF)), YZ_ERR_PTE_FORMAT, "misaligned superpage");
    refused(set_one(root_entry, pointer | PTE_A), YZ_ERR_PTE_FORMAT, "pointer with A");
    refused(set_one(root_entry, pointer | PTE_D), YZ_ERR_PTE_FORMAT, "pointer with D");
    refused(set_one(root_entry, pointer | PTE_U), YZ_ERR_PTE_FORMAT, "pointer with U");
    expect(attack_sums() == sums, "a table changed");
    detail("7 malformed entries refused with PTE_FORMAT (%d)", YZ_ERR_PTE_FORMAT);
}
