/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last-level cache for a bare program (docs/llc.md): operations on lines, pages and everything.
 *
 * The cache is written back: DRAM has what a program stored only after CLEAN or FLUSH. Addresses of the two windows are
 * different lines; what is stored through one is seen through the other only after FLUSH of the one and DISCARD of the other.
 */
#ifndef YZ_LLC_H
#define YZ_LLC_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers of llc.rdl. */
enum llc_op { LLC_LOCK = 1, LLC_UNLOCK, LLC_CLEAN, LLC_FLUSH, LLC_DISCARD, LLC_STATUS };
enum llc_scope { LLC_LINE, LLC_PAGE, LLC_ALL };
enum llc_result { LLC_DONE, LLC_BAD_COMMAND, LLC_BAD_DOMAIN, LLC_BAD_ADDRESS, LLC_TOO_LARGE, LLC_QUOTA, LLC_SET_FULL,
                  LLC_OTHER_OWNER, LLC_NOT_LOCKED, LLC_MEMORY_ERROR };

/* Whether the machine has the cache. Without it nothing below may be called. */
bool llc_present(void);

/* Make an operation for a domain (0: nobody) and wait for its result. `address` is a multiple of the scope's size. */
enum llc_result llc_operate(enum llc_op op, enum llc_scope scope, uint32_t domain, uint32_t address);

/* After LLC_STATUS: whether the line is in the cache, and the domain that has locked it, or 0. */
bool llc_answer_present(void);
uint32_t llc_answer_owner(void);

void llc_set_quota(uint32_t domain, uint32_t lines);
uint32_t llc_locked_lines(uint32_t domain);

/* Distance in bytes of two lines that have one set, and how many lines a set has. */
uint32_t llc_way_bytes(void);
uint32_t llc_ways(void);

#endif
