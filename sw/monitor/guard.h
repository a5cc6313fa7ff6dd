/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk checker in hardware: the GPT guard, or the ownership bitmap that exists to be compared with it, or none.
 * What does not apply to the checker built in does nothing; without a checker the rules hold by the page records alone.
 *
 * GPT: an area entry is turned off, written, turned on, and locked until reset. An entry that is off matches nothing,
 * so no walk ever sees a half-written area.
 *
 * Bitmap: one bit a page in the monitor's memory, 1 for a page that the host may not map. The checker's copies are
 * flushed after every change, before the page is used by its new owner.
 */
#ifndef YZ_MONITOR_GUARD_H
#define YZ_MONITOR_GUARD_H

#include <stdbool.h>
#include <stdint.h>

enum guard_kind { GUARD_HPT = 1, GUARD_ENCLAVE = 2 };

#define GUARD_LEVEL_LEAF 1u
#define GUARD_LEVEL_ROOT 2u
#define GUARD_LEVEL_ANY 15u

/* Find out what is built in. Until guard_enable the hardware refuses every walk. `pages` of DRAM, all of them open. */
void guard_boot(uint32_t pages);

/* GPT: true when `count` more areas fit. Others: true. */
bool guard_has_room(uint32_t count);

/*
 * GPT: add pages [ppn, ppn + count) for tables of `levels` (GUARD_LEVEL_*), and lock the entry. Call guard_has_room
 * first.
 */
void guard_add_area(enum guard_kind kind, uint32_t levels, uint32_t ppn, uint32_t count);

/* Bitmap: pages by index, [first, first + count), are closed to the host, or open. */
void guard_close_pages(uint32_t first, uint32_t count, bool closed);

/* Let walks be judged instead of being refused. */
void guard_enable(void);

/* Tell the checker who runs: 0 host, 1 enclave. */
void guard_set_world(uint32_t world);

#ifdef YZ_NATIVE
extern uint32_t guard_bitmap[];
#endif

#endif
