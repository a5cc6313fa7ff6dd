/* SPDX-License-Identifier: Apache-2.0 */
#include "pmp.h"

#include <yz/memory_map.h>

#include "hal.h"

#define PMP_PROTECTED 1u
#define MMIO_REGION_BYTES 0x20000000u

/* Write the configuration byte of one entry and leave its three neighbours alone. */
static void write_config(uint32_t entry, uint32_t config)
{
    uint32_t shift = 8 * (entry % 4);
    uint32_t keep = ~(0xFFu << shift);
    switch (entry / 4) {
    case 0:
        hal_csr_write(CSR_PMPCFG0, (hal_csr_read(CSR_PMPCFG0) & keep) | config << shift);
        break;
    case 1:
        hal_csr_write(CSR_PMPCFG0 + 1, (hal_csr_read(CSR_PMPCFG0 + 1) & keep) | config << shift);
        break;
    case 2:
        hal_csr_write(CSR_PMPCFG0 + 2, (hal_csr_read(CSR_PMPCFG0 + 2) & keep) | config << shift);
        break;
    default:
        hal_csr_write(CSR_PMPCFG0 + 3, (hal_csr_read(CSR_PMPCFG0 + 3) & keep) | config << shift);
        break;
    }
}

static void write_address(uint32_t entry, uint32_t address)
{
    switch (entry) {
#define PMP_ADDRESS_CASE(n)                            \
    case n:                                            \
        hal_csr_write(CSR_PMPADDR0 + (n), address);    \
        break;
        PMP_ADDRESS_CASE(0)
        PMP_ADDRESS_CASE(1)
        PMP_ADDRESS_CASE(2)
        PMP_ADDRESS_CASE(3)
        PMP_ADDRESS_CASE(4)
        PMP_ADDRESS_CASE(5)
        PMP_ADDRESS_CASE(6)
        PMP_ADDRESS_CASE(7)
        PMP_ADDRESS_CASE(8)
        PMP_ADDRESS_CASE(9)
    default:
        PMP_ADDRESS_CASE(15)
#undef PMP_ADDRESS_CASE
    }
}

/* Address first, while the entry is off: it never matches a half-written region. */
static void set_entry(uint32_t entry, uint32_t pa, uint32_t size, uint32_t access)
{
    write_config(entry, 0);
    write_address(entry, pmp_napot_address(pa, size));
    write_config(entry, PMP_NAPOT | access);
}

void pmp_boot(void)
{
    /* countermeasure: MON.PMP_MONITOR */
    set_entry(0, YZ_MONITOR_BASE, YZ_MONITOR_BYTES, 0);
    set_entry(PMP_PROTECTED, YZ_PROTECTED_BASE, YZ_DRAM_MAX_BYTES, 0);
    set_entry(8, YZ_SIM_BASE, YZ_SIM_BYTES, PMP_R | PMP_W);
    set_entry(9, YZ_MMIO_BASE, MMIO_REGION_BYTES, 0);
    /* The whole 34-bit address space: all ones. */
    write_address(15, 0xFFFFFFFFu);
    write_config(15, PMP_NAPOT | PMP_R | PMP_W | PMP_X);
    hal_tlb_flush();
}

void pmp_close_hpt(uint32_t slot, uint32_t pa, uint32_t size)
{
    /* countermeasure: MON.PMP_HPT */
    set_entry(PMP_HPT_FIRST + slot, pa, size, PMP_R);
    hal_tlb_flush();
}

void pmp_close_tables(uint32_t slot, uint32_t pa, uint32_t size)
{
    /* countermeasure: MON.PMP_TABLES */
    set_entry(PMP_TABLES_FIRST + slot, pa, size, 0);
    hal_tlb_flush();
}

void pmp_open_hpt(uint32_t slot)
{
    write_config(PMP_HPT_FIRST + slot, 0);
    hal_tlb_flush();
}

void pmp_open_tables(uint32_t slot)
{
    write_config(PMP_TABLES_FIRST + slot, 0);
    hal_tlb_flush();
}

void pmp_set_world(uint32_t world)
{
    /* countermeasure: MON.PMP_WORLD */
    write_config(PMP_PROTECTED, PMP_NAPOT | (world != 0 ? PMP_R | PMP_W | PMP_X : 0));
}
