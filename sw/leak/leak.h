/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the last-level cache tells about a cipher, as a bare program: a victim that encrypts, and an attacker on the same
 * hart who shares nothing with it but the cache. Machine mode plays the monitor's part: it locks the victim's tables.
 *
 * Page colours. A way of the cache holds `colours` pages. The victim's tables have the last colour, everything else the
 * others, so that the attacker's own work does not disturb what it watches; an attacker chooses its layout.
 *
 * Physical layout (DRAM offsets):
 *
 *   0x0000000 this program        0x0400000 meta zone and metadata of the memory engine
 *   0x1000000 the attacker's lines, 0x2000000 what it saw   0x4000000 the victim's pages, protected where there is an engine
 */
#ifndef YZ_LEAK_H
#define YZ_LEAK_H

#include <stdbool.h>
#include <yz/abi.h>
#include <yz/memory_map.h>
#include <yz_bare.h>
#include <yz_llc.h>

#include "aes.h"

#define LINE 64u
#define TABLE_LINES 64u /* the victim's tables are a page */
#define SPARE_SET (TABLE_LINES + 32u) /* numbered on from the tables' sets; the victim has no data in it */
#define BLOCK 16u

/* --- protect.c --- */
/* Make this subtree usable in the protected window; the bit to set in addresses there, 0 without an engine. */
uint32_t protect(uint32_t subtree);

/* --- victim.c --- */
void victim_setup(uint32_t page, uint32_t other_page); /* tables and the rest of it, both a page */
uint32_t *victim_block(void);                          /* what it encrypts next, in place */
const uint8_t *victim_key(void);                       /* known to the judge alone */
void victim_encrypt(void);

/* --- preempt.S --- */
/* Call `work`; take the hart away from it when `mtime` reaches `deadline`. Returns whether it had ended. */
uint32_t preempted(void (*work)(void), uint32_t deadline_low, uint32_t deadline_high);

/* --- watch.c: sets of the cache seen through the attacker's own lines --- */
uint32_t watch_setup(uint32_t page);     /* watch the sets of a page; how many lines of each the attacker can keep */
uint32_t watch_miss(void);               /* how many cycles longer a line takes that is not there */
void watch_settle(void);                 /* read lines until all are there, and what others had in the sets is not */
void watch_settle_set(uint32_t set);     /* numbers of sets: of the page's lines; or SPARE_SET */
uint32_t watch_probe(uint32_t set);      /* read them again; cycles: longer when somebody else had a line put there */

#endif
