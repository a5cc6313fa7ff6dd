/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile host: helpers of the attack scenarios, and the scenarios that attack.c does not hold itself.
 *
 * Every attack is judged three times: what the monitor answered or the hart trapped with, that the attacked word did not
 * change, and (attack_sums) that no table changed anywhere near.
 */
#ifndef YZ_HOST_ATTACK_H
#define YZ_HOST_ATTACK_H

#include <stdbool.h>
#include <stdint.h>
#include <yz/abi.h>

#include "enclave.h"
#include "kernel_space.h"
#include "layout.h"
#include "pool.h"
#include "probe.h"
#include "sbi.h"
#include "scenario.h"
#include "tables.h"

#define LEAF (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D)
#define LEAF_READ (PTE_V | PTE_R | PTE_A)

/* A 4 MiB range of addresses without mappings, with a leaf table of its own: where attacks map things. */
#define PLAY_VA 0x20000000u

struct attack {
    uint32_t table;  /* the leaf table of PLAY_VA: empty at the start and at the end of each scenario */
    uint32_t page;   /* a page of the host, its first word PAGE_WORD */
    struct enclave victim; /* an enclave that waits in the middle of its work */
};
#define PAGE_WORD 0x600DDA7Au
extern struct attack attack;

/* Make the above once. False, and the scenario fails, when the monitor refuses something legal. */
bool attack_ready(void);

/* Let the victim go on to its end: true when it still computes what it must. */
bool attack_victim_ends_well(void);

/* PTE of PLAY_VA + index pages. */
uint32_t play_pte(uint32_t index);

struct sbi_result set_one(uint32_t pte_pa, uint32_t value);
uint32_t page_owner(uint32_t pa);

/* The call must have failed, with this error when `error` is not 0. */
bool refused(struct sbi_result result, int32_t error, const char *what);

/* The access must have trapped with this cause at this address. */
bool trapped(struct probe probe, uint32_t cause, uint32_t address, const char *what);

/* Checksum of a page of 1024 words. */
uint32_t page_sum(uint32_t pa);

/* Checksum of what attacks aim at: the kernel's root table, PLAY_VA's table, the table of the table area, a data page. */
uint32_t attack_sums(void);

/* Before paging is on: attack_early.c. PMP alone stands between the host and the memory. */
void attack_before_init(void);
void attack_before_paging(void);

/* Page tables and satp: attack_tables.c, attack_memory.c */
void attack_satp_elsewhere(void);
void attack_satp_bare(void);
void attack_wrong_level(void);
void attack_pointer_elsewhere(void);
void attack_store_to_tables(void);
void attack_alias_of_tables(void);
void attack_map_secret_pages(void);
void attack_superpage_over_secrets(void);
void attack_high_address(void);
void attack_entry_formats(void);
void attack_devices(void);
void attack_status_bits(void);
void attack_machine_csrs(void);
void attack_stale_translation(void);
void attack_split_and_fence(void);
void attack_reservation(void);
void attack_still_alive(void);

/* Calls of the monitor: attack_calls.c */
void attack_bad_pointers(void);
void attack_bad_sizes(void);
void attack_all_or_nothing(void);
void attack_pte_elsewhere(void);
void attack_init_again(void);
void attack_undefined_calls(void);

/* Enclaves: attack_enclave.c */
void attack_donate_twice(void);
void attack_donate_mapped(void);
void attack_enclave_ids(void);
void attack_enclave_states(void);
void attack_other_side(void);
void attack_ocall_answers(void);
void attack_host_csrs_kept(void);
void attack_interrupted_anywhere(void);
void attack_left_translations(void);
void attack_destroy_mid_work(void);
void attack_exhaustion(void);
void attack_snooping_enclave(void);
void attack_victim_unharmed(void);

#endif
