/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory engine in hardware (mmt.rdl, docs/mmt-format.md): its start, its commands, its failure record.
 *
 * A machine may be built without it; then both windows are the same plain memory, engine_present() is false, and no
 * other function here is called.
 */
#ifndef YZ_MONITOR_ENGINE_H
#define YZ_MONITOR_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

enum engine_op { ENGINE_ALLOC = 1, ENGINE_FREE = 2, ENGINE_STATUS = 8 };

/* Answers of a command, the numbers of mmt.rdl. */
enum engine_result {
    ENGINE_OK = 0,
    ENGINE_LOCKED = 8,
    ENGINE_INTEGRITY = 9,
    ENGINE_EXHAUSTED = 10,
    ENGINE_NOT_READY = 11,
    ENGINE_SILENT = 16, /* it did not answer */
};

/* First failure since the record was cleared. */
struct engine_failure {
    uint32_t kind;  /* of mmt.rdl; 0: none is recorded */
    uint32_t level; /* 0 a line, 1 a leaf node, up */
};

/* Set the meta zone, enable, and wait until protected memory is served. Stops the machine when it never is. */
void engine_boot(void);

bool engine_present(void);

/* Bytes of a subtree as a power of two, and pages that its metadata needs. */
uint32_t engine_subtree_log(void);
uint32_t engine_metadata_pages(void);

/* Do a command and wait for its answer. `page` is the physical page number of the metadata, for ENGINE_ALLOC. */
enum engine_result engine_command(enum engine_op op, uint32_t subtree, uint32_t page);

/* True when ENGINE_STATUS says that the subtree is locked after a failure, or cannot say anything. */
bool engine_locked(uint32_t subtree);

/* True while a failure is recorded; reading it clears the record. */
bool engine_has_failed(void);
struct engine_failure engine_take_failure(void);

#endif
