/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks with loads, stores and privileged instructions: what hart, PMP and page tables refuse. */
#include "attack.h"

void attack_store_to_tables(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums(), first = HPT_BASE, last = HPT_BASE + HPT_BYTES - 4;
    static const struct {
        struct probe (*store)(uint32_t va, uint32_t value);
        const char *what;
    } stores[] = {
        {probe_store8, "byte store"},
        {probe_store16, "halfword store"},
        {probe_store32, "word store"},
        {probe_amoadd, "atomic add"},
    };
    for (uint32_t i = 0; i < sizeof stores / sizeof stores[0]; i++) {
        trapped(stores[i].store(first, 1), CAUSE_STORE_PAGE, first, stores[i].what);
        trapped(stores[i].store(last, 1), CAUSE_STORE_PAGE, last, stores[i].what);
        trapped(stores[i].store(attack.table, 1), CAUSE_STORE_PAGE, attack.table, stores[i].what);
    }
    trapped(probe_sc(attack.page, first, 1), CAUSE_STORE_PAGE, first, "store conditional");
    /* A word whose second half would be the first byte of the tables: the page before is not mapped. */
    struct probe p = probe_store32(first - 2, 0xFFFFFFFF);
    expect(p.cause != CAUSE_NONE, "a misaligned store across the edge went through");
    expect(attack_sums() == sums, "a table changed");
    struct probe word = probe_store32(first, 1);
    detail("stores of 1, 2 and 4 bytes, an AMO and an SC take cause %u at their own address; nothing changed",
           (unsigned)word.cause);
}

void attack_devices(void)
{
    if (!attack_ready())
        return;
    uint32_t sums = attack_sums(), va = PLAY_VA + 5 * PAGE;
    static const struct {
        uint32_t pa;
        const char *what;
    } devices[] = {
        {YZ_GUARD_BASE, "guard registers"},
        {YZ_LLC_BASE, "cache registers"},
        {YZ_UART_BASE, "UART"},
        {YZ_SYSINFO_BASE, "system information"},
        {YZ_CLINT_BASE, "CLINT"},
    };
    for (uint32_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        refused(set_one(play_pte(5), pte_make(devices[i].pa, LEAF)), YZ_ERR_PTE_TARGET, devices[i].what);
        trapped(probe_store32(devices[i].pa, 0), CAUSE_STORE_PAGE, devices[i].pa, devices[i].what);
    }
    trapped(probe_load32(va), CAUSE_LOAD_PAGE, va, "load through the refused entry");
    expect(attack_sums() == sums, "a table changed");
    detail("no mapping of guard, cache, UART, system information or CLINT; stores to their addresses fault");
}

void attack_status_bits(void)
{
    if (!attack_ready())
        return;
    uint32_t va = PLAY_VA + 6 * PAGE, secret = attack.victim.memory, sums = attack_sums();
    csr_set(sstatus, SSTATUS_SUM | SSTATUS_MXR);
    trapped(probe_load32(secret), CAUSE_LOAD_PAGE, secret, "load from an enclave page, SUM and MXR");
    trapped(probe_store32(HPT_BASE, 0), CAUSE_STORE_PAGE, HPT_BASE, "store to a table, SUM and MXR");
    trapped(probe_load32(YZ_MONITOR_BASE), CAUSE_LOAD_PAGE, YZ_MONITOR_BASE, "load from the monitor");
    refused(set_one(play_pte(6), pte_make(secret, PTE_V | PTE_X | PTE_A)), YZ_ERR_PTE_TARGET, "execute-only enclave page");
    /* MXR itself works: it opens execute-only pages of the host's own, and only those. */
    set_one(play_pte(6), pte_make(attack.page, PTE_V | PTE_X | PTE_A));
    tlb_flush_page(va);
    struct probe with = probe_load32(va);
    csr_clear(sstatus, SSTATUS_SUM | SSTATUS_MXR);
    struct probe without = probe_load32(va);
    expect(with.cause == CAUSE_NONE && with.value == PAGE_WORD, "MXR: cause %u", (unsigned)with.cause);
    expect(without.cause == CAUSE_LOAD_PAGE, "without MXR: cause %u", (unsigned)without.cause);
    set_one(play_pte(6), 0);
    tlb_flush_page(va);
    expect(attack_sums() == sums, "a table changed");
    detail("SUM and MXR open neither enclave, table nor monitor; MXR reads only the host's own execute-only page");
}

void attack_machine_csrs(void)
{
    if (!attack_ready())
        return;
    const uint32_t mprv = 1u << 17, mpp_machine = 3u << 11;
    struct probe tries[] = {
        probe_csrw_mstatus(mprv | mpp_machine),
        probe_csrr_pmpcfg0(),
        probe_csrw_pmpaddr0(0xFFFFFFFF),
        probe_mret(),
    };
    static const char *const names[] = {"csrw mstatus", "csrr pmpcfg0", "csrw pmpaddr0", "mret"};
    for (uint32_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
        expect(tries[i].cause == CAUSE_ILLEGAL, "%s: cause %u", names[i], (unsigned)tries[i].cause);
    csr_set(sstatus, mprv | mpp_machine);
    expect((csr_read(sstatus) & (mprv | mpp_machine)) == 0, "sstatus shows 0x%08x", (unsigned)csr_read(sstatus));
    struct probe p = probe_load32(YZ_MONITOR_BASE);
    trapped(p, CAUSE_LOAD_PAGE, YZ_MONITOR_BASE, "load from the monitor after the tries");
    detail("MPRV, PMP and mret are illegal instructions (%u) to the host, and sstatus has no MPRV", CAUSE_ILLEGAL);
}

void attack_stale_translation(void)
{
    if (!attack_ready())
        return;
    /* Three addresses of one page, all in the TLB: the kernel's own and two more. */
    uint32_t memory = enclave_memory_take(6 * PAGE);
    if (!expect(memory != 0, "no memory for an enclave"))
        return;
    uint32_t pages = 6 * PAGE, aliases[3] = {memory, PLAY_VA + 7 * PAGE, PLAY_VA + 700 * PAGE};
    set_one(play_pte(7), pte_make(memory, LEAF));
    set_one(play_pte(700), pte_make(memory, LEAF_READ));
    for (int i = 0; i < 3; i++)
        expect(probe_load32(aliases[i]).cause == CAUSE_NONE, "alias %d cannot be read before the donation", i);
    enclave_memory_drop(memory, pages); /* the next taker gets the same pages */
    struct enclave e;
    int32_t error = enclave_create(&e, enclave_example(EXAMPLE_HELLO), pages);
    if (!expect(error == 0 && e.memory == memory, "create: %s", error_name(error)))
        return;
    for (int i = 0; i < 3; i++) {
        trapped(probe_load32(aliases[i]), CAUSE_LOAD_PAGE, aliases[i], "load through a stale translation");
        trapped(probe_store32(aliases[i], 0), CAUSE_STORE_PAGE, aliases[i], "store through it");
    }
    expect(pte_read(play_pte(7)) == 0 && pte_read(play_pte(700)) == 0 && pte_read(kernel_pte(memory)) == 0,
           "an entry still points to the donated page");
    e.quiet = true;
    error = enclave_run_to_end(&e);
    expect(error == 0 && e.exit_value == 0, "the enclave ended with %d", (int)e.exit_value);
    expect(enclave_reclaim(&e) == 0, "its pages are not zero afterwards");
    detail("3 mappings in table and TLB are gone with the donation: loads take cause %u", CAUSE_LOAD_PAGE);
}

void attack_split_and_fence(void)
{
    /* Before the first enclave: the chunk still is one superpage, and in the TLB. */
    uint32_t page = ENCLAVE_POOL + 3 * PAGE, other = ENCLAVE_POOL + 9 * PAGE;
    expect(probe_load32(page).cause == CAUSE_NONE, "the superpage cannot be read");
    int32_t error = kernel_split(INITRD_CHUNK);
    expect(error == 0, "the split was refused: %s", error_name(error));
    expect(probe_load32(page).cause == CAUSE_NONE && probe_load32(other).cause == CAUSE_NONE, "nothing is mapped after the split");
    error = pte_set(kernel_pte(page), 0);
    expect(error == 0, "the entry cannot be cleared: %s", error_name(error));
    tlb_flush_page(page);
    trapped(probe_load32(page), CAUSE_LOAD_PAGE, page, "load from the page that was unmapped");
    expect(probe_load32(other).cause == CAUSE_NONE, "its neighbour is gone too");
    error = kernel_map(page, 1, LEAF | PTE_G);
    expect(error == 0 && probe_load32(page).cause == CAUSE_NONE, "the page cannot be mapped again");
    detail("after split, unmap and fence of one address no translation of the superpage is left (cause %u)", CAUSE_LOAD_PAGE);
}

void attack_reservation(void)
{
    if (!attack_ready())
        return;
    uint32_t va = PLAY_VA + 8 * PAGE, secret = attack.victim.memory;
    expect(probe_sc(attack.page + 8, attack.page + 8, 5).value == 0, "SC on the host's own page fails");
    trapped(probe_sc(attack.page, secret, 0), CAUSE_STORE_PAGE, secret, "SC to an enclave page");
    /* Reserve through va, then the entry is to lead elsewhere: refused, and the SC, if it stores, stores to the old page. */
    set_one(play_pte(8), pte_make(attack.page, LEAF));
    probe_lr(va);
    refused(set_one(play_pte(8), pte_make(secret, LEAF)), YZ_ERR_PTE_TARGET, "remapping to an enclave page");
    expect(pte_read(play_pte(8)) == pte_make(attack.page, LEAF), "the entry changed");
    set_one(play_pte(8), 0);
    tlb_flush_page(va);
    trapped(probe_lr(va), CAUSE_LOAD_PAGE, va, "LR after the mapping is gone");
    detail("SC to an enclave page takes a store fault; the reserved address cannot be led there");
}

void attack_still_alive(void)
{
    if (!attack_ready())
        return;
    for (int i = 0; i < 50; i++)
        trapped(probe_load32(attack.victim.memory), CAUSE_LOAD_PAGE, attack.victim.memory, "load");
    uint64_t from = time_now();
    uint32_t turns = 0;
    while (time_now() - from < 10000)
        turns++;
    expect(turns > 10, "the hart made only %u turns in 10,000 cycles", (unsigned)turns);
    expect(probe_load32(attack.page).value == PAGE_WORD, "a legal load fails");
    detail("50 refused loads, then %u turns of a loop in 10,000 cycles and a legal load", (unsigned)turns);
}
