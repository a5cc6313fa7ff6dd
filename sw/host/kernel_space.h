/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's half of every address space (layout.h): superpages, and leaf tables shared by all roots.
 *
 * Each live root is known here, so that an entry of the kernel's half can be changed in all of them.
 */
#ifndef YZ_HOST_KERNEL_SPACE_H
#define YZ_HOST_KERNEL_SPACE_H

#include <stdint.h>

extern uint32_t kernel_root;

/* Build the kernel's own root and turn paging on. 0 or the monitor's error. */
int32_t kernel_space_init(void);

/* Give a new root the kernel's half; take it from one that goes. */
int32_t kernel_half_copy(uint32_t root);
void kernel_half_forget(uint32_t root);

/* Undo the superpage of a 4 MiB chunk in every root; its pages stay mapped, one by one. Does nothing when there is none. */
int32_t kernel_split(uint32_t chunk_pa);

/* Physical address of the PTE of a page that is mapped one by one; 0 when it lies under a superpage or nothing. */
uint32_t kernel_pte(uint32_t pa);

/* Set the entries of pages that are mapped one by one: again after the monitor returned them, or with other flags. */
int32_t kernel_map(uint32_t pa, uint32_t pages, uint32_t flags);

#endif
