/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ownership of DRAM: one record a 4 KiB page, one a 4 MiB chunk, one a subtree of the memory engine.
 *
 *   page record:  31            9 8     4 3     0
 *                [ host mappings |  tag  | owner ]
 *   owner          enum yz_owner (abi.h)
 *   tag            ENCLAVE, ENCLAVE_TABLE: enclave slot + 1 (a table page with tag 0 is free in the pool).
 *                  SHARED: how many enclaves hold the page. Others: 0.
 *   host mappings  valid entries in leaf tables that point to the page, wherever those tables hang. Wide enough by
 *                  construction: PAGES_MAX_TABLES leaf tables have fewer entries than the field counts.
 *
 *   chunk:  foreign  pages of the chunk that a host superpage may not cover (owner neither HOST nor SHARED, or no DRAM)
 *           supers   valid superpage entries in root tables that point to the chunk
 *
 *   subtree: metadata      first page of its metadata, by index; 0: it has none (nodes.h)
 *            secure_pages  pages of it with owner ENCLAVE or ENCLAVE_TABLE
 *            node_pages    pages of it with owner NODE
 *
 * Invariants:
 * - Every page has exactly one owner; pages beyond DRAM are FREE.
 * - A page with an owner other than HOST, SHARED, HPT_ROOT or HPT_LEAF has no host mapping, and its chunk no superpage.
 * - foreign and supers of a chunk are never both non-zero.
 */
#ifndef YZ_MONITOR_PAGES_H
#define YZ_MONITOR_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include <yz/abi.h>
#include <yz/memory_map.h>

#define PAGE_SHIFT 12
#define PAGES_MAX (YZ_DRAM_MAX_BYTES >> PAGE_SHIFT)
#define CHUNK_PAGES 1024u
#define CHUNKS_MAX (PAGES_MAX / CHUNK_PAGES)
#define DRAM_PPN (YZ_DRAM_BASE >> PAGE_SHIFT)

#define RECORD_OWNER 0xFu
#define RECORD_TAG_SHIFT 4
#define RECORD_TAG_MAX 31u
#define RECORD_ONE_MAPPING (1u << 9)
#define RECORD_MAPPINGS_SHIFT 9
/* 4096 tables of 1024 entries, plus one staged batch, stay below 2^23 mappings. */
#define PAGES_MAX_TABLES 4096u

struct chunk {
    uint32_t foreign;
    uint32_t supers;
};

struct subtree {
    uint32_t metadata;
    uint32_t secure_pages;
    uint32_t node_pages;
};

/* Subtrees are at least this large: 2 MiB. */
#define SUBTREE_LOG_MIN 21u
#define SUBTREES_MAX (YZ_DRAM_MAX_BYTES >> SUBTREE_LOG_MIN)

extern struct subtree page_subtrees[SUBTREES_MAX];
extern uint32_t page_records[PAGES_MAX];
extern struct chunk page_chunks[CHUNKS_MAX];
extern uint32_t page_total; /* pages of DRAM */

/* A run of pages by index: index 0 is the first page of DRAM. */
struct page_range {
    uint32_t first;
    uint32_t count;
};

/* Bytes of a subtree as a power of two; 0 without a memory engine: everything counts as one subtree. */
void pages_set_subtrees(uint32_t log);

/* Number of the subtree that holds a page, and its record. */
uint32_t pages_subtree_number(uint32_t index);
static inline struct subtree *pages_subtree(uint32_t index)
{
    return &page_subtrees[pages_subtree_number(index)];
}

static inline uint32_t record_owner(uint32_t record)
{
    return record & RECORD_OWNER;
}

static inline uint32_t record_tag(uint32_t record)
{
    return record >> RECORD_TAG_SHIFT & RECORD_TAG_MAX;
}

static inline uint32_t record_mappings(uint32_t record)
{
    return record >> RECORD_MAPPINGS_SHIFT;
}

static inline uint32_t page_address(uint32_t index)
{
    return YZ_DRAM_BASE + (index << PAGE_SHIFT);
}

/* Address of the same page in the protected window: what enclaves, and the monitor on their behalf, use. */
static inline uint32_t page_protected(uint32_t index)
{
    return YZ_PROTECTED_BASE + (index << PAGE_SHIFT);
}

/* Record of the page with physical page number `ppn`, or of no DRAM page: FREE. Raw window only. */
static inline uint32_t pages_record_of(uint32_t ppn)
{
    uint32_t index = ppn - DRAM_PPN;
    return index < page_total ? page_records[index] : YZ_OWNER_FREE;
}

/* The records for `total` pages of DRAM: the monitor's region MONITOR, the rest HOST. */
void pages_init(uint32_t total);

/*
 * Turn (pa, size) into a range. SBI_SUCCESS; YZ_ERR_RANGE for an empty, wrapping or non-DRAM range, YZ_ERR_ALIGN when
 * one of the two is not a multiple of a page.
 */
int32_t pages_range(uint32_t pa, uint32_t size, struct page_range *range);

/* SBI_SUCCESS when every page of the range belongs to `owner`, YZ_ERR_OWNER otherwise. */
int32_t pages_check_owner(struct page_range range, enum yz_owner owner);

/*
 * Bytes [pa, pa + bytes) that the host offers for the monitor to read or write: whole range in HOST or SHARED pages.
 * YZ_ERR_RANGE when empty, wrapping or outside DRAM, YZ_ERR_OWNER when a page is somebody else's.
 */
int32_t pages_check_host_buffer(uint32_t pa, uint32_t bytes);

/* Host mappings of 4 KiB onto the range, summed. */
uint32_t pages_mappings(struct page_range range);

/* True when a host superpage covers a page of the range. */
bool pages_under_superpage(struct page_range range);

/* True when the two ranges have a page in common. */
bool pages_overlap(struct page_range a, struct page_range b);

/*
 * New owner and tag for the range; mapping counts stay, the chunks' foreign counts, the subtrees' counts and the
 * checker's bitmap follow.
 */
void pages_set_owner(struct page_range range, enum yz_owner owner, uint32_t tag);

#endif
