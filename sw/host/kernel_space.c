/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel_space.h"

#include <yz/abi.h>

#include "layout.h"
#include "riscv.h"
#include "tables.h"

#define ROOTS_MAX 16u
#define CODE (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D | PTE_G)
#define DATA (PTE_V | PTE_R | PTE_W | PTE_A | PTE_D | PTE_G)
#define READ (PTE_V | PTE_R | PTE_A | PTE_G)

uint32_t kernel_root;

static uint32_t roots[ROOTS_MAX];

/* The entries of a root that make the kernel's half. */
static const uint32_t half[] = {KERNEL_CHUNK, INITRD_CHUNK, TABLE_CHUNK, YZ_SIM_BASE};
#define HALF_ENTRIES (sizeof half / sizeof half[0])

static uint32_t root_entry(uint32_t root, uint32_t va)
{
    return root + 4 * vpn1(va);
}

int32_t kernel_space_init(void)
{
    uint32_t tables_leaf = table_take(0), device_leaf = table_take(0);
    kernel_root = table_take(1);
    roots[0] = kernel_root;
    pte_queue(root_entry(kernel_root, KERNEL_CHUNK), pte_make(KERNEL_CHUNK, CODE));
    pte_queue(root_entry(kernel_root, INITRD_CHUNK), pte_make(INITRD_CHUNK, DATA));
    pte_queue(root_entry(kernel_root, TABLE_CHUNK), pte_make(tables_leaf, PTE_V));
    pte_queue(root_entry(kernel_root, YZ_SIM_BASE), pte_make(device_leaf, PTE_V));
    pte_queue(device_leaf + 4 * vpn0(YZ_SIM_BASE), pte_make(YZ_SIM_BASE, DATA));
    int32_t error = pte_commit();
    /* The host may read its tables; the unguarded kernel keeps its tables in the pool, under the first superpage. */
    for (uint32_t pa = HPT_BASE; tables_guarded() && !error && pa < HPT_BASE + HPT_BYTES; pa += PAGE)
        error = pte_queue(tables_leaf + 4 * vpn0(pa), pte_make(pa, READ));
    if (!error)
        error = pte_commit();
    return error ? error : satp_load(kernel_root);
}

int32_t kernel_half_copy(uint32_t root)
{
    for (uint32_t i = 0; i < ROOTS_MAX; i++) {
        if (roots[i])
            continue;
        int32_t error = SBI_SUCCESS;
        for (uint32_t e = 0; !error && e < HALF_ENTRIES; e++)
            error = pte_queue(root_entry(root, half[e]), pte_read(root_entry(kernel_root, half[e])));
        if (!error)
            error = pte_commit();
        if (!error)
            roots[i] = root;
        return error;
    }
    return YZ_ERR_NO_MEMORY;
}

void kernel_half_forget(uint32_t root)
{
    for (uint32_t e = 0; e < HALF_ENTRIES; e++)
        pte_queue(root_entry(root, half[e]), 0);
    pte_commit();
    for (uint32_t i = 0; i < ROOTS_MAX; i++)
        if (roots[i] == root)
            roots[i] = 0;
}

int32_t kernel_split(uint32_t chunk_pa)
{
    uint32_t first = root_entry(kernel_root, chunk_pa), pte = pte_read(first);
    if (!(pte & (PTE_R | PTE_W | PTE_X)))
        return SBI_SUCCESS;
    uint32_t table = table_take(0);
    if (!table)
        return YZ_ERR_NO_MEMORY;
    int32_t error = pte_split(first, table);
    for (uint32_t i = 0; !error && i < ROOTS_MAX; i++)
        if (roots[i] && roots[i] != kernel_root)
            error = pte_queue(root_entry(roots[i], chunk_pa), pte_read(first));
    if (!error)
        error = pte_commit();
    tlb_flush();
    return error;
}

uint32_t kernel_pte(uint32_t pa)
{
    uint32_t pte = pte_read(root_entry(kernel_root, pa));
    if (!(pte & PTE_V) || pte & (PTE_R | PTE_W | PTE_X))
        return 0;
    return pte_address(pte) + 4 * vpn0(pa);
}

int32_t kernel_map(uint32_t pa, uint32_t pages, uint32_t flags)
{
    int32_t error = SBI_SUCCESS;
    for (uint32_t i = 0; !error && i < pages; i++, pa += PAGE) {
        uint32_t pte_pa = kernel_pte(pa);
        error = pte_pa ? pte_queue(pte_pa, pte_make(pa, flags)) : YZ_ERR_PTE_LOCATION;
    }
    if (!error)
        error = pte_commit();
    tlb_flush();
    return error;
}
