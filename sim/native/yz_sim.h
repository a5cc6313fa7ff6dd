/* SPDX-License-Identifier: Apache-2.0 */
/* C ABI of the simulation library: one machine, its DRAM and console. Read by Python (cffi) as it stands. */
#ifndef YZ_SIM_H
#define YZ_SIM_H
#include <stdint.h>
/* cffi: begin */
typedef struct yz_machine yz_machine;

enum yz_stop { YZ_STOP_CYCLES = 0, YZ_STOP_EXIT = 1, YZ_STOP_EVENT = 2 };

struct yz_event {
    uint64_t cycle;
    uint32_t code;
    uint32_t arg[4];
};

struct yz_dram_timing {
    uint32_t latency;   /* cycles from a request at a free bank to its first beat, at least 1 */
    uint32_t beat;      /* cycles a 16-byte beat holds the data bus, at least 1 */
    uint32_t banks;     /* banks, interleaved by 64-byte line, at least 1 */
    uint32_t bank_busy; /* cycles an access holds its bank */
};

/* A machine held in reset state after power-on. The DRAM is all zero. */
yz_machine *yz_open(uint64_t dram_base, uint64_t dram_size, const struct yz_dram_timing *timing);
void yz_close(yz_machine *);
/* Seeds the words of the entropy port (xorshift64*, not for cryptography). They go on over resets. Default 1. */
void yz_seed(yz_machine *, uint64_t seed);
/* Resets the chip; DRAM keeps its contents. */
void yz_reset(yz_machine *);
/* Runs at most `cycles` cycles; returns enum yz_stop. After an exit or event the next call goes on. */
int yz_run(yz_machine *, uint64_t cycles);
/* Not 0: the memory engine's clock never stops (it may while the engine is idle: nobody but the simulator's speed sees it). */
void yz_engine_always(yz_machine *, int always);
/* Edges that the memory engine's clock had since power-on. */
uint64_t yz_engine_cycles(const yz_machine *);
uint64_t yz_cycle(const yz_machine *);
uint64_t yz_retired(const yz_machine *);
uint32_t yz_exit_code(const yz_machine *);
struct yz_event yz_last_event(const yz_machine *);
uint64_t yz_dram_reads(const yz_machine *);
uint64_t yz_dram_writes(const yz_machine *);
/* Console. read: takes up to `n` bytes the program sent, returns how many. write: bytes the program will receive. */
uint32_t yz_console_read(yz_machine *, uint8_t *out, uint32_t n);
void yz_console_write(yz_machine *, const uint8_t *in, uint32_t n);
/* DRAM contents behind the chip's back; `offset` from the start of DRAM. Return 0, or -1 when out of range. */
int yz_dram_read(yz_machine *, uint64_t offset, uint8_t *out, uint64_t n);
/* As the chip would read the raw window: what its cache holds, else DRAM. Lines on their way to memory are in neither; there
   are none when a program writes to a device. */
int yz_read(const yz_machine *m, uint64_t offset, uint8_t *out, uint64_t n);
int yz_dram_write(yz_machine *, uint64_t offset, const uint8_t *in, uint64_t n);
/* Offsets of the 4 KiB pages that were ever written, in no order: at most `n` to `out`; returns how many there are. */
uint64_t yz_dram_pages(yz_machine *, uint64_t *out, uint64_t n);
/* DRAM answers every access to these bytes with an error, until the next call; 0 bytes: none. */
void yz_dram_fault(yz_machine *, uint64_t offset, uint64_t n);
/* Waves. start returns 0, or -1 when this library was built without tracing. */
int yz_trace_start(yz_machine *, const char *path);
void yz_trace_stop(yz_machine *);
/* cffi: end */
#endif
