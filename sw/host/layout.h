/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the kernel puts things. Kernel virtual address = physical address, in every address space.
 *
 *   0x80000000  monitor, boot arguments, metadata lent to the memory engine   not mapped
 *   0x80400000  kernel image; rest: page pool  one superpage
 *   0x80800000  initrd (3 MiB), enclave pool (1 MiB)  one superpage until the first enclave
 *   0x80C00000  HPT areas (readable), enclave tables (not mapped)  leaf table
 *   0xE0001000  simulation device            leaf table
 *
 *   user:  0x00010000 image | .. 0x00080000 stack | 0x10000000 mmap
 */
#ifndef YZ_HOST_LAYOUT_H
#define YZ_HOST_LAYOUT_H

#include <yz/memory_map.h>

#define DRAM_NEEDED (16u << 20)

/* Pages of the memory engine's metadata: for the enclave tables, and for the enclave pool. */
#define NODES_FOR_TABLES (YZ_BOOT_ARGS + 4096u)

#define KERNEL_CHUNK YZ_HOST_BASE
#define POOL_END (YZ_HOST_BASE + (4u << 20))
#define INITRD_CHUNK YZ_INITRD_BASE
#define INITRD_MAX (3u << 20)
#define ENCLAVE_POOL (YZ_INITRD_BASE + INITRD_MAX)
#define ENCLAVE_POOL_BYTES (1u << 20)

#define TABLE_CHUNK (YZ_DRAM_BASE + (12u << 20))
#define HPT_BASE TABLE_CHUNK
#define HPT_BYTES (128u << 10)
#define HPT_ROOT_ORDER 3u /* 2^3 root tables, then leaf tables */
#define HPT_ROOTS (1u << HPT_ROOT_ORDER)
#define HPT_GROWTH (TABLE_CHUNK + HPT_BYTES)
#define HPT_GROWTH_BYTES (16u << 10)
#define ENCLAVE_TABLES (TABLE_CHUNK + (512u << 10))
#define ENCLAVE_TABLES_BYTES (64u << 10)

#define USER_IMAGE_VA 0x00010000u
#define USER_STACK_TOP 0x00080000u /* near the image: one leaf table, few entries between */
#define USER_STACK_BYTES (64u << 10)
#define USER_MMAP_VA 0x10000000u
#define USER_MMAP_END 0x20000000u

#endif
