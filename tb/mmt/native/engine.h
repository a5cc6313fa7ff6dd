// SPDX-License-Identifier: Apache-2.0
// The memory engine (generated Verilog, top module `mmt`) between a master of AXI bursts and a memory, both of which do
// everything that AXI4 allows: pauses on every channel, any latency, answers of different identifiers in any order and
// interleaved. What happens is a list of events. One thread at a time.
#pragma once
#include <stdint.h>

/* cffi: begin */
enum mmt_event_kind {
    MMT_WRITE_ISSUED = 0, /* a write address of the master was taken; tag */
    MMT_WRITE_DONE = 1,   /* tag, resp */
    MMT_READ_ISSUED = 2,  /* tag */
    MMT_READ_DONE = 3,    /* tag; data: 16 bytes a beat, then a byte of response a beat */
    MMT_MEMORY_WRITE = 4, /* a line of memory changed: addr, data of 64 bytes; id */
    MMT_MEMORY_READ = 5,  /* a line of memory was read: addr; id */
    MMT_LITE_DONE = 6,    /* tag, resp, addr is the word read */
    MMT_IRQ = 7,          /* resp is the new level */
    MMT_PROTOCOL = 8,     /* a rule of AXI was broken, or an AES input was used twice: data is the text */
};

struct mmt_event {
    uint8_t kind;
    uint8_t resp;
    uint16_t id;
    uint32_t tag;
    uint64_t cycle;
    uint64_t addr;
    uint32_t offset; /* of data in the arena */
    uint32_t length;
};

struct mmt_settings {
    uint32_t pause_master; /* of 256: chance that a channel of the master's side pauses in a cycle */
    uint32_t pause_memory;
    uint32_t latency_min; /* cycles from a request at memory to its answer */
    uint32_t latency_max;
    uint32_t log_reads; /* 1: MMT_MEMORY_READ events */
    uint32_t write_lead; /* 1: write data may come before its address */
};

enum mmt_stop { MMT_STOP_IDLE = 0, MMT_STOP_CYCLES = 1, MMT_STOP_BEATS = 2, MMT_STOP_EVENTS = 3 };

struct mmt_engine *mmt_new(uint64_t seed);
void mmt_delete(struct mmt_engine *e);
struct mmt_settings *mmt_get_settings(struct mmt_engine *e);

/* Queue a burst. data: 16 bytes a beat in its lanes; strobe: 16 bits a beat. */
void mmt_write(struct mmt_engine *e, uint32_t tag, uint16_t id, uint64_t addr, uint8_t len, uint8_t size, uint8_t burst,
               const uint8_t *data, const uint16_t *strobe);
void mmt_read(struct mmt_engine *e, uint32_t tag, uint16_t id, uint64_t addr, uint8_t len, uint8_t size, uint8_t burst);
/* Queue a register access: op 0 read, 1 write, 2 read until (word & mask) == data. */
void mmt_lite(struct mmt_engine *e, uint32_t tag, uint8_t op, uint16_t addr, uint32_t data, uint32_t mask);
void mmt_entropy(struct mmt_engine *e, const uint32_t *words, uint32_t count);
void mmt_test_keys(struct mmt_engine *e, int on);

/* Reset for some cycles: queues are emptied, writes under way at memory take effect or do not, at random. */
void mmt_reset(struct mmt_engine *e, uint32_t cycles);

/* Run until nothing is queued or under way, until `cycles` have passed, until `beats` transfers have happened on the
   memory's channels (0: no limit), or until there are many events. */
int mmt_run(struct mmt_engine *e, uint64_t cycles, uint64_t beats);
uint64_t mmt_cycle(struct mmt_engine *e);
uint64_t mmt_beats(struct mmt_engine *e);

uint32_t mmt_events(struct mmt_engine *e, const struct mmt_event **events, const uint8_t **arena);
/* AES inputs that were used for writes since the last reset. */
uint64_t mmt_nonces(struct mmt_engine *e);
void mmt_clear_events(struct mmt_engine *e);

void mmt_peek(struct mmt_engine *e, uint64_t line_addr, uint8_t *data);
void mmt_poke(struct mmt_engine *e, uint64_t line_addr, const uint8_t *data);
uint32_t mmt_lines(struct mmt_engine *e, uint64_t *addrs, uint32_t room);
/* Memory answers with an error for this line: kind 1 reads, 2 writes, 3 both, 0 never again. */
void mmt_fault(struct mmt_engine *e, uint64_t line_addr, int kind);
/* cffi: end */
