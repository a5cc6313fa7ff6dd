/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last-level cache under the native monitor: which pages may have lines in it, a flag a page and window.
 *
 * Data are always in DRAM here, as if each line were written back at once: that is one of the things that a cache may do.
 * What it may do otherwise is judged by rules instead. Whoever runs below the monitor may have touched all that it can
 * reach, so at a trap every page counts as cached in the window of its owner, until the monitor drops its lines.
 */
#ifndef YZ_NATIVE_CACHE_H
#define YZ_NATIVE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

void native_cache_reset(void);

/* A trap begins; and ends: a page with lines of the window that is not its owner's is a violation. */
void native_cache_trap(void);
void native_cache_judge(void);

/* The monitor accesses a page, by index. A violation when lines of it in the other window may be there. */
void native_cache_touch(uint32_t page, bool protected_window);

/* A subtree of this many pages is freed: a violation when lines of it may be there. */
void native_cache_freed(uint32_t first_page, uint32_t pages);

uint32_t native_cache_read(uint32_t address);
void native_cache_write(uint32_t address, uint32_t value);

/* The next `count` CLEANs find a line that memory refuses. */
void native_cache_refuse(uint32_t count);

/* A failure of this kind (llc.rdl) is recorded; the interrupt is raised until the record is cleared. */
void native_cache_fail(uint32_t kind);
bool native_cache_interrupt(void);

#endif
