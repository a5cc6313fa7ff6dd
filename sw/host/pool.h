/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical pages of the kernel and its processes: the rest of the kernel's superpage.
 *
 * A page has a reference count; 0 is free. Pages come with unknown contents.
 */
#ifndef YZ_HOST_POOL_H
#define YZ_HOST_POOL_H

#include <stdbool.h>
#include <stdint.h>

/* Pages from start to end (both page aligned). */
void pool_init(uint32_t start, uint32_t end);

/* A page with one reference, or 0 when there is none. */
uint32_t pool_take(void);

/* `count` pages that follow each other, one reference each, or 0. For buffers that the monitor wants contiguous. */
uint32_t pool_take_run(uint32_t count);

void pool_share(uint32_t pa);
void pool_drop(uint32_t pa); /* does nothing for a page outside the pool */
uint32_t pool_references(uint32_t pa); /* 0 for a page outside the pool */
uint32_t pool_free_pages(void);

/* Fill a page with zeros. */
void page_clear(uint32_t pa);

#endif
