/* SPDX-License-Identifier: Apache-2.0 */
/* C ABI of the bench of the last-level cache: two cores that ask for lines, an AXI master, registers, DRAM behind the
 * cache. Read by Python (cffi) as it stands. */
#ifndef YZ_LLC_H
#define YZ_LLC_H
#include <stdint.h>
/* cffi: begin */
typedef struct yz_llc yz_llc;

enum yz_llc_user { YZ_LLC_FIRST = 0, YZ_LLC_SECOND = 1, YZ_LLC_AXI = 2 };

struct yz_llc_options {
    uint32_t latency, beat, banks, bank_busy, queue; /* DRAM, see dram.h */
    uint32_t write_buffer; /* lines that a core may have on their way to the cache, at most 15 */
    uint32_t quiet;        /* cores' pauses are skipped after this many cycles without anything under way; 0: never */
    uint64_t size;         /* DRAM, from address 0 */
    uint32_t way_masks[3]; /* of each user, where the cache has them */
};

/* One access of a line. `instructions`: retired since the one before, used by cores only. */
struct yz_llc_access {
    uint64_t line; /* physical address / 64 */
    uint32_t instructions;
    uint32_t write;
};

/* Content that is read is compared with what the same user wrote before (zeros when nothing was). */
struct yz_llc_totals {
    uint64_t cycles;  /* since reset */
    uint64_t skipped; /* of these, cycles of pauses that were not simulated */
    uint64_t errors, mismatches;
    uint64_t dram_reads, dram_writes;
};

/* How far a core is. */
struct yz_llc_core {
    uint64_t done;        /* accesses, all rounds together */
    uint64_t reads, hits; /* it waited for, between the marks; and of these those that were answered as hits are */
    uint64_t start, end;  /* cycle after the access of each mark was complete; all ones before */
};

/* After power-on and the sweep of all sets, DRAM all zero. */
yz_llc *yz_llc_open(const struct yz_llc_options *);
void yz_llc_close(yz_llc *);
struct yz_llc_totals yz_llc_totals_of(const yz_llc *);
void yz_llc_idle(yz_llc *, uint64_t cycles);

/* Makes a user's accesses in order with at most `outstanding` (1 to 16) under way; an access waits for one before it to
 * the same line when either writes. `latencies`, if not null: of each, cycles from the first in which it is offered to the
 * one with its answer (AXI: its last beat), both included. `first_beats`, if not null and on AXI: of each read, to its
 * first beat. Returns 0, or -1 when nothing moved for a million cycles. */
int yz_llc_pattern(yz_llc *, uint32_t user, const struct yz_llc_access *, uint64_t n, uint32_t outstanding,
                   uint32_t *latencies, uint32_t *first_beats);

/* Gives a core (first or second) its accesses; it begins now, at the first, and begins again after the last. The array is
 * not copied. A blocking in-order core: 3/2 cycles an instruction; a read waits for its line; a write goes into the write
 * buffer and waits only for room there; a read of a line in that buffer waits until it is written.
 * What is measured lies between two marks, numbers of accesses made; `to` 0: no end is asked of this core. */
void yz_llc_core_begin(yz_llc *, uint32_t user, const struct yz_llc_access *, uint64_t n, uint64_t from, uint64_t to);
/* Runs the cores for so many cycles, or until all that have a second mark are there. Returns 0, or -1 as above. */
int yz_llc_run(yz_llc *, uint64_t cycles);
struct yz_llc_core yz_llc_core_of(const yz_llc *, uint32_t user);

/* Registers, a cycle each; return whether the block answered an error. */
int yz_llc_reg_read(yz_llc *, uint32_t offset, uint32_t *value);
int yz_llc_reg_write(yz_llc *, uint32_t offset, uint32_t value);
/* Writes a register, and reads another in every cycle after until (value & mask) == 0. Returns the cycles from the write to
 * that read, or -1 as above. */
int64_t yz_llc_reg_run(yz_llc *, uint32_t offset, uint32_t value, uint32_t polled, uint32_t mask);
/* cffi: end */
#endif
