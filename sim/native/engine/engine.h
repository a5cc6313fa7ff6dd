/* SPDX-License-Identifier: Apache-2.0 */
/* C ABI of the bench of the memory engine: an AXI master in front of the engine, DRAM behind it. Read by Python (cffi) as
 * it stands. The same master drives the DRAM without an engine between them ("unprotected"). */
#ifndef YZ_ENGINE_H
#define YZ_ENGINE_H
#include <stdint.h>
/* cffi: begin */
typedef struct yz_engine yz_engine;

struct yz_engine_options {
    uint32_t latency, beat, banks, bank_busy, queue; /* DRAM, see dram.h */
    uint32_t write_buffer;                           /* lines that a replaying core may have on their way to memory */
    uint32_t quiet;        /* a replaying core's pause is skipped after this many cycles without a word on AXI; 0: never */
    uint64_t base, size;   /* DRAM */
    uint64_t entropy_seed; /* of the words on the entropy port */
};

/* One access of a line. `instructions`: retired since the one before, used by replay only. */
struct yz_access {
    uint64_t line; /* physical address / 64 */
    uint32_t instructions;
    uint32_t write;
};

/* Totals since reset. Content that is read is compared with what was written before (zeros when nothing was). */
struct yz_engine_totals {
    uint64_t cycles;  /* time */
    uint64_t skipped; /* of these, cycles of a pause that were not simulated */
    uint64_t reads, writes, errors, mismatches;
    uint64_t first_bad_line; /* of an error or mismatch, all ones when there was none */
    uint64_t dram_reads, dram_writes;
};

/* In reset state after power-on, DRAM all zero. 0 when an engine is too large for its DRAM. */
yz_engine *yz_engine_open(const struct yz_engine_options *);
void yz_engine_close(yz_engine *);
struct yz_engine_totals yz_engine_totals_of(const yz_engine *);
int yz_engine_irq(const yz_engine *);
void yz_engine_idle(yz_engine *, uint64_t cycles);

/* Makes the accesses in order with at most `outstanding` under way; an access waits for one before it to the same line
 * when either writes. `latencies`, if not null: of each, cycles from the first with its address offered to the one with
 * its last beat (read) or answer (write), both included. Returns 0, or -1 when nothing moved for a million cycles. */
int yz_engine_pattern(yz_engine *, const struct yz_access *, uint64_t n, uint32_t outstanding, uint32_t *latencies);

/* Replays a blocking in-order core: 3/2 cycles an instruction; a read waits for its whole line; a write goes into the
 * write buffer and waits only for room there. A read of a line that is in the write buffer waits until it is written.
 * Calls continue each other. Returns 0, or -1 as above. */
int yz_engine_replay(yz_engine *, const struct yz_access *, uint64_t n);
/* Time of the core: cycle after the last access was complete (write: taken into the buffer). */
uint64_t yz_engine_core_cycle(const yz_engine *);
/* Begins a core's time at the present cycle. */
void yz_engine_core_start(yz_engine *);

/* Registers; return the AXI response, or -1 as above. */
int yz_engine_reg_read(yz_engine *, uint32_t offset, uint32_t *value);
int yz_engine_reg_write(yz_engine *, uint32_t offset, uint32_t value);
/* Reads a register until (value & mask) == wanted; `value` is the last. */
int yz_engine_reg_until(yz_engine *, uint32_t offset, uint32_t mask, uint32_t wanted, uint32_t *value);

/* DRAM behind the engine's back; `offset` from its start. Return 0, or -1 when out of range. */
int yz_engine_peek(yz_engine *, uint64_t offset, uint8_t *out, uint64_t n);
int yz_engine_poke(yz_engine *, uint64_t offset, const uint8_t *in, uint64_t n);
/* cffi: end */
#endif
