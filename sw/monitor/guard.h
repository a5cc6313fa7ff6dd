/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk guard in hardware. With a checker other than the GPT built in, every function here does nothing: the rules then
 * hold by the page records alone (docs/monitor-abi.md).
 *
 * An area entry is turned off, written, turned on, and locked until reset: an entry that is off matches nothing, so no
 * walk ever sees a half-written area.
 */
#ifndef YZ_MONITOR_GUARD_H
#define YZ_MONITOR_GUARD_H

#include <stdbool.h>
#include <stdint.h>

enum guard_kind { GUARD_HPT = 1, GUARD_ENCLAVE = 2 };

#define GUARD_LEVEL_LEAF 1u
#define GUARD_LEVEL_ROOT 2u
#define GUARD_LEVEL_ANY 15u

/* Find out what is built in. No area yet: the hardware refuses every walk. */
void guard_boot(void);

/* True when `count` more areas fit. */
bool guard_has_room(uint32_t count);

/* Add pages [ppn, ppn + count) for tables of `levels` (GUARD_LEVEL_*), and lock the entry. Call guard_has_room first. */
void guard_add_area(enum guard_kind kind, uint32_t levels, uint32_t ppn, uint32_t count);

/* Let walks be judged by the areas instead of being refused. */
void guard_enable(void);

/* Tell the guard who runs: 0 host, 1 enclave. */
void guard_set_world(uint32_t world);

#endif
