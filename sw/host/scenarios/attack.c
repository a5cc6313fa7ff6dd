/* SPDX-License-Identifier: Apache-2.0 */
#include "attack.h"

struct attack attack;

bool attack_ready(void)
{
    static bool ready;
    if (ready)
        return true;
    attack.table = table_take(0);
    attack.page = pool_take();
    if (!expect(attack.table && attack.page, "no table or page for the attacks"))
        return false;
    page_clear(attack.page);
    *(volatile uint32_t *)(uintptr_t)attack.page = PAGE_WORD;
    int32_t error = pte_set(kernel_root + 4 * vpn1(PLAY_VA), pte_make(attack.table, PTE_V));
    if (!error)
        error = enclave_create(&attack.victim, enclave_example(EXAMPLE_COMPUTE), 6 * PAGE);
    attack.victim.quiet = true;
    while (!error && attack.victim.yields == 0)
        error = enclave_slice(&attack.victim);
    ready = expect(error == 0, "the victim enclave was refused: %s", error_name(error));
    return ready;
}

bool attack_victim_ends_well(void)
{
    int32_t error = enclave_run_to_end(&attack.victim);
    return error == 0 && attack.victim.exit_reason == YZ_EXIT_DONE && attack.victim.exit_value == 42;
}

uint32_t play_pte(uint32_t index)
{
    return attack.table + 4 * index;
}

struct sbi_result set_one(uint32_t pte_pa, uint32_t value)
{
    return monitor_call(YZ_HOST_SET_PTE, YZ_PTE_SET_ONE, pte_pa, value, 0);
}

uint32_t page_owner(uint32_t pa)
{
    return monitor_call(YZ_HOST_PAGE_OWNER, pa, 0, 0, 0).value;
}

bool refused(struct sbi_result result, int32_t error, const char *what)
{
    bool good = error ? result.error == error : result.error < 0;
    return expect(good, "%s: answered %s (%d)", what, error_name(result.error), (int)result.error);
}

bool trapped(struct probe probe, uint32_t cause, uint32_t address, const char *what)
{
    if (probe.cause == CAUSE_NONE)
        return expect(false, "%s went through, value 0x%08x", what, (unsigned)probe.value);
    return expect(probe.cause == cause && probe.address == address, "%s: cause %u, address 0x%08x", what,
                  (unsigned)probe.cause, (unsigned)probe.address);
}

uint32_t page_sum(uint32_t pa)
{
    const uint32_t *words = (const uint32_t *)(uintptr_t)pa;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < PAGE / sizeof *words; i += 8) {
        const uint32_t *w = words + i;
        /* Rotated between groups, so that words which change places are seen. */
        sum = (sum << 5 | sum >> 27) + (w[0] ^ w[1] << 1 ^ w[2] << 2 ^ w[3] << 3) + (w[4] ^ w[5] << 1 ^ w[6] << 2 ^ w[7] << 3);
    }
    return sum;
}

uint32_t attack_sums(void)
{
    uint32_t tables_leaf = pte_address(pte_read(kernel_root + 4 * vpn1(TABLE_CHUNK)));
    return page_sum(kernel_root) * 3 + page_sum(attack.table) * 5 + page_sum(tables_leaf) * 7 + page_sum(attack.page);
}

const struct scenario attack_early_scenarios[] = {
    {"before the monitor is initialised", "W21,W32,F33,M23,C15", attack_before_init},
    {"tables closed, paging still off", "W04,W21,F34", attack_before_paging},
};

const struct scenario attack_scenarios[] = {
    {"fence by address in a split superpage", "W13", attack_split_and_fence},
    {"satp to a table of its own", "W01,W11,W27", attack_satp_elsewhere},
    {"satp Bare", "W21", attack_satp_bare},
    {"table of the wrong level", "W03", attack_wrong_level},
    {"pointer out of the table area", "W02,W25", attack_pointer_elsewhere},
    {"stores to page tables", "W04", attack_store_to_tables},
    {"second mapping of a page table", "W05", attack_alias_of_tables},
    {"mapping of enclave and monitor pages", "W06", attack_map_secret_pages},
    {"superpage over secrets", "W07", attack_superpage_over_secrets},
    {"page numbers above the memory", "W11", attack_high_address},
    {"reserved and malformed entries", "W24", attack_entry_formats},
    {"guard and device registers", "W32,W25,C15", attack_devices},
    {"SUM and MXR", "W17,W18", attack_status_bits},
    {"machine-mode registers", "W19,W20,W32", attack_machine_csrs},
    {"stale translation of a donated page", "W12,F08", attack_stale_translation},
    {"reservation moved to an enclave page", "W35", attack_reservation},
    {"bad pointers in every call", "F01,F15", attack_bad_pointers},
    {"bad sizes and counts", "F02", attack_bad_sizes},
    {"refused entries leave nothing behind", "F04", attack_all_or_nothing},
    {"entries outside the tables", "F06", attack_pte_elsewhere},
    {"initialisation again", "F34,W32", attack_init_again},
    {"undefined calls", "F26", attack_undefined_calls},
    {"pages donated twice", "F07,F29", attack_donate_twice},
    {"page donated under a superpage", "F08", attack_donate_mapped},
    {"enclave identifiers", "F11", attack_enclave_ids},
    {"calls in the wrong state", "F12", attack_enclave_states},
    {"calls of the other side", "F13", attack_other_side},
    {"lying answers to an ocall", "F32", attack_ocall_answers},
    {"registers across an enclave", "F17", attack_host_csrs_kept},
    {"timer at any point of entry and exit", "F14", attack_interrupted_anywhere},
    {"translations an enclave leaves", "W31,W12", attack_left_translations},
    {"enclave destroyed in its work", "F10", attack_destroy_mid_work},
    {"slots and tables used up", "F27", attack_exhaustion},
    {"enclave that snoops", "F13", attack_snooping_enclave},
    {"core alive after refusals", "W27", attack_still_alive},
    {"victim unharmed", "F10", attack_victim_unharmed},
};
const size_t attack_scenario_count = sizeof attack_scenarios / sizeof attack_scenarios[0];
