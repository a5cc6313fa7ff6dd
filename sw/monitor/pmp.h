/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Physical memory protection of the hart: what S and U may touch, whatever their page tables say.
 * The lowest entry that matches decides, and no match means no access. The grain is 32 bytes; every region here is a
 * page or more.
 *
 *   entry | region                             | S/U may        | set
 *   ------+------------------------------------+----------------+---------------------
 *    0    | monitor                            | nothing        | boot
 *    1    | protected window of DRAM           | world 0 nothing, world 1 RWX | each world switch
 *    2..5 | HPT areas                          | R              | SM_INIT, HPT_EXTEND
 *    6..7 | enclave-table areas, raw window    | nothing        | MEMORY_EXTEND
 *    8    | simulation device                  | RW             | boot
 *    9    | the rest of MMIO                   | nothing        | boot
 *   10..14| off                                |                |
 *   15    | everything else                    | RWX            | boot
 *
 * All regions are NAPOT: pmpaddr = base >> 2 | (size / 8 - 1), for a power of two size and a base that is a multiple of
 * it. Machine mode is not bound by the entries (L is clear): its own accesses are checked by the page records.
 */
#ifndef YZ_MONITOR_PMP_H
#define YZ_MONITOR_PMP_H

#include <stdbool.h>
#include <stdint.h>

#define PMP_HPT_FIRST 2u
#define PMP_HPT_SLOTS 4u
#define PMP_TABLES_FIRST 6u
#define PMP_TABLES_SLOTS 2u

#define PMP_R 0x01u
#define PMP_W 0x02u
#define PMP_X 0x04u
#define PMP_NAPOT 0x18u

/* True when [pa, pa + size) can be one entry: size a power of two of at least a page, pa a multiple of it. */
static inline bool pmp_is_napot(uint32_t pa, uint32_t size)
{
    return size >= 4096 && (size & (size - 1)) == 0 && (pa & (size - 1)) == 0;
}

static inline uint32_t pmp_napot_address(uint32_t pa, uint32_t size)
{
    return pa >> 2 | ((size >> 3) - 1);
}

/* The entries that never change, and the protected window closed. */
void pmp_boot(void);

/* Close HPT area `slot` (0..3) to stores of S and U. */
void pmp_close_hpt(uint32_t slot, uint32_t pa, uint32_t size);

/* Undo the last pmp_close_hpt or pmp_close_tables of a slot whose pages the host keeps after all. */
void pmp_open_hpt(uint32_t slot);
void pmp_open_tables(uint32_t slot);

/* Close the raw window of enclave-table area `slot` (0..1) to S and U. */
void pmp_close_tables(uint32_t slot, uint32_t pa, uint32_t size);

/* Open (enclave) or close (host) the protected window to the modes below M. */
void pmp_set_world(uint32_t world);

#endif
