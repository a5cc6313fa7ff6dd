/* SPDX-License-Identifier: Apache-2.0 */
#include "tables.h"

#include <yz/abi.h>

#include "layout.h"
#include "lib.h"
#include "pool.h"
#include "riscv.h"
#include "sbi.h"

#define TABLES_MAX 64u

uint32_t tables_calls, tables_entries;

static bool guarded;

/* Free tables by level, guarded backend. Last in, first out. */
static uint32_t free_tables[2][TABLES_MAX];
static unsigned free_count[2];

/* Aligned so that it never crosses a page: the monitor reads it by physical address. */
static _Alignas(BATCH_ENTRIES * sizeof(struct yz_pte_update)) struct yz_pte_update queue[BATCH_ENTRIES];
static uint32_t queued;

static int32_t set_pte(uint32_t op, uint32_t a, uint32_t b, uint32_t c, uint32_t entries)
{
    tables_calls++;
    tables_entries += entries;
    return monitor_call(YZ_HOST_SET_PTE, op, a, b, c).error;
}

static void add_area(uint32_t pa, uint32_t end, unsigned level)
{
    /* Backwards: the lowest table is taken first. */
    while (end > pa && free_count[level] < TABLES_MAX) {
        end -= PAGE;
        free_tables[level][free_count[level]++] = end;
    }
}

int32_t tables_init(bool unguarded)
{
    guarded = !unguarded;
    if (unguarded)
        return SBI_SUCCESS;
    struct sbi_result r = monitor_call(YZ_HOST_SM_INIT, HPT_BASE, HPT_BYTES, 0, 0);
    if (r.error)
        return r.error;
    r = monitor_call(YZ_HOST_PT_AREA_SEPARATION, HPT_ROOT_ORDER, 0, 0, 0);
    if (r.error)
        return r.error;
    add_area(HPT_BASE, HPT_BASE + HPT_ROOTS * PAGE, 1);
    add_area(HPT_BASE + HPT_ROOTS * PAGE, HPT_BASE + HPT_BYTES, 0);
    return SBI_SUCCESS;
}

bool tables_guarded(void)
{
    return guarded;
}

uint32_t table_take(unsigned level)
{
    if (guarded)
        return free_count[level] ? free_tables[level][--free_count[level]] : 0;
    uint32_t pa = pool_take();
    if (pa)
        page_clear(pa);
    return pa;
}

void table_drop(uint32_t table_pa, unsigned level)
{
    if (!guarded) {
        pool_drop(table_pa);
        return;
    }
    free_tables[level][free_count[level]++] = table_pa;
}

int32_t tables_extend(uint32_t pa, uint32_t bytes)
{
    struct sbi_result r = monitor_call(YZ_HOST_HPT_EXTEND, pa, bytes, 0, 0);
    if (!r.error)
        add_area(pa, pa + bytes, 0);
    return r.error;
}

unsigned tables_free(unsigned level)
{
    return guarded ? free_count[level] : pool_free_pages();
}

static uint32_t *entry(uint32_t pte_pa)
{
    return (uint32_t *)(uintptr_t)pte_pa;
}

uint32_t pte_read(uint32_t pte_pa)
{
    return *(volatile uint32_t *)entry(pte_pa);
}

int32_t pte_set(uint32_t pte_pa, uint32_t value)
{
    if (queued)
        pte_commit(); /* changes keep their order */
    if (guarded)
        return set_pte(YZ_PTE_SET_ONE, pte_pa, value, 0, 1);
    *entry(pte_pa) = value;
    return SBI_SUCCESS;
}

int32_t pte_queue(uint32_t pte_pa, uint32_t value)
{
    if (!guarded) {
        *entry(pte_pa) = value;
        return SBI_SUCCESS;
    }
    queue[queued++] = (struct yz_pte_update){pte_pa, value};
    return queued == BATCH_ENTRIES ? pte_commit() : SBI_SUCCESS;
}

int32_t pte_commit(void)
{
    uint32_t count = queued;
    queued = 0;
    if (!count)
        return SBI_SUCCESS;
    if (count == 1)
        return set_pte(YZ_PTE_SET_ONE, queue[0].pte_pa, queue[0].value, 0, 1);
    return set_pte(YZ_PTE_BATCH_SET, (uint32_t)(uintptr_t)queue, count, 0, count);
}

int32_t pte_zero(uint32_t pte_pa, uint32_t bytes)
{
    if (queued)
        pte_commit();
    if (guarded)
        return set_pte(YZ_PTE_MEMSET, pte_pa, 0, bytes, bytes / sizeof(uint32_t));
    memset(entry(pte_pa), 0, bytes);
    return SBI_SUCCESS;
}

int32_t pte_copy(uint32_t to_pa, uint32_t from_pa, uint32_t bytes)
{
    if (queued)
        pte_commit();
    if (guarded)
        return set_pte(YZ_PTE_MEMCPY, to_pa, from_pa, bytes, bytes / sizeof(uint32_t));
    memcpy(entry(to_pa), entry(from_pa), bytes);
    return SBI_SUCCESS;
}

int32_t pte_split(uint32_t pte_pa, uint32_t table_pa)
{
    if (queued)
        pte_commit();
    if (guarded) {
        tables_calls++;
        return monitor_call(YZ_HOST_MAP_PTE, pte_pa, table_pa, 0, 0).error;
    }
    uint32_t superpage = *entry(pte_pa);
    for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
        entry(table_pa)[i] = superpage + (i << PTE_PPN_SHIFT);
    *entry(pte_pa) = pte_make(table_pa, PTE_V);
    tlb_flush();
    return SBI_SUCCESS;
}

#ifdef YZ_NATIVE
void tlb_flush_page(uint32_t va)
{
    (void)va;
}

void tlb_flush(void)
{
}

int32_t satp_load(uint32_t root_pa)
{
    return guarded ? monitor_call(YZ_HOST_SATP, SATP_SV32 | root_pa >> PAGE_SHIFT, 0, 0, 0).error : SBI_SUCCESS;
}
#else
void tlb_flush_page(uint32_t va)
{
    __asm__ volatile("sfence.vma %0, zero" : : "r"(va) : "memory");
}

void tlb_flush(void)
{
    __asm__ volatile("sfence.vma" : : : "memory");
}

int32_t satp_load(uint32_t root_pa)
{
    uint32_t satp = SATP_SV32 | root_pa >> PAGE_SHIFT;
    if (guarded)
        return monitor_call(YZ_HOST_SATP, satp, 0, 0, 0).error; /* flushes the TLB as well */
    csr_write(satp, satp);
    tlb_flush();
    return SBI_SUCCESS;
}
#endif
