/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A victim and an attacker on the cache's core, natively: the accesses are computed here, the cycles are those of the RTL.
 * Page colours and records are those of sw/leak.
 */
#ifndef YZ_LEAK_NATIVE_H
#define YZ_LEAK_NATIVE_H

#include <stdint.h>

/* cffi: begin */
/* A core after reset; `latency` cycles of memory to the first beat of a line. */
void *leak_open(uint32_t latency, uint64_t seed);
void leak_close(void *bench);
uint64_t leak_cycles(const void *bench);

/* The victim's cipher. */
void leak_encrypt(void *bench, const uint8_t *key, const uint8_t *in, uint8_t *out);

/* LOCK, UNLOCK (1, 2) of the victim's page of tables; the result as in docs/llc.md. */
uint32_t leak_operate(void *bench, uint32_t code);

/* How many lines of a set the attacker can keep there. */
uint32_t leak_fits(void *bench);

/*
 * Prime and probe: `traces` records of a block, and cycles for each of `sets` sets of the victim's tables, from the first
 * table on. The attacker fills the sets with as many lines as fit, the victim makes the first `loads` of the 160 loads of an
 * encryption, as many at once as the cache takes, then the attacker times its lines. With `replacement` it first reads one
 * line more, and times the first half of the others: is the one that had to make way among them?
 */
void leak_probe(void *bench, const uint8_t *key, uint32_t loads, uint32_t replacement, uint32_t sets, uint32_t traces,
                uint8_t *out);

/* Evict and time: records of a block and the cycles of its encryption, one load after the other; line 0 of the first table was
   driven out before. */
void leak_time(void *bench, const uint8_t *key, uint32_t traces, uint8_t *out);
/* cffi: end */

#endif
