/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages for the page tables of enclaves, given by the host (MEMORY_EXTEND), and the tables built in them.
 *
 * The hart's walker, and the monitor, reach these pages through the protected window only; the raw window of each area
 * is closed by PMP. A free page of the pool is all zero and has tag 0 in its record; a page in use carries its
 * enclave's tag.
 */
#ifndef YZ_MONITOR_TABLE_POOL_H
#define YZ_MONITOR_TABLE_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "pages.h"

void table_pool_boot(void);

/* YZ_HOST_MEMORY_EXTEND. */
int32_t table_pool_extend(uint32_t pa, uint32_t size);

/* Take a free page for the enclave with this tag. False: the pool is empty. */
bool table_pool_take(uint32_t tag, uint32_t *index);

/* True when an enclave with this tag has a table in subtree `number`. */
bool table_pool_uses(uint32_t tag, uint32_t number);

/* Zero and free every page of this tag. A page that cannot be zeroed is never used again (FREE). */
void table_pool_release(uint32_t tag);

/*
 * Enter the leaf `pte` at `va` in the tables below the root page `root`, taking a table page when one is missing.
 * SBI_SUCCESS, YZ_ERR_NO_MEMORY when the pool is empty, SBI_ERR_FAILED after an access fault.
 * Stores are posted: hal_settle tells whether they arrived.
 */
int32_t table_pool_map(uint32_t tag, uint32_t root, uint32_t va, uint32_t pte);

#endif
