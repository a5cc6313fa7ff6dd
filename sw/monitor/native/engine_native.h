/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory engine of the native machine: what docs/mmt-format.md promises, without the cryptography.
 *
 * The protected window has contents of its own (`plain`). Behind it, each line that was written lies in DRAM under a fixed
 * mask, so whoever mixes the windows up reads nonsense, and a line whose bytes in DRAM are no longer those is broken:
 * reading it, or writing part of it, is an integrity failure and locks the subtree. Writing all of it is not. As on the
 * machine, consecutive stores to one line are one write (bus/write_gather.py).
 */
#ifndef YZ_NATIVE_ENGINE_H
#define YZ_NATIVE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

/* What is built in, and how well it does. */
enum native_engine { NATIVE_NO_ENGINE, NATIVE_ENGINE, NATIVE_ENGINE_DEAD, NATIVE_ENGINE_UNTESTED };

#define NATIVE_SUBTREE_LOG 22u
#define NATIVE_METADATA_PAGES 145u
#define NATIVE_SUBTREES 128u

void native_engine_reset(enum native_engine what);

/* An access of `bytes` through the protected window, at an offset in DRAM. False: refused. */
bool native_engine_load(uint32_t offset, uint32_t bytes, uint32_t *value);
bool native_engine_store(uint32_t offset, uint32_t bytes, uint32_t value);

/* Memory will refuse the write that a store at this offset becomes part of. */
void native_engine_lose(uint32_t offset);

/* All stores reach memory. */
void native_engine_drain(void);

/* Registers, by address. */
uint32_t native_engine_read(uint32_t address);
void native_engine_write(uint32_t address, uint32_t value);

/* A failure is recorded, or a store was refused: the machine external interrupt. */
bool native_engine_interrupt(void);

/* What tests do to it: contents of the protected window, a locked root tree, a generation. */
uint8_t *native_engine_plain(uint32_t offset, uint32_t bytes);
void native_engine_seal(uint32_t offset, uint32_t bytes);
void native_engine_lock_root(void);
void native_engine_set_generation(uint32_t subtree, uint32_t generation);

struct native_subtree {
    uint32_t valid, locked, page, generation;
};
extern struct native_subtree native_subtrees[NATIVE_SUBTREES];

#endif
