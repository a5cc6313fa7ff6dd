/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host page tables: the areas they lie in, and the only functions that write them.
 *
 * Every change goes through two passes over a copy of the request in the monitor's memory:
 *   stage   read each argument once, judge it (pte.h), count the new mappings, keep (location, value);
 *   commit  write the entries, uncount what they replace.
 * A refused entry in the first pass takes the counts back, and no table was touched. An access fault in the second pass
 * writes the old entries back. So a call does all or nothing, and another hart or device that changes the request in
 * memory meanwhile changes nothing.
 *
 * Invariants:
 * - An HPT_ROOT page holds only invalid entries, pointers to HPT_LEAF pages and superpages onto chunks without foreign
 *   pages.
 * - An HPT_LEAF page holds only invalid entries and leaves that pte.h allows.
 * - The mapping counts of pages.h are exact.
 * Hence no walk that starts in an HPT_ROOT page ends in a page that is not the host's.
 *
 * TLB: an entry that the host changes may stay in the TLB until the host's own sfence.vma; both translations were
 * legal. When a page leaves the host, the monitor removes its mappings and flushes before the page has its new owner.
 */
#ifndef YZ_MONITOR_HPT_H
#define YZ_MONITOR_HPT_H

#include <stdbool.h>
#include <stdint.h>

#include "pages.h"
#include "trap.h"

/* Forget every area: the host has not called SM_INIT. */
void hpt_boot(void);

enum hpt_state { HPT_UNGUARDED, HPT_ONE_AREA, HPT_SEPARATED };
extern enum hpt_state hpt_state;

/* True from SM_INIT and PT_AREA_SEPARATION on: tables may be written and roots loaded. */
static inline bool hpt_ready(void)
{
    return hpt_state == HPT_SEPARATED;
}

/* YZ_HOST_SM_INIT. `frame` gets TVM. */
int32_t hpt_init(struct frame *frame, uint32_t pa, uint32_t size);

/* YZ_HOST_PT_AREA_SEPARATION. */
int32_t hpt_separate(uint32_t root_order, uint32_t leaf_order);

/* YZ_HOST_HPT_EXTEND. */
int32_t hpt_extend(uint32_t pa, uint32_t size, uint32_t level);

/* YZ_HOST_SET_PTE: op YZ_PTE_* and its three arguments. */
int32_t hpt_set_pte(uint32_t op, uint32_t arg1, uint32_t arg2, uint32_t arg3);

/* YZ_HOST_MAP_PTE: replace the superpage at pte_pa by a pointer to table_pa with 1024 equal entries. */
int32_t hpt_split(uint32_t pte_pa, uint32_t table_pa);

/*
 * Take a range from the host for another owner: every page HOST, under no superpage; then no host mapping and no TLB
 * entry is left. YZ_ERR_OWNER, YZ_ERR_MAPPED: nothing changed. SBI_ERR_FAILED after an access fault: mappings may be
 * gone, the pages are still the host's.
 */
int32_t hpt_claim(struct page_range range);

/* The tests of hpt_claim alone. */
int32_t hpt_check_claim(struct page_range range);

#endif
