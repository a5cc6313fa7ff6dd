/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last-level cache (llc.rdl, docs/llc.md), which is written back and has the window of an address in its tags: the raw
 * and the protected view of a page are different lines.
 *
 * Invariant, whenever the monitor is left: of a page that is secure (ENCLAVE, ENCLAVE_TABLE) or metadata (NODE) no line of
 * the raw window is in the cache, and of every other page none of the protected window. A line that stayed would be written
 * back one day, over what the other window, or the memory engine, has put there. So whoever moves a page to the other side
 * forgets its lines in the old window first, and before a subtree is freed in the engine those of its pages.
 *
 * A machine may be built without the cache; then nothing needs to be done, and these functions do nothing.
 */
#ifndef YZ_MONITOR_CACHE_H
#define YZ_MONITOR_CACHE_H

#include <stdbool.h>
#include <stdint.h>

void cache_boot(void);

/* Drop the lines of whole pages from `pa` on, in the window of that address: nothing is written. */
void cache_forget(uint32_t pa, uint32_t bytes);

/* Write the lines of whole pages to memory; they stay. False when memory refused one: what is there now is unknown. */
bool cache_clean(uint32_t pa, uint32_t bytes);

/*
 * Take note of lines that memory refused when they were written back, so that the interrupt ends. There is nothing to do
 * for them: of protected memory the engine has locked the subtree, of raw memory only the host knows whose they are.
 */
void cache_settle(void);

#endif
