/* SPDX-License-Identifier: Apache-2.0 */
/* C ABI of the trace filter: a program's accesses in, what memory behind the last-level caches sees out. Read by Python
 * (cffi) as it stands. */
#ifndef YZ_TRACE_FILTER_H
#define YZ_TRACE_FILTER_H
#include <stdint.h>
/* cffi: begin */
typedef struct yz_filter yz_filter;

enum yz_replacement { YZ_LRU = 0, YZ_PLRU = 1 };
enum yz_format { YZ_LACKEY = 0, YZ_BINARY = 1 };
enum yz_access { YZ_FETCH = 0, YZ_LOAD = 1, YZ_STORE = 2, YZ_MODIFY = 3 };

struct yz_cache_shape {
    uint32_t bytes, ways; /* lines of 64 bytes; bytes / ways / 64 sets, a power of two; last level: 0 bytes is no cache */
    uint32_t replacement; /* enum yz_replacement */
};

/* One access that leaves the last-level cache. */
struct yz_record {
    uint64_t line;         /* physical line number */
    uint32_t instructions; /* retired since the record before */
    uint32_t write;        /* 0: line read (the program waits); 1: line written back */
};

struct yz_filter_counts {
    uint64_t instructions, fetches, loads, stores; /* accesses split at lines */
    uint64_t l1i_misses, l1d_misses, l1d_writebacks;
    uint64_t pages; /* touched */
    uint64_t bad_lines; /* input not understood */
};

/* `pages`: physical page numbers given to touched pages in order of first touch; beyond `n_pages` placement fails.
 * Recording begins after `skip` instructions; caches and placement work from the first. */
yz_filter *yz_filter_open(const struct yz_cache_shape *l1, const struct yz_cache_shape *llc, uint32_t n_llc,
                          const uint32_t *pages, uint32_t n_pages, uint64_t skip, uint64_t limit, uint32_t max_records);
void yz_filter_close(yz_filter *);
void yz_filter_access(yz_filter *, uint32_t kind, uint64_t address, uint32_t size);
/* Reads events from a file descriptor for a while. 0: more may come; 1: end of input; 2: all that was asked for is
 * recorded; 3: out of physical pages; -1: read error. */
int yz_filter_read(yz_filter *, int fd, uint32_t format);
struct yz_filter_counts yz_filter_counts_of(const yz_filter *);
uint64_t yz_filter_llc_accesses(const yz_filter *, uint32_t llc);
/* Instructions from the beginning of recording to the end of this cache's records. */
uint64_t yz_filter_llc_instructions(const yz_filter *, uint32_t llc);
uint32_t yz_filter_records(const yz_filter *, uint32_t llc, const struct yz_record **out);
/* cffi: end */
#endif
