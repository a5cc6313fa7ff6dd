/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page table entries of Sv32 (Privileged Architecture, chapter 11.3) and what the host may write into them.
 *
 *    31                 10 9 8  7   6   5   4   3   2   1   0
 *   [        ppn          |rsw| D | A | G | U | X | W | R | V ]
 *
 * The verdicts are pure functions of an entry and the record of the page it points to:
 *
 *   entry in a leaf table, V = 1                 | target HOST, SHARED | HPT_ROOT, HPT_LEAF | simulation device | other
 *   ---------------------------------------------+---------------------+--------------------+-------------------+------
 *   R, no W, no X                                | yes                 | yes                | yes               | no
 *   R and W, no X                                | yes                 | no                 | yes               | no
 *   X, with R or not, with R and W               | yes                 | no                 | no                | no
 *   W without R; no R, W, X (a pointer)          | bad format
 *
 *   entry in a root table, V = 1
 *   pointer (no R, W, X)                          | A, D, U clear and target HPT_LEAF: yes
 *   superpage (R, W, X as above)                  | aligned to 4 MiB, and every page of the chunk HOST or SHARED: yes
 *
 * An entry with V = 0 is the host's to use as it likes: hardware ignores its other bits, and so does the monitor.
 */
#ifndef YZ_MONITOR_PTE_H
#define YZ_MONITOR_PTE_H

#include <stdbool.h>
#include <stdint.h>

#include "pages.h"

#define PTE_V (1u << 0)
#define PTE_R (1u << 1)
#define PTE_W (1u << 2)
#define PTE_X (1u << 3)
#define PTE_U (1u << 4)
#define PTE_G (1u << 5)
#define PTE_A (1u << 6)
#define PTE_D (1u << 7)
#define PTE_PPN_SHIFT 10
#define PTE_BYTES 4u
#define PTE_TABLE_ENTRIES 1024u

/* Bit k of a set is for the entries whose X, W, R bits make the number k. */
#define PTE_RWX(pte) ((pte) >> 1 & 7u)
#define PTE_SET_LEGAL 0xBAu /* R, RW, X, RX, RWX */
#define PTE_SET_DATA 0x0Au  /* R, RW */
#define PTE_SET_READ 0x02u  /* R */

static inline bool pte_in_set(uint32_t pte, uint32_t set)
{
    return (set >> PTE_RWX(pte) & 1u) != 0;
}

static inline bool pte_is_pointer(uint32_t pte)
{
    return PTE_RWX(pte) == 0;
}

static inline uint32_t pte_ppn(uint32_t pte)
{
    return pte >> PTE_PPN_SHIFT;
}

/* A valid entry of a leaf table that points to the DRAM page with this record. */
static inline int32_t pte_check_leaf(uint32_t pte, uint32_t record)
{
    uint32_t owner = record_owner(record);
    /* countermeasure: MON.PTE_FORMAT */
    if (!pte_in_set(pte, PTE_SET_LEGAL))
        return YZ_ERR_PTE_FORMAT;
    if (__builtin_expect(owner == YZ_OWNER_HOST, 1))
        return SBI_SUCCESS;
    if (owner == YZ_OWNER_SHARED)
        return SBI_SUCCESS;
    /* countermeasure: MON.PTE_READ_TABLE */
    if ((owner == YZ_OWNER_HPT_ROOT || owner == YZ_OWNER_HPT_LEAF) && pte_in_set(pte, PTE_SET_READ))
        return SBI_SUCCESS;
    /* countermeasure: MON.PTE_TARGET */
    return YZ_ERR_PTE_TARGET;
}

/*
 * The common case of a yes by pte_check_leaf, in two comparisons: valid, readable, onto a page of the host.
 * With R set every combination of W and X is legal.
 */
static inline bool pte_is_plain(uint32_t pte, uint32_t record)
{
    return (pte & (PTE_V | PTE_R)) == (PTE_V | PTE_R) && record_owner(record) == YZ_OWNER_HOST;
}

/* A valid entry of a leaf table that points outside DRAM: the simulation device is the only such page. */
static inline int32_t pte_check_device(uint32_t pte)
{
    if (!pte_in_set(pte, PTE_SET_LEGAL))
        return YZ_ERR_PTE_FORMAT;
    /* countermeasure: MON.PTE_DEVICE */
    if (pte_ppn(pte) != YZ_SIM_BASE >> PAGE_SHIFT || !pte_in_set(pte, PTE_SET_DATA))
        return YZ_ERR_PTE_TARGET;
    return SBI_SUCCESS;
}

/* A valid pointer in a root table to the page with this record (FREE outside DRAM). */
static inline int32_t pte_check_pointer(uint32_t pte, uint32_t record)
{
    if ((pte & (PTE_A | PTE_D | PTE_U)) != 0)
        return YZ_ERR_PTE_FORMAT;
    /* countermeasure: MON.PTE_LEVEL */
    return record_owner(record) == YZ_OWNER_HPT_LEAF ? SBI_SUCCESS : YZ_ERR_PTE_TARGET;
}

/* A valid superpage in a root table onto a chunk of which `foreign` pages are not the host's. */
static inline int32_t pte_check_superpage(uint32_t pte, uint32_t foreign)
{
    if (!pte_in_set(pte, PTE_SET_LEGAL) || pte_ppn(pte) % CHUNK_PAGES != 0)
        return YZ_ERR_PTE_FORMAT;
    /* countermeasure: MON.PTE_SUPERPAGE */
    return foreign == 0 ? SBI_SUCCESS : YZ_ERR_PTE_TARGET;
}

#endif
