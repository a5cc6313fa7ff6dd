/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address spaces: one root table, the kernel's half the same in all, the user's half described by regions.
 *
 * A region promises pages; a page fault keeps the promise. Writable memory is copied on write: after a fork parent and
 * child share every page read-only. Entries are made with A set, and D when writable: the hart does not set them (Svade).
 */
#ifndef YZ_HOST_SPACE_H
#define YZ_HOST_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#define REGIONS_MAX 12u
#define LEAVES_MAX 6u

enum region_kind {
    REGION_NONE,
    REGION_ZERO,  /* anonymous memory, zero at first touch */
    REGION_IMAGE, /* bytes of the kernel's image at `source`: shared while only read, copied on write */
};

struct region {
    enum region_kind kind;
    uint32_t start, end; /* virtual, page aligned, end exclusive */
    uint32_t rwx;        /* PTE_R, PTE_W, PTE_X */
    uint32_t source;     /* REGION_IMAGE: physical address of the byte at start */
};

/* A leaf table and the range of its entries that was ever used: fork and teardown look at no others. */
struct leaf {
    uint32_t index; /* entry of the root table */
    uint32_t table;
    uint32_t low, high; /* entries, high exclusive; low == high: none used */
};

struct space {
    uint32_t root;
    struct region regions[REGIONS_MAX];
    struct leaf leaves[LEAVES_MAX];
    uint32_t leaf_count;
    uint32_t pages; /* user pages mapped */
};

/* A space without regions. False: out of tables. */
bool space_init(struct space *space);
void space_destroy(struct space *space);

/* Add a region; false when it overlaps another or there is no room. */
bool space_add(struct space *space, struct region region);
/* Take [start, end) out of its regions and unmap it. False when no region covers the whole range. */
bool space_remove(struct space *space, uint32_t start, uint32_t end);

/* Make `child` (from space_init) a copy of `parent`, sharing pages until one of the two writes. */
bool space_fork(struct space *child, struct space *parent);

/* Keep a region's promise after a page fault. False: the access is not allowed there, or memory ran out. */
bool space_fault(struct space *space, uint32_t va, uint32_t cause);

/* Map all pages of [start, end) of one region now, in one batch. False as above. */
bool space_populate(struct space *space, uint32_t start, uint32_t end);

/* Physical address of a mapped user byte, or 0; write: only where a store would be allowed. Faults the page in. */
uint32_t space_translate(struct space *space, uint32_t va, bool write);

#endif
