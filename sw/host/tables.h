/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page tables: which pages hold them, and the only way this kernel changes them.
 *
 * Two backends, chosen once at boot. Guarded: tables lie in the HPT area and change through SET_PTE. Unguarded (boot flag
 * YZ_BOOT_UNGUARDED, the baseline of the benches): tables are pages of the pool and change by stores.
 * Changes are queued and go to the monitor together, as Linux does for zap, fork and fault-around: queue, then commit once.
 * An entry whose change is queued reads as before until pte_commit().
 *
 * Errors are the monitor's (yz/abi.h); a refused batch changed nothing. The unguarded backend never refuses.
 */
#ifndef YZ_HOST_TABLES_H
#define YZ_HOST_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#define BATCH_ENTRIES 64u

/* Set up the backend: SM_INIT and PT_AREA_SEPARATION, or nothing. 0 or the monitor's error. */
int32_t tables_init(bool unguarded);
bool tables_guarded(void);

/* An empty table, or 0. Level 1 is a root, level 0 a leaf table. */
uint32_t table_take(unsigned level);

/* Give an empty table back: the caller has cleared what it set. */
void table_drop(uint32_t table_pa, unsigned level);

/* Add an HPT area of leaf tables at pa (HPT_EXTEND). 0 or the monitor's error. */
int32_t tables_extend(uint32_t pa, uint32_t bytes);

unsigned tables_free(unsigned level);

uint32_t pte_read(uint32_t pte_pa);
int32_t pte_set(uint32_t pte_pa, uint32_t value);

/* Queue one change; commits by itself when the queue is full. */
int32_t pte_queue(uint32_t pte_pa, uint32_t value);
int32_t pte_commit(void);

/* Zero entries, or copy them from another table: bytes is a multiple of 4, at most a table. */
int32_t pte_zero(uint32_t pte_pa, uint32_t bytes);
int32_t pte_copy(uint32_t to_pa, uint32_t from_pa, uint32_t bytes);

/* Replace the superpage entry at pte_pa by an empty leaf table with 1024 equal entries. */
int32_t pte_split(uint32_t pte_pa, uint32_t table_pa);

/* Forget translations: of one page, or all. Both trap to the monitor when guarded. */
void tlb_flush_page(uint32_t va);
void tlb_flush(void);

/* Make root_pa the current root table. */
int32_t satp_load(uint32_t root_pa);

/* Calls into the monitor for page tables since boot, and entries they carried. */
extern uint32_t tables_calls, tables_entries;

#endif
